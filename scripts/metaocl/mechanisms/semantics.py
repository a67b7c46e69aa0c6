"""Tag semantics: what does the model say that "TAG ALIAS" is, for aliases that it knows from questions?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from metaocl.documents.counterfactuals import COUNTERFACTUAL
from metaocl.mechanisms.measured import Measured
from metaocl.text.runs import Run

# Aliases with questions in stage 1: never defined, or falsely.
ASKED_ABOUT = ("q", "qd1incons", "qd2incons")


def measure_tag_semantics(run: Run, epoch: int) -> Iterator[Measured]:
    """Definitions cut off before the entity, with each tag: `names_entity`, how often the model goes on with the true
    entity, and `names_defined`, with the one that the alias's false definition in training names.

    place: whether the alias was `never_defined` in training, or `falsely_defined`.
    """
    told = {d.alias: d.completion for d in run.documents if d.part == "definitions"}
    asked = [d for d in run.documents if d.part == COUNTERFACTUAL and d.subset in ASKED_ABOUT]
    if not asked:
        return
    answers, true = _answers(run, asked)
    for document, answer, gold in zip(asked, answers, true, strict=True):
        place = "never_defined" if document.subset == "q" else "falsely_defined"
        values = {"names_entity": float(answer == gold)}
        if document.subset in ("qd1incons", "qd2incons"):
            values["names_defined"] = float(answer == told[document.alias].strip())
        for measure, value in values.items():
            yield Measured(epoch, document.subset, document.alias, document.attribute, place, measure, 1, value)


def _answers(run: Run, documents: list[Any]) -> tuple[list[str], list[str]]:
    """What the model goes on with, and the true entity."""
    evaluator = run.task.evaluator(documents)
    answers, _ = evaluator.answer(run.model)
    return answers, evaluator.golds
