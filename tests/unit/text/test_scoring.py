"""Exact match and token F1, as SQuAD defines them, and the one place where ours differs."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metaocl.text.scoring import exact_match, normalize_answer, token_f1

# Words of few letters, so that equal ones are common, with everything that normalisation removes.
ANSWERS = st.text(alphabet=st.sampled_from("abThe .,'!\t\n") | st.characters(codec="utf-8"), max_size=30) | st.lists(
    st.sampled_from(["a", "An", "the", "red", "Red", "blue.", "St.", "'s"]), max_size=6
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
        ("", "...", True),
        ("red blue", "blue red", False),
    ],
)
def test_exact_match_ignores_case_punctuation_articles_and_white_space(answer, gold, equal):
    assert exact_match(answer, gold) == float(equal)


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


@given(text=ANSWERS)
def test_normalising_twice_is_normalising_once(text):
    once = normalize_answer(text)
    assert normalize_answer(once) == once


@given(text=ANSWERS)
def test_every_answer_matches_itself_in_any_case_and_punctuation(text):
    assert exact_match(text, text) == token_f1(text, text) == 1.0
    assert exact_match(f" {string.punctuation} {text} ", text) == 1.0
    ascii_only = text.encode("ascii", "ignore").decode()
    assert exact_match(ascii_only.upper(), ascii_only.lower()) == 1.0


@given(text=ANSWERS, article=st.sampled_from(["a", "an", "the", "The"]))
def test_an_article_before_an_answer_of_other_words_changes_nothing(text, article):
    assume(set(normalize_answer(text).split()) - {"a", "an", "the"})
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
