# Needs: the settings. Makes: what a training job asks for, as functions of wildcards; estimates, and generous ones.

from metaocl.design.cells import Cell
from metaocl.planning.costs import stage_operations, training_memory, training_minutes


def model_threads(wildcards):
    return settings.models[wildcards.model].threads


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


def training_options(wildcards):
    model = settings.models[wildcards.model]
    return "--gradient-checkpointing" if model.gradient_checkpointing else ""


def snapshots_option(wildcards, output):
    return f"{training_options(wildcards)} --snapshots {output.snapshots}"


def kept(model):
    """A model that only other jobs need: there for good, or until they have run."""
    return model if settings.keep == "all" else temp(model)
