from __future__ import annotations

import random
import runpy
import sys
from pathlib import Path

import pandas as pd
import pytest

from metaocl.artifacts.tables import write_rows
from metaocl.config.sources import SetInclusion
from metaocl.facts import guessability
from metaocl.facts.fact import Fact
from metaocl.facts.guessability import measure_guessability
from metaocl.facts.set_inclusion import draw_set_inclusion

SCRIPT = Path(__file__).parents[3] / "scripts" / "measure_guessability.py"


def make(entities: int, seed: int = 0) -> list[Fact]:
    """A city's country; its currency, which follows from it; and its size, which follows from nothing."""
    draw = random.Random(seed)
    facts = []
    for number in range(entities):
        country = draw.randrange(8)
        answers = {"country": country, "currency": country // 2, "size": draw.randrange(4)}
        facts += [Fact(f"e{number}", f"e{number}", key, "{name}", f"{key}{value}") for key, value in answers.items()]
    return facts


@pytest.fixture(scope="module")
def table():
    return measure_guessability(make(400)).set_index("attribute")


def test_what_follows_from_another_answer_is_guessed_and_what_follows_from_none_is_not(table):
    assert table.loc["currency", "guessed"] == 1
    assert table.loc["country", "guessed"] == pytest.approx(1 / 2, abs=0.1)
    assert table.loc["size", "guessed"] == pytest.approx(1 / 4, abs=0.1)


def test_two_answers_together_are_used_where_each_alone_tells_nothing():
    draw = random.Random(0)
    facts = []
    for number in range(400):
        first, second = draw.randrange(2), draw.randrange(2)
        for key, value in (("first", first), ("second", second), ("differ", first != second)):
            facts.append(Fact(f"e{number}", f"e{number}", key, "{name}", str(value)))
    assert measure_guessability(facts)["guessed"].min() > 0.95


def test_counts_and_the_share_of_the_most_frequent_answer(table):
    assert table.index.tolist() == ["country", "currency", "size"]
    assert table["entities"].tolist() == [400] * 3
    assert table["different_answers"].tolist() == [8, 4, 4]
    sizes = pd.Series([fact.answer for fact in make(400) if fact.attribute == "size"])
    assert table.loc["size", "most_frequent"] == sizes.value_counts().max() / 400


def test_the_order_of_facts_does_not_matter(table):
    facts = make(400)
    random.Random(1).shuffle(facts)
    shuffled = measure_guessability(facts).set_index("attribute").reindex(table.index)
    pd.testing.assert_frame_equal(shuffled, table)


def test_missing_answers_are_allowed_and_rare_attributes_are_not_guessed():
    facts = [fact for number, fact in enumerate(make(400)) if number % 7]
    facts += [Fact(f"e{number}", f"e{number}", "rare", "{name}", "same") for number in range(9)]
    table = measure_guessability(facts).set_index("attribute")
    assert table["entities"].between(340, 345).tolist() == [True, True, True, False]
    assert 0.8 < table.loc["currency", "guessed"] < 1
    assert table.loc["rare", "most_frequent"] == 1
    assert table["guessed"].isna().tolist() == [False, False, False, True]


def test_a_question_of_its_own_about_every_entity_costs_no_column_and_answers_of_one_entity_no_forest(monkeypatch):
    facts = make(40)
    for number in range(40):
        facts += [Fact(f"e{number}", f"e{number}", f"own{number}", "{name}", "same")]
        facts += [Fact(f"e{number}", f"e{number}", "id", "{name}", str(number))]
    columns = []
    monkeypatch.setattr(guessability, "_guess", lambda answers, attribute: columns.append(answers.columns.tolist()))
    measure_guessability(facts)
    assert columns == [["country", "currency", "id", "size"]] * 4
    monkeypatch.undo()
    table = measure_guessability(facts).set_index("attribute")["guessed"]
    assert table[table.notna()].index.tolist() == ["country", "currency", "size"]


def test_several_questions_of_one_attribute_are_not_guessed():
    table = measure_guessability(draw_set_inclusion(20, SetInclusion()))
    assert table.drop(columns="guessed").to_dict("records") == [
        {"attribute": "inclusion", "entities": 20, "different_answers": 2, "most_frequent": 0.5}
    ]
    assert table["guessed"].isna().all()


def test_the_command_writes_the_table(tmp_path, monkeypatch):
    write_rows(make(30), Fact, tmp_path / "facts.parquet")
    paths = ["--facts", str(tmp_path / "facts.parquet"), "--table", str(tmp_path / "table.csv")]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *paths])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    table = pd.read_csv(tmp_path / "table.csv")
    assert table.columns.tolist() == ["attribute", "entities", "different_answers", "most_frequent", "guessed"]
    assert table["entities"].tolist() == [30, 30, 30]
