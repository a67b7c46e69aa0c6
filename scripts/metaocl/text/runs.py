"""A stage of a language model as it is trained, and as it can be opened again when it is finished."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaocl.artifacts.publishing import ArtifactError
from metaocl.config.plans import Stage
from metaocl.documents.reading import read_stage_documents
from metaocl.documents.records import Document
from metaocl.text.evaluation import Evaluator
from metaocl.text.examples import Examples
from metaocl.text.golds import check_golds
from metaocl.text.models import load_model, save_model
from metaocl.text.task import TextTask, make_text_task
from metaocl.training.seeding import seed_training


@dataclass(frozen=True)
class Run:
    """A model with the documents of a stage and what training makes of them.

    documents: all of the stage's cell. trained, tested: those that the stage trains on, and the test questions.
    examples, evaluator: of the trained and of the tested documents, in their order.
    unreachable_golds: by test set, how many questions have a gold answer that the model's tokenizer cannot give back.
    """

    stage: Stage
    documents: list[Document]
    trained: list[Document]
    tested: list[Document]
    task: TextTask
    examples: Examples
    evaluator: Evaluator
    unreachable_golds: dict[str, dict[str, float]]

    @property
    def model(self) -> Any:
        return self.task.model

    @property
    def tokenizer(self) -> Any:
        return self.task.tokenizer

    def save(self, folder: Path) -> None:
        """Write the model, as it is now, and its tokenizer into `folder`. Raises OSError."""
        save_model(self.model, self.tokenizer, folder)


def prepare_run(model: Path, documents: Sequence[Path], stage: Stage) -> Run:
    """A stage that starts from the model in a folder.

    Raises DocumentsError for a stage with nothing to train on, and GoldsError for one that can get no answer right.
    """
    read = read_stage_documents(documents, stage)
    task = make_text_task(*load_model(model), read.every, stage)
    evaluator = task.evaluator(read.tested)
    unreachable = check_golds(evaluator, [document.part for document in read.tested])
    known = read.every + read.counterfactuals
    return Run(stage, known, read.trained, read.tested, task, task.examples(read.trained), evaluator, unreachable)


def open_run(folder: Path, epoch: int | None = None, counterfactuals: Path | None = None) -> Run:
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
    return _prepare(folder, model, settings, counterfactuals)


def open_beginning(folder: Path, counterfactuals: Path | None = None) -> Run:
    """A finished stage as it was before its first step, new words included; else as `open_run`."""
    settings = _settings_of(folder)
    seed_training(settings["stage_number"], settings["seeds"])
    return _prepare(folder, folder / settings["initial_model"], settings, counterfactuals)


def _settings_of(folder: Path) -> dict[str, Any]:
    """What a finished stage was made with; `stage` in its typed form."""
    record = folder / "run.json"
    try:
        settings = json.loads(record.read_text(encoding="utf-8"))["settings"]
        return settings | {"stage": Stage(**settings["stage"]), "documents": list(settings["documents"])}
    except (OSError, KeyError, ValueError) as error:
        raise ArtifactError(f"{record}: tells of no finished stage: {type(error).__name__}: {error}") from None


def _prepare(folder: Path, model: Path, settings: dict[str, Any], counterfactuals: Path | None) -> Run:
    documents = [folder / path for path in settings["documents"]]
    # A stage that trained with other tags names the file already.
    if counterfactuals and counterfactuals.resolve() not in [path.resolve() for path in documents]:
        documents.append(counterfactuals)
    run = prepare_run(model, documents, settings["stage"])
    run.model.eval()
    return run
