# Needs: a finished study. Makes: <results>/archives/{study}.zip, an RO-Crate to give to others.

from metaocl.planning.targets import study_records, study_results, study_tables


rule archive_study:
    input:
        files=lambda wildcards: [
            *study_results(wildcards.study, settings),
            *study_tables(wildcards.study),
        ],
        records=lambda wildcards: study_records(wildcards.study, settings),
        claims=files_judged("claims"),
        about=[
            str(REPOSITORY / name)
            for name in ("CITATION.cff", "LICENSE", "environment.yml")
        ],
    output:
        "<results>/archives/{study}.zip",
    log:
        "<logs>/archive_study/{study}.log",
    benchmark:
        "<benchmarks>/archive_study/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        study=settings_of("study"),
        stages=plan_lengths,
        branches=plan_branches,
        settings=configuration_of,
        models=models_of,
        axis=places_on_axis,
        results=lambda wildcards: settings.pathvars.results,
        script=path_of("archive_study.py"),
        code=code_version("archive_study.py"),
    message:
        "Archive study {wildcards.study} as {output}"
    shell:
        "python {params.script} --study {params.study:q} --stages {params.stages:q} --branches {params.branches:q}"
        " --results {params.results} --settings {params.settings:q} --models {params.models:q} --axis {params.axis:q}"
        " --files {input.files} --claims {input.claims:q} --about {input.about:q} --archive {output} --log {log}"
