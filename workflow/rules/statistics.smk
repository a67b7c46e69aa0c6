# Needs: the metrics of all runs of a study. Makes: results/tables/{study}/, metrics and effects as parquet and CSV.


rule collect_metrics:
    input:
        study_metrics,
    output:
        parquet="results/tables/{study}/metrics.parquet",
        csv="results/tables/{study}/metrics.csv",
    log:
        "results/logs/collect_metrics/{study}.log",
    benchmark:
        "results/benchmarks/collect_metrics/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        study=settings_of("study"),
        stages=plan_lengths,
        code=code_version("collect_metrics.py"),
    message:
        "Collect the metrics of study {wildcards.study}"
    shell:
        "python scripts/collect_metrics.py --study {params.study:q} --stages {params.stages:q} --results results"
        " --parquet {output.parquet} --csv {output.csv} --log {log}"


rule estimate_effects:
    input:
        metrics="results/tables/{study}/metrics.parquet",
    output:
        parquet="results/tables/{study}/effects.parquet",
        csv=report(
            "results/tables/{study}/effects.csv",
            caption="../report/effects.rst",
            category="Tables",
            subcategory="{study}",
        ),
        gaps_parquet="results/tables/{study}/gaps.parquet",
        gaps_csv="results/tables/{study}/gaps.csv",
    log:
        "results/logs/estimate_effects/{study}.log",
    benchmark:
        "results/benchmarks/estimate_effects/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code_version("estimate_effects.py"),
    message:
        "Estimate the effects of study {wildcards.study}"
    shell:
        "python scripts/estimate_effects.py --metrics {input.metrics}"
        " --parquet {output.parquet} --csv {output.csv}"
        " --gaps-parquet {output.gaps_parquet} --gaps-csv {output.gaps_csv} --log {log}"
