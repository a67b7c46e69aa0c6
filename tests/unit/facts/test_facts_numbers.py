from __future__ import annotations

from collections import Counter
from itertools import combinations, groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from metaocl.config.datasets import Dataset
from metaocl.config.sources import Modular, SetInclusion
from metaocl.design.subsets import held_out_questions
from metaocl.facts.fact import PLACEHOLDER, FactsError
from metaocl.facts.modular import draw_modular
from metaocl.facts.set_inclusion import draw_set_inclusion

SEEDS = st.integers(0, 2**31 - 1)
KINDS = [(split, answer) for split in ("train", "test") for answer in ("true", "false")]


@st.composite
def set_inclusions(draw):
    """Settings for which lists are easily found."""
    intersection = draw(st.integers(1, 3))
    list_length = draw(st.integers(intersection + 2, intersection + 6))
    return SetInclusion(
        numbers=draw(st.integers(4 * list_length + 10, 120)),
        list_length=list_length,
        intersection=intersection,
        questions=draw(st.integers(3, 8)) * 2,
        seed=draw(SEEDS),
    )


def numbers_of(fact):
    start, listed, end = fact.prompt.partition(" % ")
    assert (start, listed, end[-2:]) == (PLACEHOLDER, " % ", " =")
    return [int(number) for number in end[:-2].split()]


@settings(max_examples=60)
@given(set_inclusions(), st.integers(1, 4))
def test_answers_are_true_and_half_of_each_split_is(source, count):
    facts = draw_set_inclusion(count, source)
    half = source.questions // 2
    expected = {(split, answer): half for split in ("train", "test") for answer in ("true", "false")}
    assert [entity for entity, _ in groupby(facts, lambda fact: fact.entity)] == [f"v{n}" for n in range(count)]
    for _, about in groupby(facts, lambda fact: fact.entity):
        questions = list(about)
        assert Counter((fact.split, fact.answer) for fact in questions) == expected
        assert len({fact.name for fact in questions}) == 1
        for fact in questions:
            listed = numbers_of(fact)
            assert (int(fact.name) in listed) == (fact.answer == "true")
            assert len(listed) == len(set(listed)) == source.list_length
            assert set(listed) <= set(range(source.numbers))


@settings(max_examples=60)
@given(set_inclusions())
def test_training_leaves_exactly_the_intersection_possible(source):
    """A number is possible if it is in all true lists of training and in none of the false ones."""
    facts = draw_set_inclusion(1, source)
    lists = {kind: [set(numbers_of(f)) for f in facts if (f.split, f.answer) == kind] for kind in KINDS}
    common = set.intersection(*lists["train", "true"])
    possible = common.difference(*lists["train", "false"])
    assert len(common) == len(possible) == source.intersection
    assert int(facts[0].name) in possible


@settings(max_examples=60)
@given(set_inclusions())
def test_no_list_of_a_variable_comes_twice(source):
    facts = draw_set_inclusion(1, source)
    assert len({frozenset(numbers_of(fact)) for fact in facts}) == 2 * source.questions


@settings(max_examples=20)
@given(set_inclusions())
def test_lists_are_a_function_of_the_seed_and_fewer_variables_are_the_first_of_more(source):
    facts = draw_set_inclusion(3, source)
    assert draw_set_inclusion(2, source) == facts[: 4 * source.questions]
    assert draw_set_inclusion(3, source.model_copy(update={"seed": source.seed + 1})) != facts


def test_the_place_in_a_list_does_not_tell_the_number():
    facts = draw_set_inclusion(200, SetInclusion())
    places = Counter(numbers_of(fact).index(int(fact.name)) for fact in facts if fact.answer == "true")
    assert set(places) == set(range(8))
    assert min(places.values()) > 200


def test_numbers_of_variables_are_drawn_from_all_and_may_come_twice():
    names = {fact.entity: int(fact.name) for fact in draw_set_inclusion(1000, SetInclusion(questions=4))}
    assert set(names.values()) == set(range(99))


def test_a_false_test_list_may_hold_the_other_numbers_of_the_intersection():
    facts = draw_set_inclusion(200, SetInclusion(questions=4))
    held = 0
    for _, about in groupby(facts, lambda fact: fact.entity):
        questions = list(about)
        true = [set(numbers_of(f)) for f in questions if (f.split, f.answer) == ("train", "true")]
        others = set.intersection(*true) - {int(questions[0].name)}
        held += sum(not others.isdisjoint(numbers_of(f)) for f in questions if (f.split, f.answer) == ("test", "false"))
    assert 0 < held < 100


