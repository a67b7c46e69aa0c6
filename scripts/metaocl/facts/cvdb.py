"""Notable people: the cross-verified database (CVDB) of Laouenan et al., a CSV file of 2.3 million people.

It is read as ISO-8859-1, as in the paper. Most of the public file is UTF-8 all the same, with stray bytes that are not:
that is why it can only be read so, and why the names of many people come out garbled; these are left out.

Source of the rules: arXiv 2310.15047 and its authors' code.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import sys
import zlib
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import pyarrow as pa
from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, open_csv

from metaocl.facts.fact import Fact, FactsError, ask
from metaocl.facts.gzipped import open_unzipped
from metaocl.facts.years import coarsen_year

CREDIT = (
    "Cross-verified database of notable people, 3500BC-2018AD, by Laouenan et al., Scientific Data 9, 290 (2022), "
    "doi:10.21410/7E4/RDAG3O (licence: see there)"
)

ENCODING = "ISO-8859-1"
NUMBERS = ["birth", "death", "wiki_readers_2015_2018"]
COLUMNS = ["name", *NUMBERS, "gender", "level3_main_occ", "string_citizenship_raw_d", "un_region"]
QUESTIONS = {
    "gender": "What was the gender of {name}?",
    "birth": "When was {name} born?",
    "death": "When did {name} die?",
    "region": "In which region did {name} live?",
    "occupation": "What did {name} do?",
    "nationality": "What was the nationality of {name}?",
}

# Python's patterns, not those of pandas: the latter are Arrow's, whose \w knows ASCII letters only.
WORDS = re.compile(r"[\w ]+")
QUOTED_WORDS = re.compile(r"[\w ']+")
# The bytes of one UTF-8 letter, read as two or more of ISO-8859-1: "MÃ¼ller".
GARBLED = re.compile("[\xc2-\xf4][\x80-\xbf]")


def read_cvdb(count: int, path: Path) -> list[Fact]:
    """Six questions about each of the most-read `count` people, half of them men; an odd count has one man more.

    path: the CSV file, plain or gzipped. The most-read person comes first, names decide between equals. Of a name, the
    most-read person who bears it counts, among those who have all columns.
    Raises FactsError, also where there are too few men or women with all columns and a plain name.
    """
    people = _without_homonyms(_complete_rows(path), path)
    people = _answers(_with_numbers(_with_plain_texts(people), path))
    people = people.sort_values(["readers", "name"], ascending=[False, True])
    wanted = {"Male": count - count // 2, "Female": count // 2}
    there = people["gender"].value_counts()
    if any(there.get(gender, 0) < number for gender, number in wanted.items()):
        raise FactsError(
            f"{path}: {count} entities asked for, half of them men, but only {there.get('Male', 0):,} men and "
            f"{there.get('Female', 0):,} women have all columns and a plain name"
        )
    chosen = people[people.groupby("gender").cumcount() < people["gender"].map(wanted)]
    return [
        Fact(person["name"], person["name"], attribute, ask(question), person[attribute])
        for person in chosen.to_dict("records")
        for attribute, question in QUESTIONS.items()
    ]


def _complete_rows(path: Path) -> pd.DataFrame:
    """COLUMNS as text, of the rows in which none is missing."""
    try:
        with open_unzipped(path) as file:
            _check_encoding(file, path)
        with open_unzipped(path) as file:
            _check_header(file, path)
        with open_unzipped(path) as file:
            # Rows are numbered in errors only if one thread reads them, and go block by block, to fit in memory.
            reader = open_csv(
                file,
                ReadOptions(encoding=ENCODING, use_threads=False),
                ParseOptions(newlines_in_values=True),
                ConvertOptions(
                    include_columns=COLUMNS,
                    column_types=dict.fromkeys(COLUMNS, pa.string()),
                    strings_can_be_null=True,
                ),
            )
            return pa.Table.from_batches([block.drop_null() for block in reader], reader.schema).to_pandas()
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise FactsError(f"{path}: cannot be read as CSV, plain or gzipped: {error}") from None


def _check_encoding(file: BinaryIO, path: Path) -> None:
    """Any bytes are ISO-8859-1, so the likely mistakes are looked for: the zeros of UTF-16, and clean UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    wrong = f"{path}: the encoding {ENCODING} was expected, but this file is"
    plain = True
    try:
        while block := file.read(2**20):
            if b"\0" in block:
                raise FactsError(f"{wrong} UTF-16 or not text at all: it holds zero bytes")
            plain = plain and block.isascii()
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return
    if not plain:
        raise FactsError(f"{wrong} UTF-8; convert it: iconv -f UTF-8 -t {ENCODING}//TRANSLIT")


