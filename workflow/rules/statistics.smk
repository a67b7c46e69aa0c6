# Needs: the metrics of all runs of a study. Makes: <results>/tables/{study}/, metrics and effects as parquet and CSV.

from metaocl.planning.targets import related_measurements, study_runs


rule collect_metrics:
    input:
        lambda wildcards: study_runs(wildcards.study, settings),
    output:
        parquet="<results>/tables/{study}/metrics.parquet",
        csv="<results>/tables/{study}/metrics.csv",
    log:
        "<logs>/collect_metrics/{study}.log",
    benchmark:
        "<benchmarks>/collect_metrics/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        study=settings_of("study"),
        stages=plan_lengths,
        branches=plan_branches,
        results=lambda wildcards: settings.pathvars.results,
        script=path_of("collect_metrics.py"),
        code=code_version("collect_metrics.py"),
    message:
        "Collect the metrics of study {wildcards.study}"
    shell:
        "python {params.script} --study {params.study:q} --stages {params.stages:q} --branches {params.branches:q} --results {params.results}"
        " --parquet {output.parquet} --csv {output.csv} --log {log}"


rule estimate_effects:
    input:
        metrics="<results>/tables/{study}/metrics.parquet",
    output:
        parquet="<results>/tables/{study}/effects.parquet",
        csv=report(
            "<results>/tables/{study}/effects.csv",
            caption="../report/effects.rst",
            category="Tables",
            subcategory="{study}",
        ),
        gaps_parquet="<results>/tables/{study}/gaps.parquet",
        gaps_csv="<results>/tables/{study}/gaps.csv",
    log:
        "<logs>/estimate_effects/{study}.log",
    benchmark:
        "<benchmarks>/estimate_effects/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        script=path_of("estimate_effects.py"),
        code=code_version("estimate_effects.py"),
    message:
        "Estimate the effects of study {wildcards.study}"
    shell:
        "python {params.script} --metrics {input.metrics}"
        " --parquet {output.parquet} --csv {output.csv}"
        " --gaps-parquet {output.gaps_parquet} --gaps-csv {output.gaps_csv} --log {log}"


rule relate_aliases:
    input:
        lambda wildcards: study_runs(wildcards.study, settings),
    output:
        report(
            "<results>/tables/{study}/alias_relations.csv",
            caption="../report/alias_relations.rst",
            category="Tables",
            subcategory="{study}",
        ),
    log:
        "<logs>/relate_aliases/{study}.log",
    benchmark:
        "<benchmarks>/relate_aliases/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        study=settings_of("study"),
        stages=plan_lengths,
        branches=plan_branches,
        results=lambda wildcards: settings.pathvars.results,
        measurements=lambda wildcards: related_measurements(wildcards.study, settings),
        script=path_of("relate_aliases.py"),
        code=code_version("relate_aliases.py"),
    message:
        "Relate alignment to the effect over the aliases of study {wildcards.study}"
    shell:
        "python {params.script} --study {params.study:q} --stages {params.stages:q} --branches {params.branches:q} --results {params.results}"
        " --measurements {params.measurements} --table {output} --log {log}"
