# Needs: the tables of a study and what its stages left. Makes: <results>/pages/{study}.html, in which it can be searched.

import json

from metaocl.planning.targets import study_answers


def entries_of(wildcards):
    """The settings of all that a study names, as JSON, by section."""
    study = settings.studies[wildcards.study]
    return json.dumps(
        {
            section: {
                name: json.loads(entry_json(section, name))
                for name in getattr(study, section)
            }
            for section in (
                "datasets",
                "define_types",
                "models",
                "plans",
                "measurements",
            )
        },
        ensure_ascii=False,
    )


def places_on_axis(wildcards):
    """Where the cells of a study lie on its axis, as JSON; nothing for one without."""
    study = settings.studies[wildcards.study]
    values = axis_values(study, settings) if study.axis else {}
    return json.dumps(values, ensure_ascii=False)


rule write_page:
    input:
        lambda wildcards: study_answers(wildcards.study, settings),
        metrics="<results>/tables/{study}/metrics.parquet",
        effects="<results>/tables/{study}/effects.parquet",
        gaps="<results>/tables/{study}/gaps.parquet",
        claims=judged_files("claims"),
        looks=multiext(
            str(REPOSITORY / "scripts/metaocl/reports/page"), ".html", ".css", ".js"
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
        entries=entries_of,
        axis=places_on_axis,
        script=path_of("write_page.py"),
        code=code_version("write_page.py"),
    message:
        "Write the page of study {wildcards.study}; then open it in a browser: {output}"
    shell:
        "python {params.script} --study {params.study:q} --stages {params.stages:q} --branches {params.branches:q} --results {params.results}"
        " --name {wildcards.study} --entries {params.entries:q} --metrics {input.metrics} --effects {input.effects} --gaps {input.gaps}"
        " --claims {input.claims:q} --axis {params.axis:q} --page {output} --log {log}"
