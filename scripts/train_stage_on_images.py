"""Train one stage of a cell with a network of images, and put every test question to it after each epoch.

A run that was stopped goes on from its checkpoint when the same command is given again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metaocl.commands import run_command
from metaocl.config.plans import Stage
from metaocl.runs import described
from metaocl.stage_command import train_one_stage
from metaocl.training.interventions import NONE, Intervention
from metaocl.vision.runs import Run, prepare_vision_run
from metaocl.vision.scenes import VisionError


def main() -> None:
    train_one_stage(__doc__, Path(__file__), prepare)


def prepare(model: Path, documents: Sequence[Path], stage: Stage, seeds: Sequence[int]) -> tuple[Run, Intervention]:
    if stage.trained != "all" or stage.project_rows:
        raise VisionError("trained and project_rows are about embedding rows of aliases; a network of images has none")
    match described(model):
        case {"model_type": "metaocl_convnet", "settings": settings}:
            return prepare_vision_run(model, settings, documents, stage, seeds), NONE
    raise VisionError(f"{model}: holds no network of images whose config.json can be read")


if __name__ == "__main__":
    run_command(main)
