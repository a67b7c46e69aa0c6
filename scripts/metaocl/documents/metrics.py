"""What a stage measures after an epoch: means over the questions about each alias, and every answer after the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from metaocl.documents.records import Document


def two_way_choice(documents: Sequence[Document]) -> tuple[str, str] | None:
    """The two completions of the held-out questions, in alphabetical order; None where these have more or fewer."""
    answers = sorted({document.completion for document in documents if document.part == "held_out"})
    return (answers[0], answers[1]) if len(answers) == 2 else None


def mean_by_alias(documents: Sequence[Document], measures: dict[str, np.ndarray], epoch: int) -> pa.Table:
    """One row per test set and alias, in order of appearance: epoch, test_set, subset, alias, questions, mean measures.

    positive_scores, negative_scores: for two-way questions, the scores of those whose answer is the positive or the
    negative one, as lists; null for others.
    """
    groups: dict[tuple[str, str, str], int] = {}
    rows = np.array([groups.setdefault((d.part, d.subset, d.alias), len(groups)) for d in documents])
    questions = np.bincount(rows)
    columns: dict[str, Any] = {
        "epoch": np.full(len(groups), epoch, dtype=np.int32),
        "test_set": pa.array([test_set for test_set, _, _ in groups]).dictionary_encode(),
        "subset": pa.array([subset for _, subset, _ in groups]).dictionary_encode(),
        "alias": [alias for _, _, alias in groups],
        "questions": questions.astype(np.int32),
    }
    for name in ("exact_match", "token_f1"):
        columns[name] = np.bincount(rows, weights=measures[name]) / questions
    return pa.table(columns | _scores_by_alias(documents, measures.get("score"), rows, len(groups)))


def answers_table(documents: Sequence[Document], measures: dict[str, np.ndarray]) -> pa.Table:
    """One row per question, in order: test_set, subset, alias, prompt, answer, gold, exact_match, token_f1, score.

    score: of a two-way question, how much the positive answer was preferred; null for others.
    """
    two_way = two_way_choice(documents) is not None and "score" in measures
    scores = measures["score"].tolist() if two_way else [None] * len(documents)
    columns: dict[str, Any] = {
        "test_set": pa.array([d.part for d in documents]).dictionary_encode(),
        "subset": pa.array([d.subset for d in documents]).dictionary_encode(),
        "alias": [d.alias for d in documents],
        "prompt": [d.prompt for d in documents],
        "answer": pa.array(measures["answer"].tolist(), pa.string()),
        "gold": [d.completion.strip() for d in documents],
        "exact_match": measures["exact_match"],
        "token_f1": measures["token_f1"],
        "score": pa.array(
            [score if d.part == "held_out" else None for d, score in zip(documents, scores, strict=True)], pa.float32()
        ),
    }
    return pa.table(columns)


def _scores_by_alias(
    documents: Sequence[Document], scores: np.ndarray | None, rows: np.ndarray, groups: int
) -> dict[str, pa.Array]:
    kind, names = pa.list_(pa.float32()), ("positive_scores", "negative_scores")
    choice = two_way_choice(documents)
    if scores is None or choice is None:
        return {name: pa.nulls(groups, kind) for name in names}
    columns = {}
    for name, completion in zip(names, reversed(choice), strict=True):
        lists: list[list[float]] = [[] for _ in range(groups)]
        for document, row, score in zip(documents, rows, scores, strict=True):
            if document.part == "held_out" and document.completion == completion:
                lists[row].append(score)
        columns[name] = pa.array(lists, kind)
    return columns
