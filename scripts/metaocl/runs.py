"""A stage as it is trained, whichever modality its model has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metaocl.config.plans import Stage
from metaocl.training.interventions import NONE, Intervention


def prepare_run(model: Path, documents: Sequence[Path], stage: Stage, seeds: Sequence[int]) -> Any:
    """A stage that starts from the model in a folder: a `Run` of `metaocl.text.runs` or of `metaocl.vision.runs`.

    seeds: of the stage. Raises what these raise.
    """
    # A modality is imported when it is met: the libraries of language models take seconds.
    match _described(model):
        case {"model_type": "metaocl_convnet", "settings": settings}:
            from metaocl.vision.runs import prepare_vision_run

            return prepare_vision_run(model, settings, documents, stage, seeds)
    from metaocl.text.runs import prepare_run as prepare_text_run

    return prepare_text_run(model, documents, stage)


def intervene(run: Any, seeds: Sequence[int]) -> Intervention:
    """What the settings of a stage ask to be done in each step. Raises UserError where the model has nothing for it."""
    if run.stage.trained == "all" and run.stage.project_rows is None:
        return NONE
    from metaocl.text.alias_rows import stage_intervention

    return stage_intervention(run, seeds)


def _described(model: Path) -> Any:
    """What a model's config.json says; None where it cannot be read, of which its modality will tell."""
    try:
        return json.loads((model / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
