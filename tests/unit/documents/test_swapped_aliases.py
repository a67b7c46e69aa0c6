"""Aliases whose entities are swapped for a test: the subset d2incons."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_documents import NO_REAL_NAMES, SEEDS, check, make, make_divided_facts, make_facts

from metaocl.config.datasets import Dataset
from metaocl.design.subsets import STAGE2_POOL
from metaocl.documents.records import Alias
from metaocl.documents.writing import swap_aliases


def make_members(names: list[str]) -> list[Alias]:
    return [Alias(f"alias{place}", f"entity{place}", name, "d2consis", name) for place, name in enumerate(names)]


@check
@given(count=st.integers(2, 15), seed=SEEDS, stage2_seed=SEEDS)
def test_aliases_are_swapped_in_pairs_and_the_last_three_of_an_odd_number_in_a_circle(count, seed, stage2_seed):
    members = make_members([f"name{number}" for number in range(count)])
    swapped = swap_aliases(members, seed, stage2_seed)
    assert sorted(alias.alias for alias in swapped) == sorted(alias.alias for alias in members)
    assert {alias.subset for alias in swapped} == {"d2incons"}
    owner = {(alias.entity, alias.name): alias.alias for alias in members}
    new_owner = {alias.alias: owner[alias.entity, alias.name] for alias in swapped}
    in_pairs = [alias for alias, other in new_owner.items() if new_owner[other] == alias != other]
    circle = [alias for alias in new_owner if alias not in in_pairs]
    assert len(circle) == (3 if count % 2 else 0)
    for alias in circle:
        assert len({alias, new_owner[alias], new_owner[new_owner[alias]]}) == 3
        assert new_owner[new_owner[new_owner[alias]]] == alias


@pytest.mark.parametrize("count", [0, 1])
def test_with_nobody_to_swap_with_no_alias_is_swapped(count):
    assert swap_aliases(make_members(["name"] * count), 0, 0) == []


def test_swapped_pairs_are_random():
    members = make_members([f"name{number}" for number in range(10)])
    assert len({tuple(alias.entity for alias in swap_aliases(members, 0, seed)) for seed in range(10)}) == 10


def test_a_swapped_alias_gets_another_name_where_several_entities_share_one():
    members = make_members(["17", "4", "50"] * 4)
    name_of = {alias.alias: alias.name for alias in members}
    for seed in range(10):
        swapped = swap_aliases(members, 0, seed)
        assert [alias.alias for alias in swapped if alias.name == name_of[alias.alias]] == []


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_swapped_aliases_are_asked_the_questions_of_d2consis_and_answer_with_another_entity(count):
    shares = {"qd1": Fraction(20 - count, 20), "d2consis": Fraction(count, 20)}
    made = make(make_facts(20), Dataset(source="people", entities=20, shares=shares))
    swapped = {d.prompt: d.completion for d in made.stage2 if d.subset == "d2incons"}
    asked = {d.prompt: d.completion for d in made.stage1 if d.subset == STAGE2_POOL and d.part == "held_out"}
    if count == 1:
        assert swapped == {}
    else:
        assert swapped.keys() == asked.keys()
        assert sorted(swapped.values()) == sorted(asked.values())
        assert [prompt for prompt in asked if asked[prompt] == swapped[prompt]] == []


def test_swapped_aliases_are_asked_the_test_questions_of_the_other_where_the_source_divides():
    dataset = Dataset(source="set_inclusion", entities=60, shares=NO_REAL_NAMES)
    made = make(make_divided_facts(60), dataset)
    swapped = [d for d in made.stage2 if d.subset == "d2incons"]
    assert {d.attribute for d in swapped} == {"list1", "list3"}
    assert Counter(d.alias for d in swapped) == {a.alias: 2 for a in made.divided if a.subset == "d2consis"}
