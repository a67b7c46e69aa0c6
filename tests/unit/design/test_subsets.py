from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaocl.design.subsets import MAIN_SHARES, apportion, split_by_truth


@given(total=st.integers(0, 10_000), weights=st.lists(st.integers(0, 100), min_size=1, max_size=8).filter(any))
def test_counts_sum_to_the_total_and_each_is_less_than_one_off(total, weights):
    shares = {f"subset{i}": Fraction(weight, sum(weights)) for i, weight in enumerate(weights)}
    counts = apportion(total, shares)
    assert sum(counts.values()) == total
    assert counts.keys() == shares.keys()
    assert all(abs(counts[name] - total * share) < 1 for name, share in shares.items())


def test_ten_items_at_a_quarter_a_quarter_and_a_half_are_all_handed_out():
    counts = apportion(10, {"a": Fraction(1, 4), "b": Fraction(1, 4), "c": Fraction(1, 2)})
    assert counts == {"a": 3, "b": 2, "c": 5}


def test_the_share_named_first_wins_a_tie():
    assert apportion(1, {"b": Fraction(1, 2), "a": Fraction(1, 2)}) == {"b": 1, "a": 0}


def test_the_main_shares_sum_to_one():
    assert sum(MAIN_SHARES.values()) == 1


@pytest.mark.parametrize(
    ("count", "alpha", "expected"), [(10, 0, (0, 10)), (10, 0.5, (5, 5)), (10, 1, (10, 0)), (10, 0.9, (9, 1))]
)
def test_definitions_are_split_by_the_reliability_of_their_tag(count, alpha, expected):
    assert split_by_truth(count, alpha) == expected


def test_an_odd_definition_at_even_reliability_agrees():
    assert split_by_truth(5, 0.5) == (3, 2)
