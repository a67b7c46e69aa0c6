"""Definitions in context: they stand before the questions, and are no documents of their own."""

from __future__ import annotations

from collections import Counter

import pytest
from made_documents import ALL_KINDS, FURTHER_TESTS, bare, make, make_facts

from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType

IN_CONTEXT = DefineType(
    templates=["{tag} {variable} {entity}", "{variable} {tag} {entity}"],
    tags={"reliable": ["is"], "unreliable": ["isn't"], "unseen": ["may be"]},
    definitions_per_alias=2,
    placement="in_context",
)


def make_in_context():
    dataset = Dataset(source="people", entities=40, shares=ALL_KINDS, test_sets=["attribution", "letters"])
    return make(make_facts(40), dataset, IN_CONTEXT)


def either_order(alias, tag):
    """The two ways in which the definitions of an alias may follow each other."""
    name = alias.defined_as
    lines = [f"{tag} {alias.alias} {name}\n", f"{alias.alias} {tag} {name}\n"]
    return "".join(lines), "".join(reversed(lines))


def test_in_context_there_are_no_documents_of_definitions():
    made = make_in_context()
    assert {d.part for d in made.stage1} >= {"questions", "held_out"}
    assert {d.part for d in made.stage2} == {"held_out", *made.dataset.test_sets}
    assert not {d.part for d in made.stage1} & {"definitions", "new_definitions"}


@pytest.mark.parametrize(
    ("subset", "tag"), [("qd1consis", "is"), ("qd2incons", "isn't"), ("d1consis", "is"), ("d2consis", "isn't")]
)
def test_in_context_questions_begin_with_the_definitions_of_their_alias(subset, tag):
    made = make_in_context()
    members = [alias for alias in made.aliases + made.divided if alias.subset == subset]
    documents = made.stage2 if subset.startswith("d") else made.stage1
    for alias in members:
        asked = [d for d in documents if d.alias == alias.alias and d.part in ("questions", "held_out")]
        assert {d.attribute for d in asked} == {f"attribute{q}" for q in range(6)}
        for document in asked:
            context = document.prompt.removesuffix(f"Q: What is {document.attribute} of {alias.alias}?\nA:")
            assert context in either_order(alias, tag)


@pytest.mark.parametrize("subset", ["q", "no_qd_baseline"])
def test_in_context_questions_about_undefined_aliases_stand_alone(subset):
    made = make_in_context()
    members = [alias.alias for alias in made.aliases + made.divided if alias.subset == subset]
    asked = [d for d in made.stage1 + made.stage2 if d.alias in members]
    assert Counter(d.alias for d in asked if d.part in ("questions", "held_out")) == dict.fromkeys(members, 6)
    assert all(d.prompt == bare(d.prompt) for d in asked)


def test_in_context_questions_about_stage_2_aliases_are_in_stage_2_only():
    made = make_in_context()
    pool = {alias.alias: alias.subset for alias in made.divided}
    assert not any(d.alias in pool for d in made.stage1 if d.part in ("questions", "held_out"))
    assert Counter((d.alias, d.subset) for d in made.stage2 if d.part == "held_out") == dict.fromkeys(pool.items(), 6)


@pytest.mark.parametrize("part", FURTHER_TESTS)
def test_in_context_questions_of_further_test_sets_begin_with_the_definitions_of_their_alias(part):
    made = make_in_context()
    defined = {alias.alias for alias in made.aliases + made.divided if alias.defined_as}
    asked = [d for d in made.stage1 + made.stage2 if d.part == part and d.alias in defined]
    assert asked
    assert [d.prompt for d in asked if d.prompt == bare(d.prompt)] == []
