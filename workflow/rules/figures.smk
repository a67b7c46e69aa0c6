# Needs: the tables of a study. Makes: <results>/figures/{study}/. A change of looks retrains nothing.

import json

from metaocl.design.axes import AXES
from metaocl.planning.cells import axis_values


def axis_of(wildcards):
    """What a study varies, as JSON: its label, whether its scale is logarithmic, and its value for each cell."""
    study = settings.studies[wildcards.study]
    axis = AXES[study.axis]
    values = axis_values(study, settings)
    shown = {"label": axis.label, "log": axis.log, "values": values}
    return json.dumps(shown, ensure_ascii=False)


rule plot_training_curves:
    input:
        metrics="<results>/tables/{study}/metrics.parquet",
        style="scripts/metaocl/figures/style.mplstyle",
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
        code=code_version("plot_training_curves.py"),
    message:
        "Plot the training curves of study {wildcards.study}"
    shell:
        "python scripts/plot_training_curves.py --metrics {input.metrics} --figures {output} --log {log}"


rule plot_gaps:
    input:
        gaps="<results>/tables/{study}/gaps.parquet",
        style="scripts/metaocl/figures/style.mplstyle",
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
        code=code_version("plot_gaps.py"),
    message:
        "Plot the gaps of study {wildcards.study} against what it varies"
    shell:
        "python scripts/plot_gaps.py --gaps {input.gaps} --axis {params.axis:q} --figures {output} --log {log}"