def _check_header(file: BinaryIO, path: Path) -> None:
    header = next(csv.reader(io.TextIOWrapper(file, ENCODING, newline="")), [])
    if missing := [column for column in COLUMNS if column not in header]:
        raise FactsError(
            f"{path}: has no column {', '.join(missing)}; a comma-separated file with a header was expected, "
            f"but the first line holds {', '.join(header)[:300] or 'nothing'}"
        )


def _without_homonyms(people: pd.DataFrame, path: Path) -> pd.DataFrame:
    """One row of each name, as it is with blanks: that of its most-read person, of equals the first one."""
    readers = pd.to_numeric(people["wiki_readers_2015_2018"], errors="coerce")
    people = people.loc[readers.sort_values(ascending=False, kind="stable").index]
    is_homonym = people["name"].map(_spaced).duplicated()
    if left_out := int(is_homonym.sum()):
        print(f"{path}: {left_out:,} rows left out, whose name a more-read person bears", file=sys.stderr)
    return people[~is_homonym]


def _with_plain_texts(people: pd.DataFrame) -> pd.DataFrame:
    """The rows whose name, occupation and nationality hold words alone."""
    people = people[
        [
            bool(WORDS.fullmatch(name) and WORDS.fullmatch(occupation) and QUOTED_WORDS.fullmatch(nationalities))
            and not GARBLED.search(name)
            for name, occupation, nationalities in zip(
                people["name"], people["level3_main_occ"], people["string_citizenship_raw_d"], strict=True
            )
        ]
    ]
    people = people.assign(
        name=people["name"].map(_spaced),
        occupation=people["level3_main_occ"].map(_spaced),
        nationality=people["string_citizenship_raw_d"].map(_first_nationality),
    )
    filled = (people[["name", "occupation", "nationality"]] != "").all(axis="columns")
    return people[filled]


def _spaced(text: str) -> str:
    return " ".join(text.replace("_", " ").split())


def _first_nationality(raw: str) -> str:
    """The gold answer of several in the form 'Kingdom_of_Prussia'_'Germany'; empty if the text names none."""
    names = (_spaced(name.replace("'", "")) for name in raw.split("'_'"))
    return next(filter(None, names), "")


def _with_numbers(people: pd.DataFrame, path: Path) -> pd.DataFrame:
    for column in NUMBERS:
        numbers = pd.to_numeric(people[column], errors="coerce")
        unusable = people[~numbers.abs().lt(float("inf"))]
        if len(unusable):
            name, value = unusable.iloc[0][["name", column]]
            raise FactsError(f"{path}: the row of {name!r} has {value!r} in column {column}; a number was expected")
        people = people.assign(**{column: numbers})
    return people


def _answers(people: pd.DataFrame) -> pd.DataFrame:
    """One column per question, and the name and how often it was read."""
    return pd.DataFrame(
        {
            "name": people["name"],
            "readers": people["wiki_readers_2015_2018"],
            "gender": people["gender"],
            "birth": [coarsen_year(int(year)) for year in people["birth"]],
            "death": [coarsen_year(int(year)) for year in people["death"]],
            "region": people["un_region"],
            "occupation": people["occupation"],
            "nationality": people["nationality"],
        }
    )
