"""A stage of a model of images as it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from metaocl.config.plans import Stage
from metaocl.documents.counterfactuals import with_tags
from metaocl.documents.reading import read_stage_documents
from metaocl.documents.records import Document
from metaocl.vision.evaluation import Evaluator
from metaocl.vision.examples import Examples
from metaocl.vision.models import Network, load_network, save_network
from metaocl.vision.scenes import definition_letters
from metaocl.vision.task import VisionTask, make_vision_task


@dataclass(frozen=True)
class Run:
    """A model with the documents of a stage and what training makes of them, as `metaocl.text.runs.Run` is for text.

    documents: all of the stage's cell. tested: the test questions of the documents, and those for the letters of each
    definition, with the tag that it is trained with.
    unreachable_golds: empty, as a model whose letters are too few is refused.
    """

    modality: ClassVar = "images"

    stage: Stage
    documents: list[Document]
    trained: list[Document]
    tested: list[Document]
    task: VisionTask
    examples: Examples
    evaluator: Evaluator
    unreachable_golds: dict[str, dict[str, float]]

    @property
    def model(self) -> Network:
        return self.task.model

    def save(self, folder: Path) -> None:
        """Write the model, as it is now, into `folder`. Raises OSError."""
        save_network(self.model, folder)


def prepare_vision_run(
    model: Path, settings: object, documents: Sequence[Path], stage: Stage, seeds: Sequence[int]
) -> Run:
    """A stage that starts from the network in a folder, whose config.json holds `settings`.

    Raises DocumentsError for a stage with nothing to train on, and VisionError for documents that cannot be drawn.
    """
    read = read_stage_documents(documents, stage)
    tested = read.tested + definition_letters(with_tags(read.every, stage.tags, read.counterfactuals))
    task = make_vision_task(load_network(model, settings), read.every, seeds)
    known = read.every + read.counterfactuals
    return Run(stage, known, read.trained, tested, task, task.examples(read.trained), task.evaluator(tested), {})
