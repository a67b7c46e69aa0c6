# Needs: the tables of a study and what its stages left. Makes: <results>/pages/{study}.html, in which it can be searched.

from metaocl.planning.targets import study_answers


rule write_page:
    input:
        lambda wildcards: study_answers(wildcards.study, settings),
        metrics="<results>/tables/{study}/metrics.parquet",
        effects="<results>/tables/{study}/effects.parquet",
        gaps="<results>/tables/{study}/gaps.parquet",
        claims=files_judged("claims"),
        looks=multiext(
            str(REPOSITORY / "scripts/metaocl/reports/page"),
            ".html",
            ".css",
            ".js",
            "_charts.js",
        ),
    output:
        report(
            "<results>/pages/{study}.html",
            caption="../report/page.rst",
            category="Pages",
            subcategory="{study}",
        ),
    log:
        "<logs>/write_page/{study}.log",
    benchmark:
        "<benchmarks>/write_page/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        study=settings_of("study"),
        stages=plan_lengths,
        branches=plan_branches,
        results=lambda wildcards: settings.pathvars.results,
        settings=configuration_of,
        axis=places_on_axis,
        script=path_of("write_page.py"),
        code=code_version("write_page.py"),
    message:
        "Write the page of study {wildcards.study}; then open it in a browser: {output}"
    shell:
        "python {params.script} --study {params.study:q} --stages {params.stages:q} --branches {params.branches:q} --results {params.results}"
        " --name {wildcards.study} --settings {params.settings:q} --metrics {input.metrics} --effects {input.effects} --gaps {input.gaps}"
        " --claims {input.claims:q} --axis {params.axis:q} --page {output} --log {log}"
