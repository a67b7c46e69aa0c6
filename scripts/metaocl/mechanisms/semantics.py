"""Tag semantics: what does the model say that "TAG ALIAS" is, for aliases that it knows from questions?

A language model goes on with an entity's name; a network of images, shown a variable with the tag on top and no frame,
gives nine letters, of which as many count as are the entity's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from metaocl.design.subsets import INCONSISTENT
from metaocl.documents.counterfactuals import COUNTERFACTUAL
from metaocl.documents.records import Document
from metaocl.mechanisms.measured import Measured
from metaocl.runs import Run
from metaocl.text.scoring import exact_match, normalize_answer

# Aliases with questions in stage 1: never defined, or falsely.
ASKED_ABOUT = ("q", *INCONSISTENT)


def measure_tag_semantics(run: Run, epoch: int) -> Iterator[Measured]:
    """Definitions cut off before the entity, with each tag: `names_entity`, how often the model names the true
    entity, and `names_defined`, with the one that the alias's false definition in training names. An answer is as right
    as one to a test question: marks and case do not count. `names_defined` is left out where it cannot be told how a
    definition with that entity would end.

    place: whether the alias was `never_defined` in training, or `falsely_defined`.
    """
    asked = [d for d in run.documents if d.part == COUNTERFACTUAL and d.subset in ASKED_ABOUT]
    if not asked:
        return
    endings = _false_endings(run.documents)
    for document, answer in zip(asked, _answers(run, asked), strict=True):
        place = "never_defined" if document.subset == "q" else "falsely_defined"
        values = {"names_entity": _agreement(answer, document.completion)}
        if defined := endings.get((document.alias, document.attribute)):
            values["names_defined"] = _agreement(answer, next(defined))
        for measure, value in values.items():
            yield Measured(
                epoch, document.subset, document.alias, document.attribute, place, measure, len(answer), value
            )


def _false_endings(documents: Sequence[Document]) -> dict[tuple[str, str], Iterator[str]]:
    """By alias and tag: how each definition that is asked would end if it named whom training's false one names.

    An alias's definitions have the same wordings in the same order with every tag and in training, where tags have as
    many texts as one another. Elsewhere, if templates differ behind the entity as well, nothing is given.
    """
    trained: defaultdict[str, list[str]] = defaultdict(list)
    asked: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for document in documents:
        if document.part == "definitions":
            trained[document.alias].append(document.completion)
        elif document.part == COUNTERFACTUAL:
            asked[document.alias, document.attribute].append(document.completion)
    false = {document.alias for document in documents if document.subset in INCONSISTENT}
    # True definitions name whom the asked ones name: they tell whether wordings come in the same order.
    true = {alias: _normalized(endings) for alias, endings in trained.items() if alias not in false}
    if any(alias in true and true[alias] != _normalized(endings) for (alias, _), endings in asked.items()):
        return {}
    return {(alias, tag): iter(trained[alias]) for alias, tag in asked if alias in false}


def _normalized(texts: Sequence[str]) -> list[str]:
    return [normalize_answer(text) for text in texts]


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
    return float(np.mean([exact_match(one, other) for one, other in zip(answer, true, strict=True)]))
