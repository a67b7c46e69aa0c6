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

from metaocl.mechanisms.gradients import Comparison, Gradient, Row, compare_with, gradient_of
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.parameters import ALL
from metaocl.mechanisms.subjects import Subject, others
from metaocl.training.task import Batch, Loss

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
    held: dict[str, Gradient] = {}
    for subject, other in zip(subjects, others(subjects), strict=True):
        row = rows[subject.alias] if rows else None
        # The other alias is mostly the next one: its questions' gradient is kept for it, and all else is let go first.
        held = {each.alias: held[each.alias] for each in (subject, other) if each.alias in held}
        for asked in (subject, other):
            if asked.alias not in held:
                held[asked.alias] = gradient_of(*_of(task, asked.questions, QUESTIONS))
        for tag, definitions in subject.definitions.items():
            # No name but `held` has a gradient, or it would be there still while the next alias's is taken.
            own, of_other = compare_with(
                [held[subject.alias], held[other.alias]], *_of(task, definitions, DEFINITIONS), groups, row
            )
            for group, compared in own.items():
                yield from _rows(subject, tag, group, compared, of_other[group].cosine, epoch)


def measure_gradient_cosine(
    task: Any, subjects: Sequence[Subject], groups: Mapping[str, str], epoch: int
) -> Iterator[Measured]:
    """For each alias, its definition with its own tag: the mean over its questions of their cosines with it."""
    for subject in subjects:
        definition = gradient_of(*_of(task, subject.definitions[subject.own_tag], DEFINITIONS))
        compared = [compare_with([definition], *_of(task, [each], QUESTIONS), groups) for each in subject.questions]
        cosines = [found[ALL].cosine for (found,) in compared]
        value = float(np.mean(cosines))
        yield Measured(
            epoch, subject.subset, subject.alias, subject.own_tag, "", "gradient_cosine", len(cosines), value
        )


def _of(task: Any, documents: Sequence[Any], epoch: int) -> tuple[Any, Loss, Batch]:
    """Model, loss and batch of documents, as the last stage takes them in an epoch."""
    return task.model, task.loss, task.examples(documents).batch(range(len(documents)), epoch)


def _rows(
    subject: Subject, tag: str, group: str, compared: Comparison, cosine_other: float, epoch: int
) -> Iterator[Measured]:
    values = {
        "cosine": compared.cosine,
        "dot": compared.dot,
        "definition_norm": compared.first_norm,
        "question_norm": compared.second_norm,
        "cosine_other": cosine_other,
    }
    for measure, value in values.items():
        yield Measured(epoch, subject.subset, subject.alias, tag, group, measure, len(subject.questions), value)
