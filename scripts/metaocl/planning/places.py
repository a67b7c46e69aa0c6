"""Where results lie, as Snakemake's patterns: <results> is the configuration's folder, wildcards stay in braces."""

from __future__ import annotations

from pathlib import PurePosixPath

from metaocl.config.models import Model
from metaocl.design.cells import Cell

RESULTS = "<results>"
FETCHED_HANDWRITING = RESULTS + "/downloads/{model}"
STAGE = RESULTS + "/stages/{dataset}/{define_type}/{model}/{plan}/seed{seed}"


def stage_folders(cell: Cell, stages: int, branch_of: str | None = None) -> list[PurePosixPath]:
    """The folder of each of a cell's `stages` in turn, from the results; the stage-2 seeds share all but the last.

    branch_of: the plan that the stages but the last belong to, if not the cell's own.
    """
    own, shared = (
        PurePosixPath("stages", cell.dataset, cell.define_type, cell.model, plan, f"seed{cell.seed}")
        for plan in (cell.plan, branch_of or cell.plan)
    )
    earlier = [shared / f"stage{number}" for number in range(1, stages)]
    return [*earlier, own / f"stage2_seed{cell.stage2_seed}"]


def aliases_folder(cell: Cell) -> PurePosixPath:
    """The folder of a cell's stage-2 documents and aliases, from the results."""
    seeds = (f"seed{cell.seed}", f"stage2_seed{cell.stage2_seed}")
    return PurePosixPath("documents", cell.dataset, cell.define_type, *seeds)


def first_model(model: Model, dataset: str = "{dataset}") -> str:
    """The model that a cell starts from: pretrained, trained on the facts, or of its seed.

    dataset: the data set whose facts it knows, or whose words.
    """
    if model.convnet:
        return f"{RESULTS}/convnets/{{model}}/seed{{seed}}/model"
    if model.pretrained:
        return f"{RESULTS}/pretrained_models/{{model}}/model"
    if model.base_training:
        own = "/seed{seed}" if model.base_training.per_seed else ""
        return f"{RESULTS}/base_models/{dataset}/{{model}}{own}/model"
    return f"{RESULTS}/random_models/{dataset}/{{model}}/seed{{seed}}/model"


def model_before(number: int, model: Model, branch_of: str | None = None, dataset: str = "{dataset}") -> str:
    """The model that the stage of this number (1, 2, …) starts from: that of the stage before, or the first one.

    branch_of: the plan that the stage before belongs to, if not the stage's own. dataset: as `first_model` takes it.
    """
    stage = STAGE.replace("{plan}", branch_of) if branch_of else STAGE
    return first_model(model, dataset) if number == 1 else f"{stage}/stage{number - 1}/model"


def measurement_file(folder: PurePosixPath, measurement: str) -> str:
    """The table of a measurement of a last stage, from the results."""
    return f"{folder}/measurements/{measurement}.parquet"
