# Needs: the tables of a study. Makes: <results>/summaries/, what was found, for people and for programs.


rule write_summary:
    input:
        metrics="<results>/tables/{study}/metrics.parquet",
        effects="<results>/tables/{study}/effects.parquet",
    output:
        markdown=report(
            "<results>/summaries/{study}.md",
            caption="../report/summary.rst",
            category="Summaries",
            subcategory="{study}",
        ),
        json="<results>/summaries/{study}.json",
    log:
        "<logs>/write_summary/{study}.log",
    benchmark:
        "<benchmarks>/write_summary/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        one_for_all_seeds=lambda wildcards: " ".join(
            model
            for model in settings.studies[wildcards.study].models
            if settings.models[model].one_for_all_seeds
        ),
        tags=plan_tags,
        script=path_of("write_summary.py"),
        code=code_version("write_summary.py"),
    message:
        "Write the summary of study {wildcards.study}"
    shell:
        "python {params.script} --study {wildcards.study} --metrics {input.metrics} --effects {input.effects}"
        " --one-for-all-seeds {params.one_for_all_seeds} --tags {params.tags:q}"
        " --markdown {output.markdown} --json {output.json} --log {log}"
