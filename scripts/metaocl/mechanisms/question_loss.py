"""The loss of held-out questions about new aliases: an effect with less noise than exact match, as it has degrees."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from metaocl.documents.counterfactuals import tag_in_training
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.subjects import new_subjects
from metaocl.runs import Run


def measure_question_loss(run: Run, aliases: int | None, epoch: int) -> Iterator[Measured]:
    """For each alias, the mean losses, in nats, of its questions, `question_loss`, and of its definition,
    `definition_loss`: whether what was defined was learnt. tag: what it was defined with."""
    for subject in new_subjects(run.documents, aliases):
        tag = tag_in_training(subject.subset, run.stage.tags)
        documents = {"question_loss": subject.questions, "definition_loss": subject.definitions[tag]}
        for measure, asked in documents.items():
            with torch.inference_mode():
                loss, _ = run.task.loss(run.model, run.task.examples(asked).batch(range(len(asked)), 1))
            yield Measured(epoch, subject.subset, subject.alias, tag, "", measure, len(asked), float(loss))
