"""Gradient alignment: does the gradient of a definition point where that of the alias's own questions points?

`measure_alignment` asks it of every new alias with every tag, in each group of parameters; a fixed other alias's
questions are the comparison. `measure_gradient_cosine` is the paper's own form: definitions with the tag that they
were drawn with, against each single question, over all parameters (arXiv 2310.15047, section on mechanisms).

Both take a task's `examples` and `loss`, and know no modality. The model is in eval mode: no dropout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from metaocl.mechanisms.gradients import Comparison, Gradient, Row, compare, gradient_of
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.parameters import ALL
from metaocl.mechanisms.subjects import Subject, others

# The epochs that they are drawn in. A picture's handwriting is that of an epoch: definitions with either tag have the
# same, their questions another one, as gradients of equal pictures would be alike for what they show alone.
DEFINITIONS, QUESTIONS = 1, 2


def measure_alignment(
    task: Any, subjects: Sequence[Subject], groups: Mapping[str, str], rows: Mapping[str, Row] | None, epoch: int
) -> Iterator[Measured]:
    """For each alias and tag, in each group: `cosine`, `dot` and both norms with its own questions' mean gradient,
    and `cosine_other` with that of another alias's questions.

    groups: of each parameter. rows: the row of each alias, where it has one of its own.
    """
    held = None
    for subject, other in zip(subjects, others(subjects), strict=True):
        row = rows[subject.alias] if rows else None
        for asked in (subject, other):
            # The other alias is mostly the next one: its questions' gradient is kept for it.
            if asked is not held:
                questions, held = _gradient(task, asked.questions, QUESTIONS), asked
            for tag, definitions in subject.definitions.items():
                found = compare(_gradient(task, definitions, DEFINITIONS), questions, groups, row)
                for group, compared in found.items():
                    yield from _rows(subject, tag, group, compared, asked is other, epoch)


def measure_gradient_cosine(
    task: Any, subjects: Sequence[Subject], groups: Mapping[str, str], epoch: int
) -> Iterator[Measured]:
    """For each alias, its definition with its own tag: the mean over its questions of their cosines with it."""
    for subject in subjects:
        definition = _gradient(task, subject.definitions[subject.own_tag], DEFINITIONS)
        # No name holds a question's gradient, or it would be there still while the next one's is taken.
        cosines = [
            compare(definition, _gradient(task, [each], QUESTIONS), groups)[ALL].cosine for each in subject.questions
        ]
        value = float(np.mean(cosines))
        yield Measured(
            epoch, subject.subset, subject.alias, subject.own_tag, "", "gradient_cosine", len(cosines), value
        )


def _gradient(task: Any, documents: Sequence[Any], epoch: int) -> Gradient:
    """The gradient of the mean loss of documents, as the last stage takes it in an epoch."""
    return gradient_of(task.model, task.loss, task.examples(documents).batch(range(len(documents)), epoch))


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
