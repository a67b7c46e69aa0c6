"""Rows of new aliases moved between a run and its twin, whose definitions had the tags swapped.

If the effect of the tag lies in what definitions write into an alias's row, it goes with the row into another network;
if it lies in the network, it stays there. Source of the form: grafting in work on extractive structures.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from metaocl.documents.counterfactuals import tag_in_training
from metaocl.documents.records import Document
from metaocl.errors import UserError
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.subjects import new_subjects
from metaocl.text.alias_rows import alias_rows
from metaocl.text.runs import Run


def measure_transplant(run: Run, twin: Run, epoch: int) -> Iterator[Measured]:
    """Exact match of each new alias in the four combinations of network and rows: as `transplant_rows` with the tag
    that the row was trained with, and as `transplant_network` with the one that the network was."""
    documents, rows = questions_and_rows(run)
    own, other = (rows_of(each, rows) for each in (run, twin))
    tags = [(each, each.stage.tags) for each in (run, twin)]
    for network, network_tags in tags:
        for values, row_tags in ((own, run.stage.tags), (other, twin.stage.tags)):
            with rows_replaced(network, rows, values):
                exact = exact_matches(network, documents)
            for alias, (subset, value, count) in exact.items():
                by = {"transplant_rows": row_tags, "transplant_network": network_tags}
                for measure, trained in by.items():
                    yield Measured(epoch, subset, alias, tag_in_training(subset, trained), "", measure, count, value)


def questions_and_rows(run: Run) -> tuple[list[tuple[str, Document]], dict[str, int]]:
    """The held-out questions about new aliases with the aliases' own subsets; and the aliases' rows.

    Raises UserError where aliases have several tokens.
    """
    subjects = new_subjects(run.documents)
    rows = alias_rows(run.tokenizer, [subject.alias for subject in subjects])
    if rows is None:
        raise UserError("transplant and steering are about the embedding rows of aliases; these have several tokens")
    return [(subject.subset, question) for subject in subjects for question in subject.questions], rows


def rows_of(run: Run, rows: dict[str, int]) -> torch.Tensor:
    """A copy of the embeddings of aliases (n, width), in their order."""
    matrix = run.model.get_input_embeddings().weight
    return matrix.detach()[list(rows.values())].clone()


@contextmanager
def rows_replaced(run: Run, rows: dict[str, int], values: torch.Tensor) -> Iterator[None]:
    """A context in which aliases have other embeddings (n, width)."""
    matrix: Any = run.model.get_input_embeddings().weight
    places, before = list(rows.values()), rows_of(run, rows)
    with torch.no_grad():
        matrix[places] = values
        try:
            yield
        finally:
            matrix[places] = before


def exact_matches(run: Run, documents: list[tuple[str, Document]]) -> dict[str, tuple[str, float, int]]:
    """For each alias its subset, the exact match of its questions, and their number."""
    exact = run.task.evaluator([document for _, document in documents]).measure(run.model)["exact_match"]
    found: dict[str, tuple[str, list[float]]] = {}
    for (subset, document), value in zip(documents, exact.tolist(), strict=True):
        found.setdefault(document.alias, (subset, []))[1].append(value)
    return {alias: (subset, float(np.mean(values)), len(values)) for alias, (subset, values) in found.items()}
