"""The loss of held-out questions about new aliases: an effect with less noise than exact match, as it has degrees."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from metaocl.documents.counterfactuals import tag_in_training
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.subjects import new_subjects
from metaocl.text.runs import Run


def measure_question_loss(run: Run, aliases: int | None, epoch: int) -> Iterator[Measured]:
    """For each alias, `question_loss`, the mean loss of its questions, in nats; tag: what it was defined with."""
    for subject in new_subjects(run.documents, aliases):
        tag = tag_in_training(subject.subset, run.stage.tags)
        batch = run.task.examples(subject.questions).batch(range(len(subject.questions)), 1)
        with torch.inference_mode():
            loss, _ = run.task.loss(run.model, batch)
        count = len(subject.questions)
        yield Measured(epoch, subject.subset, subject.alias, tag, "", "question_loss", count, float(loss))
