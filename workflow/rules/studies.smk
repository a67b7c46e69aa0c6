# Needs: the settings. Makes: what the tables' rules ask of a study, and what is printed of it at the end.

import json

from metaocl.design.axes import AXES
from metaocl.planning.cells import axis_values
from metaocl.planning.targets import findings, study_results


def plan_lengths(wildcards):
    """The number of stages of each plan of a study, as JSON."""
    plans = settings.studies[wildcards.study].plans
    return json.dumps(
        {plan: len(settings.plans[plan].stages) for plan in sorted(plans)}
    )


def axis_of(wildcards):
    """What a study varies, as JSON: its label, whether its scale is logarithmic, and its value for each cell."""
    study = settings.studies[wildcards.study]
    axis = AXES[study.axis]
    values = axis_values(study, settings)
    shown = {"label": axis.label, "log": axis.log, "values": values}
    return json.dumps(shown, ensure_ascii=False)


def report_findings(study):
    """Print what a finished study found, and where its results are."""
    results = [workflow.pathvars.apply(name) for name in study_results(study, settings)]
    summary = Path(next(name for name in results if name.endswith(".md")))
    if summary.is_file():
        found = findings(summary.read_text(encoding="utf-8"))
        print("", f"Study {study}:", *found, "", *results, sep="\n")
