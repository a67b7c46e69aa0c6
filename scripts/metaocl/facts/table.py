"""A table of the user's own: a row an entity with a column for each answer (wide), or a row a question (long)."""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from metaocl.config.sources import Table
from metaocl.config.table_forms import form_of, table_files
from metaocl.facts.fact import PLACEHOLDER, Fact, FactsError, ask
from metaocl.facts.table_files import read_rows

CREDIT = "the user's own table"

LEAST_QUESTIONS = 2  # of an entity: one to train on and one to test
# Letters of scripts without blanks between words: Thai, Lao, Myanmar, Khmer, kana, and Han with its marks.
WITHOUT_BLANKS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)


def read_own_table(count: int, path: Path, source: Table) -> list[Fact]:
    """All questions about the first `count` entities of a table that have two questions with an answer, or more.

    path: the table's file, or a folder of its files. What is left out, and answers that hold their entity's name, are
    told on standard error, in a line each.
    Raises FactsError, which names file and row, counted from 1 below the names of the columns.
    """
    origin = source.path or str(source.address)
    rows = _texts(path, source)
    of_entity: dict[str, dict[str, tuple[str, Fact]]] = {}
    visible: dict[str, tuple[str, str]] = {}
    unanswered = 0
    for place, fact in _wide(rows, source) if source.questions else _long(rows, source):
        if fact.entity not in of_entity:
            _look_for_twin(fact.entity, place, visible)
        known = of_entity.setdefault(fact.entity, {})
        if not fact.answer:
            unanswered += 1
            continue
        earlier, same = known.get(fact.prompt, (place, fact))
        if same.answer != fact.answer:
            first, second = (each.removeprefix(f"{origin}: ") for each in (earlier, place))
            raise FactsError(
                f"{origin}: {fact.name!r} has two answers to {fact.attribute!r}: {same.answer!r} ({first}) and "
                f"{fact.answer!r} ({second}); names must tell entities apart"
            )
        known[fact.prompt] = (place, fact)
    usable = {name: [fact for _, fact in known.values()] for name, known in of_entity.items()}
    usable = {name: known for name, known in usable.items() if len(known) >= LEAST_QUESTIONS}
    if len(usable) < count:
        raise FactsError(
            f"{origin}: {count} entities asked for, but only {len(usable):,} of {len(of_entity):,} have "
            f"{LEAST_QUESTIONS} questions with an answer, or more"
        )
    chosen = [fact for known in islice(usable.values(), count) for fact in known]
    _tell(origin, chosen, unanswered, len(of_entity) - len(usable))
    return chosen


def _texts(path: Path, source: Table) -> Iterator[tuple[str, dict[str, str]]]:
    """The named columns of each row, with its file and number, as one-line texts; empty where there is nothing."""
    columns = [source.name, *(source.questions or ()), *filter(None, (source.question, source.answer))]
    # What is fetched is kept under another name.
    files = {source.address: path} if source.address else {str(file): file for file in table_files(path)}
    for name, file in files.items():
        for row, values in read_rows(file, form_of(name), columns, name):
            place = f"{name}: row {row}"
            yield place, {column: _text(values.get(column), f"{place}, column {column!r}") for column in columns}


def _wide(rows: Iterable[tuple[str, dict[str, str]]], source: Table) -> Iterator[tuple[str, Fact]]:
    for place, values in rows:
        name = _name(values[source.name], place)
        for attribute, question in (source.questions or {}).items():
            yield place, Fact(name, name, attribute, ask(question), values[attribute])


def _long(rows: Iterable[tuple[str, dict[str, str]]], source: Table) -> Iterator[tuple[str, Fact]]:
    for place, values in rows:
        name, question = _name(values[source.name], place), values[str(source.question)]
        asked = question
        for word in (_word(name), _word(name, WITHOUT_BLANKS)):
            asked = asked if PLACEHOLDER in asked else word.sub(PLACEHOLDER, asked)
        if asked.count(PLACEHOLDER) != 1 or _word(name).search(asked.replace(PLACEHOLDER, "")):
            raise FactsError(
                f"{place}: the question {question!r} must hold the name {name!r} once, in the same letters and as a "
                f"word of its own; or write {PLACEHOLDER} in its place"
            )
        yield place, Fact(name, name, asked, ask(asked), values[str(source.answer)])


def _word(name: str, neighbours: str = "") -> re.Pattern[str]:
    """A name as a word of its own: Ann is not in Annex.

    neighbours: letters, as in a set of `re`, that may stand beside it all the same.
    """
    letter = rf"[^\W{neighbours}]"
    return re.compile(rf"(?<!{letter}){re.escape(name)}(?!{letter})")


def _name(name: str, place: str) -> str:
    if not name:
        raise FactsError(f"{place} has no name")
    if PLACEHOLDER in name:
        raise FactsError(f"{place}: the name {name!r} holds {PLACEHOLDER}, which questions mean it by")
    return name


def _look_for_twin(name: str, place: str, visible: dict[str, tuple[str, str]]) -> None:
    """Raises FactsError for a name that looks like another: in another form of Unicode, or with what shows nothing.

    visible: names and their places by what shows of them, to which this one is added.
    """
    shown = "".join(sign for sign in unicodedata.normalize("NFC", name) if unicodedata.category(sign) != "Cf")
    other, first = visible.setdefault(shown, (name, place))
    if other != name:
        raise FactsError(f"{place}: the name {name!a} looks like {other!a} ({first}); write both alike")


def _text(value: Any, place: str) -> str:
    """A value as it stands in a text, on one line."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, datetime) and _is_a_day(value):
        value = value.date()
    if isinstance(value, datetime | time | timedelta):
        raise FactsError(f"{place}: is the time {value}, where a text, a number or a date was expected")
    if isinstance(value, list | dict | bytes) or (isinstance(value, float) and math.isinf(value)):
        raise FactsError(f"{place}: is {value!r}, where a text or a number was expected")
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # whole numbers are such where a column has gaps
    return " ".join(str(value).split())


def _is_a_day(value: datetime) -> bool:
    """Whether it has no time of day: pandas writes dates so. Nanoseconds are its own, and no part of `time()`."""
    return value.time() == time() and not getattr(value, "nanosecond", 0)


def _tell(origin: str, facts: Sequence[Fact], unanswered: int, few: int) -> None:
    named = [fact for fact in facts if fact.name.casefold() in fact.answer.casefold()]
    alike = [found[0] for found in _by_question(facts) if len(found) > 1 and len({fact.answer for fact in found}) == 1]
    lines = [
        (unanswered, "questions without an answer are left out"),
        (few, f"entities with fewer than {LEAST_QUESTIONS} questions are left out"),
        (len(named), f"answers hold the name of their entity, as {named[0].answer!r}" if named else ""),
        (len(alike), f"questions have one answer for all entities, as {alike[0].attribute!r}" if alike else ""),
    ]
    for count, what in lines:
        if count:
            print(f"note: {origin}: {count:,} {what}", file=sys.stderr)


def _by_question(facts: Iterable[Fact]) -> Iterable[list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        found.setdefault(fact.prompt, []).append(fact)
    return found.values()
