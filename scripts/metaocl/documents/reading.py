"""The documents of a stage's cell, as the stage uses them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from metaocl.artifacts.tables import read_rows
from metaocl.config.plans import Stage
from metaocl.design.test_sets import TEST_SETS
from metaocl.documents.records import Document, DocumentsError


@dataclass(frozen=True)
class StageDocuments:
    """All documents of the cell; those that the stage trains on, and the test questions, are among them."""

    every: list[Document]
    trained: list[Document]
    tested: list[Document]


def read_stage_documents(paths: Sequence[Path], stage: Stage) -> StageDocuments:
    """The documents in some files. Raises DocumentsError for a stage with nothing to train on."""
    every = [document for path in paths for document in read_rows(path, Document)]
    trained = [document for document in every if document.part in stage.documents]
    if not trained:
        raise DocumentsError(f"{', '.join(map(str, paths))}: no {' or '.join(stage.documents)} to train on")
    return StageDocuments(every, trained, [document for document in every if document.part in TEST_SETS])
