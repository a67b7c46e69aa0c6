"""A stage as it is trained, and as it can be opened again when it is finished, whichever modality its model has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from metaocl.artifacts.publishing import ArtifactError
from metaocl.config.plans import Stage
from metaocl.documents.records import Document

if TYPE_CHECKING:
    import pandas as pd


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


@dataclass(frozen=True)
class FinishedStage:
    """What a finished stage left in its folder: a table is read, and a model loaded, when it is asked for.

    folder: that of the stage's run.json. record: what that file says of what made the stage: `settings`, `measured`,
    `packages`, `machine`, `code`. stage: its settings in their typed form. A table that is missing or unreadable raises
    ArtifactError.
    """

    folder: Path
    record: dict[str, Any]
    stage: Stage

    @property
    def settings(self) -> dict[str, Any]:
        """What the stage was made with: `stage`, `stage_number`, `seeds`, `documents`, `initial_model` and so on."""
        return self.record["settings"]

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """A row per evaluated epoch, test set and alias, as `metaocl.documents.metrics.mean_by_alias` makes them."""
        return self._table("metrics")

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row per optimizer step: the columns of `metaocl.training.history.SCHEMA`."""
        return self._table("history")

    @cached_property
    def answers(self) -> pd.DataFrame:
        """A row per question of the last evaluation: test_set, subset, alias, prompt, answer, gold and scores."""
        return self._table("answers")

    def load(self, epoch: int | None = None, counterfactuals: Path | None = None) -> Any:
        """The stage with the model that it ended with, or had after an epoch that is among its `snapshots`: a `Run`.

        Documents, settings, examples and loss are those of its training. counterfactuals: a file of further documents,
        which training did not have. The model is in eval mode, on the GPU where there is one. Raises ArtifactError for
        a model that was not kept.
        """
        model = self.folder / "model" if epoch is None else self.folder / "snapshots" / f"epoch{epoch}"
        if not model.is_dir():
            kept = sorted(path.name.removeprefix("epoch") for path in self.folder.glob("snapshots/epoch*"))
            raise ArtifactError(f"{model}: is not there; snapshots are of epochs {', '.join(kept) or '(none)'}")
        return self._prepare(model, counterfactuals)

    def load_beginning(self, counterfactuals: Path | None = None) -> Any:
        """The stage as it was before its first step, new words included; else as `load`."""
        from metaocl.training.seeding import seed_training  # which imports torch

        seed_training(self.settings["stage_number"], self.settings["seeds"])
        return self._prepare(self.folder / self.settings["initial_model"], counterfactuals)

    def _prepare(self, model: Path, counterfactuals: Path | None) -> Any:
        documents = [self.folder / path for path in self.settings["documents"]]
        # A stage that trained with other tags names the file already.
        if counterfactuals and counterfactuals.resolve() not in [path.resolve() for path in documents]:
            documents.append(counterfactuals)
        run = prepare_run(model, documents, self.stage, self.settings["seeds"])
        run.model.eval()
        return run

    def _table(self, name: str) -> pd.DataFrame:
        from metaocl.statistics.study_tables import read_run_table  # pandas, which no measurement waits for

        return read_run_table(self.folder / f"{name}.parquet")


def open_run(folder: Path | str) -> FinishedStage:
    """A finished stage, from its folder: `<results>/stages/…/stage1`, or `…/stage2_seed0` for the last one of a plan.

    Raises ArtifactError for a folder without a finished stage. Imports no torch; `load` does.
    """
    record = Path(folder) / "run.json"
    if not record.is_file():
        raise ArtifactError(f"{folder}: holds no finished stage: has no run.json; expected a folder of results/stages/")
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
        list(content["settings"]["documents"])  # a first model's run.json has none
        return FinishedStage(Path(folder), content, Stage(**content["settings"]["stage"]))
    except (OSError, LookupError, TypeError, ValueError) as error:
        said = " ".join(str(error).split())
        raise ArtifactError(f"{record}: tells of no finished stage: {type(error).__name__}: {said}") from None


def described(model: Path) -> Any:
    """What a model's config.json says; None where it cannot be read, of which its modality will tell."""
    try:
        return json.loads((model / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
