"""The rows of a table as its file has them: CSV, JSON lines or Parquet.

No library guesses here what a text means: 007 is no number, NA no gap, and 2020-01-31 no time of day.
"""

from __future__ import annotations

import csv
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pyarrow.parquet import ParquetFile

from metaocl.config.table_forms import TableForm
from metaocl.facts.fact import FactsError
from metaocl.facts.gzipped import open_unzipped

# The names of all columns, and each row with its number.
Rows = tuple[list[str], list[tuple[int, dict[str, Any]]]]

FORM_IN_WORDS = {
    "csv": "CSV in UTF-8, with a first line of column names",
    "json": "JSON lines in UTF-8",
    "parquet": "Parquet",
}
UNREADABLE = (ValueError, csv.Error, EOFError, OSError, zlib.error)
BYTES_SHOWN = 12  # on either side of one that is not UTF-8


def read_rows(path: Path, form: TableForm, columns: Sequence[str], origin: str) -> list[tuple[int, dict[str, Any]]]:
    """The rows of a file that has these columns, each with its number: from 1, below the names of the columns.

    Raises FactsError, which begins with `origin`.
    """
    try:
        present, rows = READERS[form](path)
    except UNREADABLE as error:
        said = " ".join(str(error).split())
        raise FactsError(f"{origin}: cannot be read as {FORM_IN_WORDS[form]}: {said}") from None
    if not rows:
        raise FactsError(f"{origin}: has no rows")
    shown = ", ".join(map(repr, present))
    if missing := [column for column in columns if column not in present]:
        raise FactsError(f"{origin}: has no column {', '.join(map(repr, missing))}; its columns are {shown}")
    if doubled := [column for column in columns if present.count(column) > 1]:
        raise FactsError(f"{origin}: has several columns {doubled[0]!r}; its columns are {shown}")
    return rows


def _read_csv(path: Path) -> Rows:
    reader = csv.reader(_lines(path), skipinitialspace=True, strict=True)
    columns = [column.strip() for column in next(_records(reader), (0, []))[1]]
    if not columns:
        raise ValueError("its first line is empty")
    if len(columns) == 1:
        raise ValueError(f"its first line, {columns[0]!r}, has no comma; fields are separated by commas")
    rows = []
    for row, (line, fields) in enumerate(_records(reader), start=1):
        if not any(field.strip() for field in fields):
            continue
        if len(fields) != len(columns):
            raise ValueError(
                f"line {line} has {len(fields)} fields, where the first line names {len(columns)} columns; a text with "
                "a comma stands in double quotes"
            )
        rows.append((row, dict(zip(columns, fields, strict=True))))
    return columns, rows


def _records(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """What a csv.reader reads, each record with the number of the line in which it begins."""
    begun = reader.line_num + 1
    try:
        for fields in reader:
            yield begun, fields
            begun = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"line {begun}, or a text in double quotes that begins there: {error}") from None


def _read_json_lines(path: Path) -> Rows:
    rows = []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.strip(), object_pairs_hook=_each_once)
        except json.JSONDecodeError as error:
            raise ValueError(f"line {number}, character {error.colno}: {error.msg}") from None
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if not isinstance(row, dict):
            raise ValueError(f'line {number} is no object, such as {{"name": "Alien", "year": 1979}}')
        rows.append((number, row))
    return list(dict.fromkeys(column for _, row in rows for column in row)), rows


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Raises ValueError for a key that is given twice, of which Python would take the last value."""
    given = dict(pairs)
    if len(given) < len(pairs):
        doubled = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"{doubled!r} is given more than once; give it once")
    return given


def _read_parquet(path: Path) -> Rows:
    with ParquetFile(path) as file:
        schema, rows = file.schema_arrow, file.read().to_pylist()
    # Of a narrow float the shortest text that means it: 1.8, where as a wide one it would be 1.7999999523162842.
    narrow = {field.name: field.type.to_pandas_dtype() for field in schema if str(field.type) in ("halffloat", "float")}
    for row in rows:
        row |= {name: float(str(form(row[name]))) for name, form in narrow.items() if row[name] is not None}
    return schema.names, list(enumerate(rows, start=1))


def _lines(path: Path) -> Iterator[str]:
    """The lines of a text in UTF-8, plain or gzipped, with their ends. Raises ValueError that names the line."""
    with open_unzipped(path) as file:
        parts = (line for block in file for line in block.splitlines(keepends=True))
        for number, line in enumerate(parts, start=1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                around = line[max(0, error.start - BYTES_SHOWN) : error.end + BYTES_SHOWN].rstrip()
                raise ValueError(f"line {number} is not in UTF-8: {around!r}; save the file as UTF-8") from None


READERS: dict[TableForm, Callable[[Path], Rows]] = {
    "csv": _read_csv,
    "json": _read_json_lines,
    "parquet": _read_parquet,
}
