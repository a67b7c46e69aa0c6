# Needs: the tables of a study. Makes: <results>/figures/{study}/. A change of looks retrains nothing.

import json

from metaocl.planning.cells import axis_values

AXES = {
    "alpha": ("α, correlation of tag and consistency", False),
    "model_size": ("parameters", True),
    "batch_size": ("batch size", True),
    "entities": ("entities", True),
    "define_type": ("define type", False),
    "plan": ("stage plan", False),
}


def axis_of(wildcards):
    """What a study varies, as JSON: its label, whether its scale is logarithmic, and its value for each cell."""
    study = settings.studies[wildcards.study]
    label, log = AXES[study.axis]
    axis = {"label": label, "log": log, "values": axis_values(study, settings)}
    return json.dumps(axis, ensure_ascii=False)


rule plot_training_curves:
    input:
        metrics="<results>/tables/{study}/metrics.parquet",
        style=str(REPOSITORY / "scripts/metaocl/figures/style.mplstyle"),
    output:
        report(
            multiext(
                "<results>/figures/{study}/training_curves", ".pdf", ".svg", ".png"
            ),
            caption="../report/training_curves.rst",
            category="Figures",
            subcategory="{study}",
        ),
    log:
        "<logs>/plot_training_curves/{study}.log",
    benchmark:
        "<benchmarks>/plot_training_curves/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        script=path_of("plot_training_curves.py"),
        code=code_version("plot_training_curves.py"),
    message:
        "Plot the training curves of study {wildcards.study}"
    shell:
        "python {params.script} --metrics {input.metrics} --figures {output} --log {log}"


rule plot_gaps:
    input:
        gaps="<results>/tables/{study}/gaps.parquet",
        style=str(REPOSITORY / "scripts/metaocl/figures/style.mplstyle"),
    output:
        report(
            multiext("<results>/figures/{study}/gaps", ".pdf", ".svg", ".png"),
            caption="../report/gaps.rst",
            category="Figures",
            subcategory="{study}",
        ),
    log:
        "<logs>/plot_gaps/{study}.log",
    benchmark:
        "<benchmarks>/plot_gaps/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        axis=axis_of,
        script=path_of("plot_gaps.py"),
        code=code_version("plot_gaps.py"),
    message:
        "Plot the gaps of study {wildcards.study} against what it varies"
    shell:
        "python {params.script} --gaps {input.gaps} --axis {params.axis:q} --figures {output} --log {log}"
