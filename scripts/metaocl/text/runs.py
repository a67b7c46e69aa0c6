"""A stage of a language model as it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from metaocl.config.plans import Stage
from metaocl.documents.reading import read_stage_documents
from metaocl.documents.records import Document
from metaocl.text.evaluation import Evaluator
from metaocl.text.examples import Examples
from metaocl.text.golds import check_golds
from metaocl.text.models import load_model, save_model
from metaocl.text.task import TextTask, make_text_task


@dataclass(frozen=True)
class Run:
    """A model with the documents of a stage and what training makes of them.

    documents: all of the stage's cell. trained, tested: those that the stage trains on, and the test questions.
    examples, evaluator: of the trained and of the tested documents, in their order.
    unreachable_golds: by test set, how many questions have a gold answer that the model's tokenizer cannot give back.
    """

    modality: ClassVar = "text"

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
