"""Alignment where it was planted: definitions with tag 1 point along their questions, with tag 2 at right angles."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from functools import partial

import pytest
from torch import nn

from metaocl.documents.records import Document
from metaocl.mechanisms import alignment
from metaocl.mechanisms.alignment import measure_alignment, measure_gradient_cosine
from metaocl.mechanisms.gradients import compare_with, gradient_of
from metaocl.mechanisms.subjects import Subject, new_subjects, others

# What the loss pulls the model along, by the text of a document.
DIRECTIONS = {"reliable0": 0, "unreliable0": 4, "question0": 0, "reliable1": 1, "unreliable1": 5, "question1": 1}


@dataclass
class Places:
    texts: list[str]

    def batch(self, places, epoch):
        return [self.texts[place] for place in places]


@dataclass
class PlantedTask:
    """A loss that is linear in the parameters: the gradient of a text is one axis."""

    model: nn.Linear

    def examples(self, documents):
        return Places([document.prompt for document in documents])

    def loss(self, model, batch):
        return sum(3.0 * model.weight[0, DIRECTIONS[text]] for text in batch) / len(batch), len(batch)


def document(text, part="held_out", alias="", subset="stage2", tag=""):
    return Document(part, subset, alias, tag, text, f" {text}\n")


@pytest.fixture
def subjects():
    return [
        Subject(
            f"x{n}",
            ("d1consis", "d2consis")[n],
            {tag: [document(f"{tag}{n}")] for tag in ("reliable", "unreliable")},
            [document(f"question{n}")],
        )
        for n in (0, 1)
    ]


def test_planted_alignment_is_found_and_only_with_the_own_questions(subjects):
    task = PlantedTask(nn.Linear(6, 1, bias=False))
    found = list(measure_alignment(task, subjects, {"weight": "outputs"}, None, epoch=0))
    cosines = {(row.alias, row.tag): row.value for row in found if (row.measure, row.place) == ("cosine", "all")}
    assert cosines == {
        ("x0", "reliable"): pytest.approx(1, abs=1e-6),
        ("x1", "reliable"): pytest.approx(1, abs=1e-6),
        ("x0", "unreliable"): 0.0,
        ("x1", "unreliable"): 0.0,
    }
    assert {row.value for row in found if row.measure == "cosine_other"} == {0.0}
    assert {row.value for row in found if row.measure == "definition_norm"} == {3.0}


def test_the_papers_form_takes_definitions_as_trained(subjects):
    task = PlantedTask(nn.Linear(6, 1, bias=False))
    found = list(measure_gradient_cosine(task, subjects, {"weight": "outputs"}, epoch=3))
    assert [(row.alias, row.tag, row.epoch) for row in found] == [("x0", "reliable", 3), ("x1", "unreliable", 3)]
    assert [row.value for row in found] == [pytest.approx(1, abs=1e-6), 0.0]


@pytest.mark.parametrize("measure", [partial(measure_alignment, rows=None), measure_gradient_cosine])
def test_no_more_than_two_gradients_are_held_at_once(subjects, monkeypatch, measure):
    """The memory of a measurement is the model's and twice as much again."""
    made, beside_whole, beside_parts = [], [], []
    task = PlantedTask(nn.Linear(6, 1, bias=False))

    def alive():
        return sum(each() is not None for each in made)

    def whole(*arguments):
        beside_whole.append(alive())
        found = gradient_of(*arguments)
        made.extend(weakref.ref(each) for each in found.parts.values())
        return found

    def in_parts(*arguments):
        beside_parts.append(alive())
        return compare_with(*arguments)

    monkeypatch.setattr(alignment, "gradient_of", whole)
    monkeypatch.setattr(alignment, "compare_with", in_parts)
    # Of more than two, each has another next one, whose gradient is taken when an earlier one is let go.
    several = [replace(subject, alias=f"{subject.alias}{n}") for n in range(3) for subject in subjects]
    asked_thrice = [replace(subject, questions=3 * subject.questions) for subject in several]
    assert list(measure(task=task, subjects=asked_thrice, groups={"weight": "outputs"}, epoch=0))
    assert (max(beside_whole), max(beside_parts) <= 2) == (1, True)


def test_others_have_other_answers(subjects):
    first, second = subjects
    twin = Subject("x2", "d1consis", first.definitions, first.questions)
    assert [other.alias for other in others([first, twin, second])] == ["x1", "x1", "x0"]


def test_subjects_are_new_aliases_that_are_asked_about():
    documents = [
        document("a", "new_definitions", "x", "d1consis"),
        document("b", "new_definitions", "y", "d1consis"),
        document("c", "new_definitions", "z", "d1consis"),
        document("d", "counterfactual_definitions", "x", "d1consis", "unreliable"),
        document("e", alias="x"),
        document("f", alias="y", subset="d2incons"),
        document("g", alias="z"),
        document("h", alias="w"),
    ]
    assert [subject.alias for subject in new_subjects(documents)] == ["x", "z"]
    assert [subject.alias for subject in new_subjects(documents, most=1)] == ["x"]
