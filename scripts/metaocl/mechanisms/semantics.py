"""Tag semantics: what does the model say that "TAG ALIAS" is, for aliases that it knows from questions?

A language model goes on with an entity's name; a network of images, shown a variable with the tag on top and no frame,
gives nine letters, of which as many count as are the entity's.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from metaocl.documents.counterfactuals import COUNTERFACTUAL
from metaocl.documents.records import Document
from metaocl.mechanisms.measured import Measured
from metaocl.runs import Run

# Aliases with questions in stage 1: never defined, or falsely.
ASKED_ABOUT = ("q", "qd1incons", "qd2incons")


def measure_tag_semantics(run: Run, epoch: int) -> Iterator[Measured]:
    """Definitions cut off before the entity, with each tag: `names_entity`, how often the model names the true
    entity, and `names_defined`, with the one that the alias's false definition in training names.

    place: whether the alias was `never_defined` in training, or `falsely_defined`.
    """
    told = {d.alias: d.completion for d in run.documents if d.part == "definitions"}
    asked = [d for d in run.documents if d.part == COUNTERFACTUAL and d.subset in ASKED_ABOUT]
    if not asked:
        return
    for document, answer in zip(asked, _answers(run, asked), strict=True):
        place = "never_defined" if document.subset == "q" else "falsely_defined"
        values = {"names_entity": _agreement(answer, document.completion)}
        if document.subset in ("qd1incons", "qd2incons"):
            values["names_defined"] = _agreement(answer, told[document.alias])
        for measure, value in values.items():
            yield Measured(
                epoch, document.subset, document.alias, document.attribute, place, measure, len(answer), value
            )


def _answers(run: Run, documents: list[Document]) -> list[list[str]]:
    """What the model says that each is, in the parts that it is asked for: an entity's name, or a grid's letters."""
    asked = documents
    if run.modality == "images":
        from metaocl.vision.scenes import definition_letters

        asked = definition_letters(documents)
    answers = run.task.evaluator(asked).measure(run.model)["answer"].tolist()
    parts = len(asked) // len(documents)
    return [answers[start : start + parts] for start in range(0, len(answers), parts)]


def _agreement(answer: list[str], entity: str) -> float:
    """The share of an answer's parts that are those of an entity."""
    named = entity.strip()
    true = [named] if len(answer) == 1 else list(named)
    return float(np.mean([one == other for one, other in zip(answer, true, strict=True)]))
