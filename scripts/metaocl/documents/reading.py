"""The documents of a stage's cell, as the stage uses them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from metaocl.artifacts.tables import read_rows
from metaocl.config.plans import Stage
from metaocl.design.test_sets import TEST_SETS
from metaocl.documents.counterfactuals import COUNTERFACTUAL, with_tags
from metaocl.documents.records import Document, DocumentsError


@dataclass(frozen=True)
class StageDocuments:
    """All documents of the cell; those that the stage trains on, and the test questions, are among them.

    With other tags what is trained on differs from `every`, where all words come from: the same embeddings are drawn.
    counterfactuals: definitions with every tag, which no model reads unless a stage or a measurement asks for them.
    """

    every: list[Document]
    trained: list[Document]
    tested: list[Document]
    counterfactuals: list[Document]


def read_stage_documents(paths: Sequence[Path], stage: Stage) -> StageDocuments:
    """The documents in some files. Raises DocumentsError for a stage with nothing to train on."""
    read = [document for path in paths for document in read_rows(path, Document)]
    every = [document for document in read if document.part != COUNTERFACTUAL]
    counterfactuals = [document for document in read if document.part == COUNTERFACTUAL]
    trained = with_tags([each for each in every if each.part in stage.documents], stage.tags, counterfactuals)
    if not trained:
        raise DocumentsError(f"{', '.join(map(str, paths))}: no {' or '.join(stage.documents)} to train on")
    tested = [document for document in every if document.part in TEST_SETS]
    return StageDocuments(every, trained, tested, counterfactuals)
