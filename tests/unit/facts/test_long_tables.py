"""Long tables, a row a question: where a question names its entity."""

from __future__ import annotations

import pandas as pd
import pytest

from metaocl.config.sources import Table
from metaocl.facts.fact import FactsError
from metaocl.facts.sources import read_facts


def read(folder, rows, count=1):
    path = folder / "works.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return read_facts(Table(path=str(path), name="title", question="asked", answer="said"), count, path)


def test_an_entity_may_be_called_name(tmp_path):
    rows = [{"title": "name", "asked": f"Where is {{name}}{mark}?", "said": "x"} for mark in ("", " now")]
    facts = read(tmp_path, rows)
    assert facts[0].prompt == "Q: Where is {name}?\nA:"


def test_a_long_table_asks_its_own_questions(tmp_path):
    rows = [
        {"title": "Alien", "asked": "When was {name} made?", "said": 1979},
        {"title": "Alien", "asked": "Is Alien long?", "said": "yes"},
        {"title": "Cube", "asked": "Is Cube long?", "said": "no"},
        {"title": "Cube", "asked": "Who made Cube?", "said": "Natali"},
        {"title": "Cube", "asked": "Who made Cube?", "said": "Natali"},
    ]
    facts = read(tmp_path, rows, count=2)
    assert [(fact.name, fact.prompt, fact.answer) for fact in facts] == [
        ("Alien", "Q: When was {name} made?\nA:", "1979"),
        ("Alien", "Q: Is {name} long?\nA:", "yes"),
        ("Cube", "Q: Is {name} long?\nA:", "no"),
        ("Cube", "Q: Who made {name}?\nA:", "Natali"),
    ]


def test_a_name_is_found_in_a_question_as_a_word_of_its_own(tmp_path):
    rows = [
        {"title": "Cube", "asked": "Who made Cube's cubes, the Cubes?", "said": "Natali"},
        {"title": "Cube", "asked": "Is (Cube) long?", "said": "no"},
    ]
    facts = read(tmp_path, rows)
    assert [fact.attribute for fact in facts] == ["Who made {name}'s cubes, the Cubes?", "Is ({name}) long?"]


@pytest.mark.parametrize(
    ("name", "question", "asked"),
    [
        ("東京", "東京はどこ?", "{name}はどこ?"),
        ("東京", "昔の東京にはなにがあった?", "昔の{name}にはなにがあった?"),
        ("Cube", "CubesではなくCubeを作ったのは?", "Cubesではなく{name}を作ったのは?"),
        ("กรุงเทพ", "กรุงเทพอยู่ที่ไหน", "{name}อยู่ที่ไหน"),
        ("東京", "「東京」は東京都にある?", "「{name}」は東京都にある?"),
        ("京", "{name}は東京にある?", "{name}は東京にある?"),
    ],
)
def test_a_name_is_found_where_no_blanks_stand_between_words(tmp_path, name, question, asked):
    rows = [{"title": name, "asked": each, "said": "日本"} for each in (question, "{name}?")]
    assert read(tmp_path, rows)[0].attribute == asked


@pytest.mark.parametrize(
    ("name", "question"),
    [
        *(
            ("Cube", question)
            for question in ("Who made Cubes?", "Who made it?", "Who made Cube and {name}?", "{name} or {name}, Alien?")
        ),
        ("Cube", "Who made Cube, of Cube?"),
        ("cube", "Who made Cube?"),
        ("東京", "東京か東京都か?"),
    ],
)
def test_a_question_that_does_not_name_its_entity_once_is_refused(tmp_path, name, question):
    with pytest.raises(FactsError) as error:
        read(tmp_path, [{"title": name, "asked": question, "said": "Natali"}])
    assert str(error.value) == (
        f"{tmp_path}/works.csv: row 1: the question {question!r} must hold the name {name!r} once, in the same letters "
        "and as a word of its own; or write {name} in its place"
    )
