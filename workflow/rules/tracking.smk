# Needs: the metrics of a study and the steps of its stages. Makes: <results>/tracking/{study}/, event files for TensorBoard.

from metaocl.planning.targets import study_histories


# The package that it needs is optional, and not in environment.yml: requirements-tensorboard.txt.
rule export_tracking:
    input:
        histories=lambda wildcards: study_histories(wildcards.study, settings),
        metrics="<results>/tables/{study}/metrics.parquet",
    output:
        directory("<results>/tracking/{study}"),
    log:
        "<logs>/export_tracking/{study}.log",
    benchmark:
        "<benchmarks>/export_tracking/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        study=settings_of("study"),
        stages=plan_lengths,
        branches=plan_branches,
        results=lambda wildcards: settings.pathvars.results,
        script=path_of("export_tracking.py"),
        code=code_version("export_tracking.py"),
    message:
        "Export study {wildcards.study} for TensorBoard; then look at it: tensorboard --logdir {output}"
    shell:
        "python {params.script} --study {params.study:q} --stages {params.stages:q} --branches {params.branches:q}"
        " --results {params.results} --metrics {input.metrics} --tracking {output} --log {log}"
