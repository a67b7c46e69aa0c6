"""Gradient alignment: does the gradient of a definition point where that of the alias's own questions points?

`measure_alignment` asks it of every new alias with every tag, in each group of parameters; a fixed other alias's
questions are the comparison. `measure_gradient_cosine` is the paper's own form: definitions with the tag that they
have in training, against each single question, over all parameters (arXiv 2310.15047, section on mechanisms).

Both take a task's `examples` and `loss`, and know no text. The model is in eval mode: no dropout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from metaocl.mechanisms.gradients import Comparison, Gradient, Row, compare, gradient_of
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.parameters import ALL
from metaocl.mechanisms.subjects import Subject, others


def measure_alignment(
    task: Any, subjects: Sequence[Subject], groups: Mapping[str, str], rows: Mapping[str, Row] | None, epoch: int
) -> Iterator[Measured]:
    """For each alias and tag, in each group: `cosine`, `dot` and both norms with its own questions' mean gradient,
    and `cosine_other` with that of another alias's questions.

    groups: of each parameter. rows: the row of each alias, where it has one of its own.
    """
    for subject, other in zip(subjects, others(subjects), strict=True):
        row = rows[subject.alias] if rows else None
        for asked in (subject, other):
            questions = _gradient(task, asked.questions)
            for tag, definitions in subject.definitions.items():
                found = compare(_gradient(task, definitions), questions, groups, row)
                for group, compared in found.items():
                    yield from _rows(subject, tag, group, compared, asked is other, epoch)


def measure_gradient_cosine(
    task: Any, subjects: Sequence[Subject], groups: Mapping[str, str], epoch: int
) -> Iterator[Measured]:
    """For each alias, its definition as in training: the mean over its questions of their cosines with it."""
    for subject in subjects:
        definition = _gradient(task, subject.definitions[subject.own_tag])
        cosines = [compare(definition, _gradient(task, [each]), groups)[ALL].cosine for each in subject.questions]
        value = float(np.mean(cosines))
        yield Measured(
            epoch, subject.subset, subject.alias, subject.own_tag, "", "gradient_cosine", len(cosines), value
        )


def _gradient(task: Any, documents: Sequence[Any]) -> Gradient:
    """The gradient of the mean loss of documents, as the last stage takes it."""
    return gradient_of(task.model, task.loss, task.examples(documents).batch(range(len(documents)), 1))


def _rows(
    subject: Subject, tag: str, group: str, compared: Comparison, with_other: bool, epoch: int
) -> Iterator[Measured]:
    values = {"cosine_other": compared.cosine}
    if not with_other:
        values = {
            "cosine": compared.cosine,
            "dot": compared.dot,
            "definition_norm": compared.first_norm,
            "question_norm": compared.second_norm,
        }
    for measure, value in values.items():
        yield Measured(epoch, subject.subset, subject.alias, tag, group, measure, len(subject.questions), value)