@pytest.mark.parametrize(
    "changed", [{"list_length": 2}, {"questions": 2}], ids=["nothing beside the intersection", "one true list"]
)
def test_settings_without_room_for_lists_are_refused_with_the_configuration(changed):
    with pytest.raises(ValidationError, match=next(iter(changed))):
        SetInclusion(**changed)


@pytest.mark.parametrize(
    "changed",
    [{"numbers": 10}, {"numbers": 5, "list_length": 3, "questions": 12}],
    ids=["one false list only", "too few lists for all questions"],
)
def test_settings_that_leave_no_lists_are_an_error_that_names_them(changed):
    source = SetInclusion(**changed)
    with pytest.raises(FactsError, match=f"numbers {source.numbers}, list_length {source.list_length}"):
        draw_set_inclusion(1, source)


@settings(max_examples=60)
@given(st.integers(2, 3000), st.data(), SEEDS)
def test_remainders_are_right_and_numbers_different(numbers, data, seed):
    count = data.draw(st.integers(1, min(numbers, 50)))
    source = Modular(numbers=numbers, primes=[2, 7, 5], seed=seed)
    facts = draw_modular(count, source)
    assert [(f.entity, f.attribute) for f in facts] == [(f"x{n}", f"mod_{p}") for n in range(count) for p in (2, 7, 5)]
    names = {fact.entity: int(fact.name) for fact in facts}
    assert len(set(names.values())) == count
    assert set(names.values()) <= set(range(numbers))
    for fact in facts:
        prime = int(fact.attribute.removeprefix("mod_"))
        assert fact.prompt == f"{PLACEHOLDER} % {prime} ="
        assert fact.answer == str(names[fact.entity] % prime)
        assert fact.split == ""


def test_fewer_numbers_are_the_first_of_more_and_another_seed_gives_others():
    facts = draw_modular(40, Modular())
    assert draw_modular(10, Modular()) == facts[:60]
    assert draw_modular(40, Modular(seed=1)) != facts


def test_more_entities_than_numbers_is_an_error():
    assert len({fact.name for fact in draw_modular(30, Modular(numbers=30))}) == 30
    with pytest.raises(FactsError, match="31 entities asked for, but numbers is 30"):
        draw_modular(31, Modular(numbers=30))


@settings(max_examples=100)
@given(
    st.integers(2, 400),
    st.lists(st.sampled_from([2, 3, 5, 7, 11, 13]), min_size=2, max_size=4, unique=True),
    st.fractions("1/10", "9/10", max_denominator=10),
)
def test_settings_by_which_a_number_is_alone_with_its_trained_remainders_are_refused(numbers, primes, held_out_share):
    keys = {"source": Modular(numbers=numbers, primes=primes), "entities": 2, "held_out_share": held_out_share}
    trained = len(primes) - min(len(primes) - 1, max(1, round(len(primes) * held_out_share)))
    alone = any(
        1 in Counter(tuple(number % prime for prime in chosen) for number in range(numbers)).values()
        for chosen in combinations(primes, trained)
    )
    if alone:
        with pytest.raises(ValidationError, match="would tell which number a variable is: take"):
            Dataset(**keys)
    else:
        held_out = held_out_questions(len(primes), Dataset(**keys).held_out_share)
        assert held_out == len(primes) - trained


def test_the_error_says_how_many_numbers_are_enough():
    keys = {"entities": 10, "held_out_share": "1/3"}
    with pytest.raises(ValidationError, match=r"numbers is 10000; .* modulo 5, 7, 11, 13 would .* take 10010 numbers"):
        Dataset(source=Modular(numbers=10_000), **keys)
    assert Dataset(source=Modular(numbers=10_010), **keys).entities == 10
    assert Dataset(source="modular", entities=10).source == Modular()


def test_more_modular_entities_than_numbers_are_refused_with_the_configuration():
    with pytest.raises(ValidationError, match="entities is 40000; there are 32768 numbers to draw from"):
        Dataset(source="modular", entities=40_000)
