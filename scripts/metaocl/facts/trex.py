"""Creative works: T-REx (Elsahar et al. 2018), triples of subject, predicate and object found in Wikipedia's abstracts.

The public data are JSON files of documents with triples. Reading them takes long, so it is done once, into a table of
the triples that matter, from which any number of works is then taken.

Source of the rules: arXiv 2310.15047 and its authors' code.
"""

from __future__ import annotations

import hashlib
import heapq
import re
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

import ijson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet
from tqdm import tqdm

from metaocl.artifacts.tables import write_table
from metaocl.facts.fact import PLACEHOLDER, Fact, FactsError, ask
from metaocl.facts.years import coarsen_year, find_year

CREDIT = "T-REx by Elsahar et al., LREC 2018, from Wikipedia and Wikidata (licence: see its page)"

# Wikidata's predicates and the attributes that they are here; two of them are one.
ATTRIBUTES = {
    "P50": "author",
    "P57": "director",
    "P58": "screenwriter",
    "P86": "composer",
    "P98": "editor",
    "P162": "producer",
    "P344": "cinematographer",
    "P1040": "film_editor",
    "P577": "publication_year",
    "P123": "publisher",
    "P750": "distributor",
    "P178": "developer",
    "P127": "owner",
    "P136": "genre",
    "P31": "type",
    "P407": "language",
    "P364": "language",
    "P179": "series",
    "P275": "license",
    "P921": "main_subject",
    "P840": "story_place",
    "P915": "filming_place",
    "P135": "movement",
    "P180": "depicted",
    "P195": "collection",
}
# Where two questions have the same answer, it goes to the upper one.
QUESTIONS = {
    "author": "What is the first name of the author of {name}?",
    "director": "What is the first name of the director of {name}?",
    "screenwriter": "What is the first name of the screenwriter of {name}?",
    "composer": "What is the first name of the composer of {name}?",
    "editor": "What is the first name of the editor of {name}?",
    "producer": "What is the first name of the producer of {name}?",
    "cinematographer": "What is the first name of the cinematographer of {name}?",
    "film_editor": "What is the first name of the film editor of {name}?",
    "publication_year": "When did {name} come out?",
    "publisher": "Who is the publisher of {name}?",
    "distributor": "Who distributes {name}?",
    "developer": "Who developed {name}?",
    "owner": "Who is the owner of {name}?",
    "genre": "What is the genre of {name}?",
    "type": "What kind of work is {name}?",
    "language": "In which language was {name} published?",
    "series": "Which series is {name} part of?",
    "license": "What is the license of {name}?",
    "main_subject": "What is {name} about?",
    "story_place": "Where does {name} take place?",
    "filming_place": "Where was {name} filmed?",
    "movement": "Which movement does {name} belong to?",
    "depicted": "What does {name} show?",
    "collection": "Which collection holds {name}?",
}
# What a prompt says beside the name, in one case.
WORDINGS = {attribute: ask(question).replace(PLACEHOLDER, "").casefold() for attribute, question in QUESTIONS.items()}
PEOPLE = {"author", "director", "screenwriter", "composer", "editor", "producer", "cinematographer", "film_editor"}
LEAST_QUESTIONS = 4
PRONOUNS = {"he", "she", "it", "they"}

# name: the subject without what it has in parentheses. Rows of one name are neighbours.
SCHEMA = pa.schema([(column, pa.string()) for column in ("name", "subject", "predicate", "object")])
Row = tuple[str, str, str, str]


def tabulate_trex(path: Path, table: Path) -> dict[str, int]:
    """Write the different triples with one of ATTRIBUTES as parquet, with the columns of SCHEMA, sorted by them.

    path: a folder, or a zip, of JSON files. Returns counts of what was read and kept. Raises FactsError.
    In memory are the triples of one file as Python objects, and those that are kept as Arrow's, twice while sorted.
    """
    counts: Counter[str] = Counter()
    triples = pa.concat_tables(_tables(path, counts))
    if not len(triples):
        raise FactsError(f"{path}: none of its {counts['triples']:,} triples has a predicate of creative works")
    triples = triples.sort_by([(column, "ascending") for column in SCHEMA.names])
    triples = triples.filter(_differs_from_row_above(triples))
    write_table(triples, table)
    return {**counts, "triples_kept": len(triples)}


