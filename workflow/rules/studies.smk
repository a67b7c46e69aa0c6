# Needs: the settings. Makes: what the tables' rules ask of a study, and what is printed of it at the end.

import json
import keyword

from snakemake.parser import Python as SnakemakeLanguage

from metaocl.config.branches import swapped_plan
from metaocl.design.axes import AXES
from metaocl.planning.cells import axis_values
from metaocl.planning.single_study import models_in_words, single_study
from metaocl.planning.targets import findings, study_results


def plan_lengths(wildcards):
    """The number of stages of each plan of a study, as JSON."""
    plans = settings.studies[wildcards.study].plans
    return json.dumps(
        {plan: len(settings.plans[plan].stages) for plan in sorted(plans)}
    )


def plan_branches(wildcards):
    """The plan that each branch of a study shares its earlier stages with, as JSON."""
    study = settings.studies[wildcards.study]
    plans = [*study.plans, *(map(swapped_plan, study.plans) if study.paired else [])]
    branches = {plan: settings.plans[plan].branch_of for plan in sorted(plans)}
    return json.dumps({plan: trunk for plan, trunk in branches.items() if trunk})


def plan_tags(wildcards):
    """The tags of the new definitions of each plan of a study, as JSON."""
    plans = settings.studies[wildcards.study].plans
    return json.dumps({plan: settings.plans[plan].stages[-1].tags for plan in plans})


def axis_of(wildcards):
    """What a study varies, as JSON: its label, whether its scale is logarithmic, and its value for each cell."""
    study = settings.studies[wildcards.study]
    axis = AXES[study.axis]
    values = axis_values(study, settings)
    shown = {"label": axis.label, "log": axis.log, "values": values}
    return json.dumps(shown, ensure_ascii=False)


def places_on_axis(wildcards):
    """Where the cells of a study lie on its axis, as JSON; nothing for one without."""
    study = settings.studies[wildcards.study]
    values = axis_values(study, settings) if study.axis else {}
    return json.dumps(values, ensure_ascii=False)


def configuration_of(wildcards):
    """The configuration of a study alone, with no place on anybody's machine, as JSON."""
    alone = single_study(wildcards.study, settings)
    return json.dumps(alone, ensure_ascii=False)


def models_of(wildcards):
    """What each model of a study is, in words, as JSON."""
    words = models_in_words(single_study(wildcards.study, settings))
    return json.dumps(words, ensure_ascii=False)


def check_study_names():
    """A study is a target beside the rules that there are, and its page lies beside those of the verdicts."""
    rules_so_far = [rule.name for rule in workflow.rules]
    for study in settings.studies:
        if study in rules_so_far:
            meaning = "the name of a rule"
        elif study in ("claims", "hypotheses"):
            meaning = "the name of a page of verdicts on all studies"
        elif keyword.iskeyword(study) or study in SnakemakeLanguage.subautomata:
            meaning = "a name that is a word of Snakemake's own"
        else:
            continue
        raise WorkflowError(
            f"{CONFIG_FILE}: studies.{study} has {meaning}; give it another one"
        )


def report_findings():
    """Print what the studies of this run found, and where that is. What this run had no job for may be older than it."""
    if workflow.touch:
        return
    made = {str(file) for job in workflow.dag.jobs for file in job.output}
    for study in settings.studies:
        names = map(workflow.pathvars.apply, study_results(study, settings))
        results = [name for name in names if name in made]
        for summary in (name for name in results if name.endswith(".md")):
            found = findings(Path(summary).read_text(encoding="utf-8"))
            print("", f"Study {study}:", *found, "", *results, sep="\n")
