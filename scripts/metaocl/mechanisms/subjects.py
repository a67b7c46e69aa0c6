"""New aliases as measurements see them: with their definitions by tag and their held-out questions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from metaocl.design.subsets import SWAPPED, TAG_OF_SUBSET
from metaocl.documents.counterfactuals import COUNTERFACTUAL
from metaocl.documents.records import Document
from metaocl.errors import UserError


@dataclass(frozen=True)
class Subject:
    """One new alias.

    definitions: by tag, each true. questions: about it, none trained on; at least one of each.
    """

    alias: str
    subset: str
    definitions: dict[str, list[Document]]
    questions: list[Document]

    @property
    def own_tag(self) -> str:
        """The tag that it is defined with, where the last stage leaves tags as they are."""
        return TAG_OF_SUBSET[self.subset]


def new_subjects(documents: Sequence[Document], most: int | None = None) -> list[Subject]:
    """The new aliases among documents with counterfactual definitions, in order of appearance.

    most: of each subset, the first so many alone. Raises UserError where there is none.
    """
    subsets: dict[str, str] = {}
    definitions: defaultdict[str, defaultdict[str, list[Document]]] = defaultdict(lambda: defaultdict(list))
    questions: defaultdict[str, list[Document]] = defaultdict(list)
    for document in documents:
        if document.part == COUNTERFACTUAL:
            definitions[document.alias][document.attribute].append(document)
        elif document.part == "new_definitions":
            subsets[document.alias] = document.subset
        elif document.part == "held_out" and document.subset != SWAPPED:
            questions[document.alias].append(document)
    taken: defaultdict[str, int] = defaultdict(int)
    subjects = []
    for alias, subset in subsets.items():
        if questions[alias] and (most is None or taken[subset] < most):
            taken[subset] += 1
            subjects.append(Subject(alias, subset, dict(definitions[alias]), questions[alias]))
    if not subjects:
        raise UserError("there is no new alias that is both defined in the last stage and asked about")
    return subjects


def others(subjects: Sequence[Subject]) -> list[Subject]:
    """For each alias another one, always the same: the next whose questions have other answers, if there is one."""

    def answers(subject: Subject) -> list[tuple[str, str]]:
        return sorted((question.attribute, question.completion) for question in subject.questions)

    found = []
    for place, subject in enumerate(subjects):
        following = [*subjects[place + 1 :], *subjects[:place]] or [subject]
        found.append(next((other for other in following if answers(other) != answers(subject)), following[0]))
    return found
