# Needs: the configuration. Makes: the typed settings, the targets, and what rules ask for as functions of wildcards.

import json
import os
import re
import sys
from pathlib import Path

ROOT = Path(workflow.basedir).parent
sys.path.insert(0, str(ROOT / "scripts"))

from metaocl.planning.cells import (
    Cell,
    aliases_folder,
    axis_values,
    stage_folders,
    study_cells,
)
from metaocl.artifacts.code_version import code_version as version_of
from metaocl.config.entries import ConfigError, canonical_json, parse_config
from metaocl.design.axes import AXES
from metaocl.planning.costs import stage_operations, training_memory, training_minutes

# Jobs run `python`; it must be the one that runs Snakemake, whether or not its environment is activated.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)

# Jobs keep the memory that they free instead of fetching it anew from the kernel in every step. On a CPU that saves a
# tenth of the time that SmolLM2-135M is trained, for a sixth more memory. A setting of the user's own stays.
os.environ.setdefault("MALLOC_MMAP_MAX_", "0")
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**40))

CONFIG_FILE = ", ".join(map(str, workflow.configfiles)) or "the configuration"

try:
    settings = parse_config(config, CONFIG_FILE)
except ConfigError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    dataset="|".join(map(re.escape, settings.datasets)),
    define_type="|".join(map(re.escape, settings.define_types)),
    model="|".join(map(re.escape, settings.models)),
    plan="|".join(map(re.escape, settings.plans)),
    study="|".join(map(re.escape, settings.studies)),
    seed=r"\d+",
    stage2_seed=r"\d+",
    stage=r"\d+",


def settings_of(kind):
    """The settings of the wildcard's entry, as JSON: settings_of("dataset") looks {dataset} up in `datasets`."""
    entries = getattr(settings, "studies" if kind == "study" else f"{kind}s")
    return lambda wildcards: canonical_json(entries[getattr(wildcards, kind)])


def code_version(script):
    """The version of a script's code: a parameter that no command uses, so that Snakemake sees the code change."""
    return version_of(ROOT / "scripts" / script)


def plan_stages(wildcards):
    return settings.plans[wildcards.plan].stages


def model_threads(wildcards):
    return settings.models[wildcards.model].threads


def memory_option(wildcards):
    model = settings.models[wildcards.model]
    return "--gradient-checkpointing" if model.gradient_checkpointing else ""


def job_memory(wildcards, attempt):
    """MB of memory for a training job; more each time that it is tried again."""
    return attempt * training_memory(settings.models[wildcards.model])


def stage_minutes(wildcards, attempt):
    """The time limit of a stage; longer each time that it is tried again, and it goes on from its checkpoint."""
    w = wildcards
    number = int(getattr(w, "stage", len(plan_stages(w))))
    cell = Cell(w.dataset, w.define_type, w.model, w.plan, int(w.seed), 0)
    operations = stage_operations(cell, plan_stages(w)[number - 1], settings)
    return attempt * training_minutes(operations)


def base_minutes(wildcards, attempt):
    """The time limit of a base model's training, which has no checkpoints."""
    return attempt * 240


def first_model(model):
    """The model that a cell starts from, as a pattern."""
    if model.pretrained:
        return "results/pretrained_models/{model}/model"
    if model.base_training:
        return "results/base_models/{dataset}/{model}/model"
    return "results/random_models/{dataset}/{model}/seed{seed}/model"


def source_url(wildcards):
    """The file to fetch, for Snakemake's storage plugin."""
    return storage.http(settings.datasets[wildcards.dataset].source.url)


def source_data(wildcards):
    """The public file of a data set: the user's own, or the one that is fetched."""
    return settings.datasets[wildcards.dataset].source.path or rules.fetch_data.output


def facts_data(wildcards):
    """What a source reads; nothing if its data come with a Python package."""
    kind = settings.datasets[wildcards.dataset].source.kind
    if kind == "trex":
        return rules.tabulate_trex.output.triples
    return source_data(wildcards) if kind == "cvdb" else []


def previous_model(wildcards):
    """The model that a stage starts from: the base model, or that of the stage before."""
    number = int(getattr(wildcards, "stage", len(plan_stages(wildcards))))
    if number == 1:
        return first_model(settings.models[wildcards.model])
    return f"results/stages/{{dataset}}/{{define_type}}/{{model}}/{{plan}}/seed{{seed}}/stage{number - 1}/model"


def plan_lengths(wildcards):
    """The number of stages of each plan of a study, as JSON."""
    plans = settings.studies[wildcards.study].plans
    return json.dumps(
        {plan: len(settings.plans[plan].stages) for plan in sorted(plans)}
    )


def study_metrics(wildcards):
    """The metrics and stage-2 aliases of every cell of a study."""
    files = {}
    for cell in study_cells(settings.studies[wildcards.study]):
        for folder in stage_folders(cell, len(settings.plans[cell.plan].stages)):
            files[f"results/{folder}/metrics.parquet"] = None
        files[f"results/{aliases_folder(cell)}/aliases.parquet"] = None
    return list(files)


def axis_of(wildcards):
    """What a study varies, as JSON: its label, whether its scale is logarithmic, and its value for each cell."""
    study = settings.studies[wildcards.study]
    axis = AXES[study.axis]
    shown = {
        "label": axis.label,
        "log": axis.log,
        "values": axis_values(study, settings),
    }
    return json.dumps(shown, ensure_ascii=False)


def study_figures(study):
    axis = settings.studies[study].axis
    figures = ["training_curves", "gaps"] if axis else ["training_curves"]
    return expand(
        "results/figures/{study}/{figure}.{format}",
        study=study,
        figure=figures,
        format=["pdf", "svg", "png"],
    )


def study_results(study):
    """Everything that a study is run for."""
    tables = expand(
        "results/tables/{study}/{table}.csv",
        study=study,
        table=["metrics", "effects", "gaps"],
    )
    guessability = expand(
        "results/facts/{dataset}/guessability.csv",
        dataset=settings.studies[study].datasets,
    )
    return [
        *tables,
        *guessability,
        *study_figures(study),
        f"results/summaries/{study}.md",
        f"results/summaries/{study}.json",
    ]


def report_findings(study):
    """Print what a finished study found, and where its figure is."""
    summary = Path(f"results/summaries/{study}.md")
    if summary.is_file():
        findings = [
            line
            for line in summary.read_text(encoding="utf-8").splitlines()
            if line.startswith("- **")
        ]
        print(
            "",
            f"Study {study}:",
            *findings,
            "",
            *(f"{name}" for name in study_results(study)),
            sep="\n",
        )
