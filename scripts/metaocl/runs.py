"""A stage as it is trained, and as it can be opened again when it is finished, whichever modality its model has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from metaocl.artifacts.publishing import ArtifactError
from metaocl.config.plans import Stage
from metaocl.documents.records import Document
from metaocl.training.seeding import seed_training


class Run(Protocol):
    """What a stage is in either modality: `metaocl.text.runs.Run` and `metaocl.vision.runs.Run` have more.

    documents: all of the stage's cell. task: as `metaocl.training.task` describes it.
    """

    modality: ClassVar[str]

    @property
    def stage(self) -> Stage: ...

    @property
    def documents(self) -> list[Document]: ...

    @property
    def task(self) -> Any: ...

    @property
    def model(self) -> Any: ...


def prepare_run(model: Path, documents: Sequence[Path], stage: Stage, seeds: Sequence[int]) -> Any:
    """A stage that starts from the model in a folder: a `Run` of `metaocl.text.runs` or of `metaocl.vision.runs`.

    seeds: of the stage. Raises what these raise.
    """
    # A modality is imported when it is met: the libraries of language models take seconds.
    match described(model):
        case {"model_type": "metaocl_convnet", "settings": settings}:
            from metaocl.vision.runs import prepare_vision_run

            return prepare_vision_run(model, settings, documents, stage, seeds)
    from metaocl.text.runs import prepare_run as prepare_text_run

    return prepare_text_run(model, documents, stage)


def open_run(folder: Path, epoch: int | None = None, counterfactuals: Path | None = None) -> Any:
    """A finished stage, with the model that it ended with, or had after an epoch that is among its `snapshots`.

    Documents, settings, examples and loss are those of its training. folder: that of the stage's run.json, which names
    the documents from there. counterfactuals: a file of further documents, which training did not have. The model is in
    eval mode, on the GPU where there is one. Raises ArtifactError for a folder without a finished stage.
    """
    settings = _settings_of(folder)
    model = folder / "model" if epoch is None else folder / "snapshots" / f"epoch{epoch}"
    if not model.is_dir():
        kept = sorted(path.name.removeprefix("epoch") for path in folder.glob("snapshots/epoch*"))
        raise ArtifactError(f"{model}: is not there; snapshots are of epochs {', '.join(kept) or '(none)'}")
    return _open(folder, model, settings, counterfactuals)


def open_beginning(folder: Path, counterfactuals: Path | None = None) -> Any:
    """A finished stage as it was before its first step, new words included; else as `open_run`."""
    settings = _settings_of(folder)
    seed_training(settings["stage_number"], settings["seeds"])
    return _open(folder, folder / settings["initial_model"], settings, counterfactuals)


def _settings_of(folder: Path) -> dict[str, Any]:
    """What a finished stage was made with; `stage` in its typed form."""
    record = folder / "run.json"
    try:
        settings = json.loads(record.read_text(encoding="utf-8"))["settings"]
        return settings | {"stage": Stage(**settings["stage"]), "documents": list(settings["documents"])}
    except (OSError, KeyError, ValueError) as error:
        raise ArtifactError(f"{record}: tells of no finished stage: {type(error).__name__}: {error}") from None


def _open(folder: Path, model: Path, settings: dict[str, Any], counterfactuals: Path | None) -> Any:
    documents = [folder / path for path in settings["documents"]]
    # A stage that trained with other tags names the file already.
    if counterfactuals and counterfactuals.resolve() not in [path.resolve() for path in documents]:
        documents.append(counterfactuals)
    run = prepare_run(model, documents, settings["stage"], settings["seeds"])
    run.model.eval()
    return run


def described(model: Path) -> Any:
    """What a model's config.json says; None where it cannot be read, of which its modality will tell."""
    try:
        return json.loads((model / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
