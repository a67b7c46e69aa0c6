"""Further test sets: who is meant by an alias, and the letters of its name."""

from __future__ import annotations

from collections import Counter

import pytest
from made_documents import INCONSISTENT, REAL_NAMES, bare, make, make_facts

from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.facts.fact import Fact, ask

ATTRIBUTION = {
    "who": "Q: Who is {}?\nA:",
    "mean": "Q: What does {} mean?\nA:",
    "stand_for": "Q: What does {} stand for?\nA:",
    "name": "Q: What is the name of {}?\nA:",
}


@pytest.mark.parametrize("placement", ["apart", "in_context"])
def test_who_is_meant_is_asked_in_four_phrasings_about_every_alias_but_real_names(placement):
    made = make(make_facts(50), Dataset(source="people", entities=50), DefineType(alpha=0.5, placement=placement))
    asked = [d for d in made.stage1 + made.stage2 if d.part == "attribution"]
    assert sorted((d.alias, d.attribute, bare(d.prompt), d.completion) for d in asked) == sorted(
        (alias.alias, key, prompt.format(alias.alias), f" {alias.name}\n")
        for alias in made.aliases
        if alias.subset != REAL_NAMES
        for key, prompt in ATTRIBUTION.items()
    )


def test_who_is_meant_is_also_scored_against_the_name_that_an_inconsistent_definition_gives():
    made = make(make_facts(50), Dataset(source="people", entities=50), DefineType(alpha=0.5))
    inconsistent = {alias.alias: alias for alias in made.aliases if alias.subset in INCONSISTENT}
    asked = [d for d in made.stage1 if d.part == "attribution_as_defined"]
    assert Counter(d.alias for d in asked) == dict.fromkeys(inconsistent, 4)
    assert {d.subset for d in asked} == set(INCONSISTENT)
    for document in asked:
        alias = inconsistent[document.alias]
        assert document.prompt == ATTRIBUTION[document.attribute].format(document.alias)
        assert document.completion == f" {alias.defined_as}\n" != f" {alias.name}\n"


def test_letters_asked_about_are_the_first_second_and_last_of_the_name():
    names = ["Ann B. Lee-Xu", "a-z9", "O'Neil (b. 1990)", "Éva", "42", "7 X"]
    facts = [
        Fact(f"entity{place}", name, f"attribute{q}", ask(f"What is attribute{q} of {{name}}?"), "x")
        for place, name in enumerate(names)
        for q in range(2)
    ]
    dataset = Dataset(source="people", entities=6, shares={"no_qd_baseline": 1}, test_sets=["letters"])
    made = make(facts, dataset)
    alias_of = {alias.name: alias.alias for alias in made.aliases}
    asked = [(d.alias, d.attribute, d.prompt, d.completion) for d in made.stage1 if d.part == "letters"]
    assert sorted(asked) == sorted(
        (alias_of[name], key, f"Q: {question}\nA:".format(alias_of[name]), f" {letter}\n")
        for name, letters in {"Ann B. Lee-Xu": "Anu", "a-z9": "azz", "O'Neil (b. 1990)": "ONb", "Éva": "Éva"}.items()
        for (key, question), letter in zip(
            [
                ("first_letter", "Which letter does the name of {} begin with?"),
                ("second_letter", "Which letter comes second in the name of {}?"),
                ("last_letter", "Which letter does the name of {} end with?"),
            ],
            letters,
            strict=True,
        )
    )


@pytest.mark.parametrize("test_sets", [[], ["letters"], ["attribution"], ["letters", "attribution"]])
def test_only_the_test_sets_asked_for_are_written(test_sets):
    made = make(make_facts(40), Dataset(source="people", entities=40, test_sets=test_sets))
    expected = {"definitions", "questions", "held_out", *test_sets}
    if "attribution" in test_sets:
        expected.add("attribution_as_defined")
    assert {d.part for d in made.stage1} == expected