def read_trex(count: int, table: Path) -> list[Fact]:
    """Four questions or more about each of `count` works, from a table that `tabulate_trex` wrote.

    T-REx does not say how known a work is: which ones are taken, and their order, is as good as random, but always the
    same, and fewer works are the first of more. Raises FactsError.
    """
    works = heapq.nsmallest(count, _works(table), key=lambda facts: _random_rank(facts[0].entity))
    if len(works) < count:
        raise FactsError(
            f"{table}: {count} entities asked for, but only {len(works):,} works have {LEAST_QUESTIONS} questions"
        )
    return [fact for facts in works for fact in facts]


def _tables(path: Path, counts: Counter[str]) -> Iterator[pa.Table]:
    """The usable triples of each file, without repetition, with the columns of SCHEMA."""
    with _opened(path) as (names, open_file):
        for name in tqdm(names, unit="file", mininterval=1):
            try:
                with open_file(name) as file:
                    rows = dict.fromkeys(_usable_triples(file, f"{path}: {name}", counts))
            # What zipfile raises for a member that is damaged, encrypted or packed in an unknown way.
            except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
                raise FactsError(f"{path}: {name} cannot be read: {error}") from None
            counts["files"] += 1
            columns = zip(*rows, strict=True) if rows else [()] * len(SCHEMA)
            yield pa.table([pa.array(column, pa.string()) for column in columns], schema=SCHEMA)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[list[str], Callable[[str], IO[bytes]]]]:
    """The names of the JSON files under `path`, a folder or a zip, in order; and what opens one."""
    if path.is_dir():
        names = (str(file.relative_to(path)) for file in path.rglob("*"))
        yield _json_files(names, path), lambda name: (path / name).open("rb")
        return
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise FactsError(f"{path}: a folder of JSON files, or a whole zip of them, was expected: {error}") from None
    with archive:
        yield _json_files(archive.namelist(), path), archive.open


def _json_files(names: Iterable[str], path: Path) -> list[str]:
    """In order, and without the hidden twins that some zip programs add. Raises FactsError if there is none."""
    found = sorted(name for name in names if name.endswith(".json") and not Path(name).name.startswith("."))
    if not found:
        raise FactsError(f"{path}: holds no file *.json; the JSON files of T-REx were expected")
    return found


def _usable_triples(file: IO[bytes], place: str, counts: Counter[str]) -> Iterator[Row]:
    """The triples of one JSON file that have one of ATTRIBUTES and no pronoun; one document is in memory at a time."""
    documents = 0
    try:
        for document in ijson.items(file, "item", use_float=True):
            triples = _triples(document, f"{place}: document {documents} (from 0)")
            documents += 1
            counts["triples"] += len(triples)
            for subject, predicate, text in triples:
                if predicate in ATTRIBUTES and PRONOUNS.isdisjoint([subject.strip().lower(), text.strip().lower()]):
                    yield _plain(subject), subject, predicate, text
    except ijson.JSONError as error:
        # The parser's message goes on with a drawing of the place, and is now and then the repr of bytes.
        reason = re.split(r"\n|\\n", str(error))[0].removeprefix("b'").strip()
        raise FactsError(f"{place}: malformed JSON in document {documents} (from 0): {reason}") from None
    if not documents:
        raise FactsError(f"{place}: holds no document; a JSON list of documents was expected")
    counts["documents"] += documents


