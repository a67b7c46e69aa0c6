"""Exact match and token F1, as SQuAD defines them for ordinary answers, and where ours are stricter."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metaocl.text.scoring import exact_match, normalize_answer, token_f1

MARKS = "!\"'()*,./:;?[\\]_`{}"
# Words of few letters, so that equal ones are common, with everything that normalisation removes or keeps.
ANSWERS = st.text(
    alphabet=st.sampled_from("abThe .,'!\t\n-5+0\u0301") | st.characters(codec="utf-8"), max_size=30
) | st.lists(
    st.sampled_from(["a", "An", "the", "red", "Red", "blue.", "St.", "'s", "-", "-5", "1,000", ".5", "C++", "%", "&"]),
    max_size=6,
).map(" ".join)


@pytest.mark.parametrize(
    ("answer", "gold", "equal"),
    [
        ("the Beatles", "beatles", True),
        ("A  Hard\tDay's Night ", "hard days night", True),
        ("St. Louis!", "st louis", True),
        ("The", "A", False),
        ("the", "a", False),
        ("the", "The.", True),
        ("an a", "an A", True),
        ("theatre", "atre", False),
        ("", "the", False),
        ("red blue", "blue red", False),
        ("U.S.", "US", True),
        ("O'Neill", "ONeill", True),
        ("left-handed", "lefthanded", True),
        ("left-handed", "left handed", False),
        ("- Paris", "Paris", True),
        ("**Paris**", "Paris", True),
    ],
)
def test_exact_match_ignores_case_punctuation_articles_and_white_space(answer, gold, equal):
    assert exact_match(answer, gold) == float(equal)


@pytest.mark.parametrize(
    ("answer", "other"),
    [
        ("", "!!!"),
        ("?", "!"),
        ("...", "the"),
        ("C#", "C++"),
        ("C", "C++"),
        ("A-", "A+"),
        ("O-", "O"),
        ("3.14", "314"),
        ("1.2 million", "12 million"),
        ("1,5", "15"),
        ("1,0000", "10000"),
        (".5", "5"),
        ("-5", "5"),
        ("- 5", "5"),
        ("-.5", ".5"),
        ("3 - 4", "3 4"),
        ("3 + 4", "3 4"),
        ("$5", "5"),
        ("50%", "50"),
        ("9/11", "911"),
        ("12:30", "1230"),
        ("1998-2003", "19982003"),
        ("AT&T", "ATT"),
        ("x < y", "x > y"),
        ("50 %", "50"),
    ],
)
def test_marks_that_tell_answers_apart_count(answer, other):
    assert exact_match(answer, other) == 0.0
    assert token_f1(answer, other) < 1.0
    assert exact_match(answer, answer) == exact_match(other, other) == 1.0


@pytest.mark.parametrize("answer", ["C++", "A-", "3.14", "-5", ".5", "$5", "50%", "9/11", "x < y", "AT&T", "O'Neill"])
def test_marks_and_articles_around_an_answer_do_not_count(answer):
    assert exact_match(f"'{answer}',", f"the  ({answer})") == 1.0
    assert exact_match(f"[{answer}].", answer) == 1.0


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("3.14.", "3.14"),
        ("1,000", "1000"),
        ("$1,234,567.50", "$1234567.50"),
        ("...5", "5"),
        ("- 5", "-5"),
        ("! ! !", "!!!"),
        ("the '90s", "90s"),
        ("Sa\u0303o Paulo", "S\u00e3o Paulo"),
        ("\u212bngstro\u0308m", "\u00c5ngstr\u00f6m"),
    ],
)
def test_ways_to_write_one_answer_are_equal(answer, gold):
    assert exact_match(answer, gold) == token_f1(answer, gold) == 1.0


def test_normalised_answers_are_lower_case_words_without_articles():
    assert normalize_answer("  The  Sound of\na Drum, an  Echo.") == "sound of drum echo"


@pytest.mark.parametrize(
    ("answer", "gold", "expected"),
    [
        ("red blue", "blue red", 1.0),
        ("red", "red blue green", 0.5),  # precision 1, recall 1/3
        ("red red blue", "red green", 0.4),  # precision 1/3, recall 1/2: the second "red" counts for nothing
        ("red", "blue", 0.0),
        ("", "red", 0.0),
        ("", "", 1.0),
        ("the red", "red", 1.0),
        ("the", "a", 0.0),
    ],
)
def test_token_f1_is_the_harmonic_mean_of_precision_and_recall(answer, gold, expected):
    assert token_f1(answer, gold) == pytest.approx(expected)


def has_words(text):
    """Whether something other than marks and articles is left of an answer."""
    return bool(set(normalize_answer(text).split()) - {"a", "an", "the"}) and not set(text) <= set(f"{MARKS}- \t\n")


@given(text=ANSWERS)
def test_normalising_twice_is_normalising_once(text):
    once = normalize_answer(text)
    assert normalize_answer(once) == once


@given(text=ANSWERS)
def test_every_answer_matches_itself_in_any_case_and_punctuation(text):
    assert exact_match(text, text) == token_f1(text, text) == 1.0
    assert not has_words(text) or exact_match(f" {MARKS} {text} ", text) == 1.0
    ascii_only = text.encode("ascii", "ignore").decode()
    assert exact_match(ascii_only.upper(), ascii_only.lower()) == 1.0


@given(text=ANSWERS)
def test_accents_of_their_own_change_nothing(text):
    assert exact_match(unicodedata.normalize("NFD", text), text) == 1.0


@given(text=ANSWERS, article=st.sampled_from(["a", "an", "the", "The"]))
def test_an_article_before_an_answer_of_other_words_changes_nothing(text, article):
    assume(has_words(text))
    assert exact_match(f"{article} {text}", text) == 1.0


@given(first=ANSWERS, second=ANSWERS)
def test_neither_measure_asks_which_of_two_answers_is_gold(first, second):
    assert exact_match(first, second) == exact_match(second, first)
    assert token_f1(first, second) == pytest.approx(token_f1(second, first))


@given(first=ANSWERS, second=ANSWERS)
def test_token_f1_lies_between_exact_match_and_one(first, second):
    assert exact_match(first, second) <= token_f1(first, second) <= 1.0


@given(first=ANSWERS, second=ANSWERS)
def test_token_f1_is_one_for_the_same_words_in_any_order_and_zero_without_a_common_word(first, second):
    given_words, wanted = sorted(normalize_answer(first).split()), sorted(normalize_answer(second).split())
    f1 = token_f1(first, second)
    assert (f1 == 1.0) == (given_words == wanted)
    assert (f1 == 0.0) == (given_words != wanted and not set(given_words) & set(wanted))
