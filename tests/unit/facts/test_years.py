"""Years as answers: found in texts, and made coarse as in the paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaocl.facts.years import coarsen_year, find_year


@pytest.mark.parametrize(
    ("year", "answer"),
    [
        (-480, "5 century BC"),
        (-1200, "12 century BC"),
        (-101, "2 century BC"),
        (-100, "1 century BC"),
        (-1, "1 century BC"),
        (0, "1 century BC"),
        (1, "1 century"),
        (100, "1 century"),
        (101, "2 century"),
        (1200, "12 century"),
        (1800, "18 century"),
        (1801, "19 century"),
        (1900, "19 century"),
        (1901, "1900s"),
        (1999, "1990s"),
        (2000, "2000"),
        (2018, "2018"),
    ],
)
def test_years_are_coarsened_as_in_the_paper(year, answer):
    assert coarsen_year(year) == answer


@given(st.integers(-5000, 1900).filter(bool))
def test_a_century_has_its_hundred_years(year):
    first = (abs(year) - 1) // 100 * 100 + 1
    sign = 1 if year > 0 else -1
    assert {coarsen_year(sign * each) for each in range(first, first + 100)} == {coarsen_year(year)}


@given(st.integers(1901, 1999), st.integers(1901, 1999))
def test_two_years_share_an_answer_if_they_share_their_decade(year, other):
    assert (coarsen_year(year) == coarsen_year(other)) == (str(year)[:3] == str(other)[:3])


@given(st.integers(-5000, 5000).filter(bool), st.integers(-5000, 5000).filter(bool))
def test_years_with_one_answer_have_no_other_answer_between_them(year, other):
    if coarsen_year(year) == coarsen_year(other):
        between = (year + other) // 2
        assert not between or coarsen_year(between) == coarsen_year(year)


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("1200 BC", -1200),
        ("c. 1200 BC", -1200),
        ("1200 B.C.", -1200),
        ("1200BCE", -1200),
        ("1200–1150 BC", -1200),
        ("between 1200 and 1150 BC", -1200),
        ("1200s BC", -1201),
        ("15 March 44 BC", -44),
        ("-1200", -1200),
        ("−1200", -1200),
        ("-0044-03-15T00:00:00Z", -44),
        ("c. 1200", 1200),
        ("1200 AD", 1200),
        ("AD 476", 476),
        ("476 CE", 476),
        ("44 BC, printed in 1994", -44),
        ("printed in 1994, written in 44 BC", 1994),
        ("BCE Records, 1994", 1994),
        ("1952", 1952),
        ("11 March 1952", 1952),
        ("11.03.1952", 1952),
        ("1914–1918", 1914),
        ("+1952-03-11T00:00:00Z", 1952),
        ("1952-03-11T00:00:00+0100", 1952),
        ("00:00 +0530, 11 March 1952", 1952),
        ("12:00 UTC-0500 on 11 March 1952", 1952),
        ("19520311", 1952),
        ("1950s", 1951),
        ("the 1900s", 1901),
        ("1800's", 1801),
        ("2000s", None),
        ("0000-00-00", None),
        ("-0000", None),
        ("476", None),
        ("12000 BC", None),
        ("May 24", None),
        ("", None),
    ],
)
def test_the_first_year_of_a_text_is_found(text, year):
    assert find_year(text) == year


@given(st.integers(-9999, 9999).filter(bool))
def test_a_year_that_is_written_with_its_era_is_found_again(year):
    assert find_year(f"{-year} BC" if year < 0 else f"{year} AD") == year


@given(st.text())
def test_any_text_has_a_year_or_none(text):
    year = find_year(text)
    assert year is None or coarsen_year(year)