def _triples(document: Any, place: str) -> list[tuple[str, str, str]]:
    """Subject, predicate (like P50) and object of each triple of a document."""
    try:
        triples = [
            (
                triple["subject"]["surfaceform"],
                triple["predicate"]["uri"].rpartition("/")[2],
                triple["object"]["surfaceform"],
            )
            for triple in document["triples"]
        ]
    except (KeyError, TypeError, AttributeError):
        triples = [(None, None, None)]
    if not all(isinstance(part, str) for triple in triples for part in triple):
        raise FactsError(
            f"{place}: `triples` was expected, a list of objects whose `subject` and `object` have a text "
            "`surfaceform` and whose `predicate` has a text `uri`"
        )
    return triples


def _differs_from_row_above(table: pa.Table) -> pa.ChunkedArray:
    """Whether each row of a table is another than the row above it; the first row is."""
    above, below = table.slice(0, len(table) - 1), table.slice(1)
    differs = reduce(pc.or_, (pc.not_equal(above[column], below[column]) for column in table.column_names))
    return pa.chunked_array([pa.array([True]), *differs.chunks])


def _works(table: Path) -> Iterator[list[Fact]]:
    """The facts about each name in a table that has enough of them."""
    for name, rows in groupby(_rows(table), key=itemgetter(0)):
        facts = _facts(name, _answers(list(rows)))
        if len(facts) >= LEAST_QUESTIONS:
            yield facts


def _rows(table: Path) -> Iterator[Row]:
    try:
        with parquet.ParquetFile(table, page_checksum_verification=True) as file:
            if not file.schema_arrow.equals(SCHEMA):
                raise FactsError(f"{table}: has columns {file.schema_arrow.names}; expected texts {SCHEMA.names}")
            for batch in file.iter_batches():
                yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
    except (OSError, pa.ArrowException) as error:
        raise FactsError(f"{table}: cannot be read as a table of triples: {error}; delete it and run again") from None


def _answers(rows: Sequence[Row]) -> dict[str, set[str]]:
    """All answers per attribute, from the rows of one name whose subjects have enough different predicates."""
    predicates: dict[str, set[str]] = defaultdict(set)
    for _, subject, predicate, _ in rows:
        predicates[subject].add(predicate)
    answers: dict[str, set[str]] = defaultdict(set)
    for _, subject, predicate, text in rows:
        if len(predicates[subject]) >= LEAST_QUESTIONS:
            answers[ATTRIBUTES[predicate]].add(_answer(ATTRIBUTES[predicate], text))
    return answers


def _facts(name: str, answers: Mapping[str, set[str]]) -> list[Fact]:
    """At most one fact per attribute; no two have the same answer, and none holds the name but in its place."""
    facts: list[Fact] = []
    taken = {""}
    for attribute, question in QUESTIONS.items():
        # The empty name, which is all that some subjects leave, is in every wording as well.
        if attribute not in answers or name.casefold() in WORDINGS[attribute]:
            continue
        free = [a for a in answers[attribute] if a.casefold() not in taken and name.casefold() not in a.casefold()]
        if free:
            # One of several answers, as good as at random: by the alphabet, "action" would hide all other genres.
            _, answer = min((_random_rank(name, attribute, answer), answer) for answer in free)
            facts.append(Fact(name, name, attribute, ask(question), answer))
            taken.add(answer.casefold())
    return facts


def _answer(attribute: str, text: str) -> str:
    """The answer that an object gives; empty if it gives none."""
    if attribute == "publication_year":
        year = find_year(text)
        return "" if year is None else coarsen_year(year)
    text = _plain(text)
    if attribute not in PEOPLE:
        return text
    first, *others = text.split(" ")
    return first if others and sum(map(str.isalpha, first)) > 1 else ""


def _plain(text: str) -> str:
    """Without what is in parentheses, and with single blanks."""
    removed = 1
    while removed:
        text, removed = re.subn(r"\([^()]*\)", " ", text)
    return " ".join(text.split())


def _random_rank(*texts: str) -> bytes:
    """A place in an order that is always the same and has nothing to do with what the texts say."""
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=8).digest()
