"""A table of the user's own: a row an entity with a column for each answer (wide), or a row a question (long)."""

from __future__ import annotations

import csv
import io
import math
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from metaocl.config.sources import Table
from metaocl.facts.fact import PLACEHOLDER, Fact, FactsError, ask
from metaocl.facts.gzipped import open_unzipped

CREDIT = "the user's own table"

LEAST_QUESTIONS = 2  # of an entity: one to train on and one to test
FORM_IN_WORDS = {"csv": "CSV in UTF-8, with a first line of column names", "json": "JSON lines", "parquet": "Parquet"}


def read_own_table(count: int, path: Path, source: Table) -> list[Fact]:
    """All questions about the first `count` entities of a table that have two questions with an answer, or more.

    What is left out, and answers that hold their entity's name, are told on standard error, in a line each.
    Raises FactsError, which names the row, counted from 1 below the names of the columns.
    """
    origin = source.path or source.url
    rows = _read_rows(path, source, origin)
    facts = _wide(rows, source, origin) if source.questions else _long(rows, source, origin)
    of_entity: dict[str, dict[str, tuple[int, Fact]]] = {}
    unanswered = 0
    for row, fact in facts:
        known = of_entity.setdefault(fact.entity, {})
        unanswered += not fact.answer
        earlier, same = known.get(fact.prompt, (row, fact))
        if same.answer != fact.answer:
            raise FactsError(
                f"{origin}: {fact.name!r} has two answers to {fact.attribute!r}: {same.answer!r} (row {earlier}) and "
                f"{fact.answer!r} (row {row}); names must tell entities apart"
            )
        if fact.answer:
            known[fact.prompt] = (row, fact)
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


def _read_rows(path: Path, source: Table, origin: str | None) -> Iterator[dict[str, str]]:
    """The named columns of each row as one-line texts; empty where there is nothing."""
    from datasets import disable_progress_bars, load_dataset  # which takes seconds to import

    disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        try:
            options = _as_texts(path) if source.form == "csv" else {}
            table = load_dataset(source.form, data_files=[str(path)], split="train", cache_dir=cache, **options)
        except Exception as error:  # of many libraries, and often only a cause of another one
            said = _innermost(error)
            what = (
                "has no rows"
                if said.endswith("no data!")
                else f"cannot be read as {FORM_IN_WORDS[source.form]}: {said}"
            )
            raise FactsError(f"{origin}: {what}") from None
        columns = [source.name, *(source.questions or ()), *filter(None, (source.question, source.answer))]
        if missing := [column for column in columns if column not in table.column_names]:
            raise FactsError(
                f"{origin}: has no column {', '.join(map(repr, missing))}; its columns are "
                f"{', '.join(map(repr, table.column_names))}"
            )
        for row, values in enumerate(table.select_columns(columns), start=1):
            yield {column: _text(value, origin, row, column) for column, value in values.items()}


def _as_texts(path: Path) -> dict[str, Any]:
    """Options by which CSV is read as it stands: 007 is no number, and a country may be called NA."""
    from datasets import Features, Value

    with io.TextIOWrapper(open_unzipped(path), encoding="utf-8-sig", newline="") as file:
        columns = next(csv.reader(file), [])
    features = Features({column: Value("string") for column in columns})
    return {"features": features, "keep_default_na": False, "na_values": [""]}


def _wide(rows: Iterable[dict[str, str]], source: Table, origin: str | None) -> Iterator[tuple[int, Fact]]:
    for row, values in enumerate(rows, start=1):
        name = _name(values[source.name], origin, row)
        for attribute, question in (source.questions or {}).items():
            yield row, Fact(name, name, attribute, ask(question), values[attribute])


def _long(rows: Iterable[dict[str, str]], source: Table, origin: str | None) -> Iterator[tuple[int, Fact]]:
    for row, values in enumerate(rows, start=1):
        name, question = _name(values[source.name], origin, row), values[str(source.question)]
        asked = question if PLACEHOLDER in question else question.replace(name, PLACEHOLDER, 1)
        if asked.count(PLACEHOLDER) != 1 or name in asked:
            raise FactsError(
                f"{origin}: row {row}: the question {question!r} must hold {PLACEHOLDER} or the name {name!r}, once"
            )
        yield row, Fact(name, name, asked, ask(asked), values[str(source.answer)])


def _name(name: str, origin: str | None, row: int) -> str:
    if not name:
        raise FactsError(f"{origin}: row {row} has no name")
    if PLACEHOLDER in name:
        raise FactsError(f"{origin}: row {row}: the name {name!r} holds {PLACEHOLDER}, which questions mean it by")
    return name


def _text(value: Any, origin: str | None, row: int, column: str) -> str:
    """A value as it stands in a text, on one line."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list | dict):
        raise FactsError(f"{origin}: row {row}, column {column!r}: is {value!r}, where a text or a number was expected")
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # whole numbers are such where a column has gaps
    return " ".join(str(value).split())


def _tell(origin: str | None, facts: Sequence[Fact], unanswered: int, few: int) -> None:
    named = [fact for fact in facts if fact.name.casefold() in fact.answer.casefold()]
    lines = [
        (unanswered, "questions without an answer are left out"),
        (few, f"entities with fewer than {LEAST_QUESTIONS} questions are left out"),
        (len(named), f"answers hold the name of their entity, as {named[0].answer!r}" if named else ""),
    ]
    for count, what in lines:
        if count:
            print(f"note: {origin}: {count:,} {what}", file=sys.stderr)


def _innermost(error: BaseException) -> str:
    while cause := error.__cause__ or error.__context__:
        error = cause
    return " ".join(str(error).split())
