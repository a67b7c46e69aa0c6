"""Tables of the user's own, in every form, and what is told of a bad one."""

from __future__ import annotations

import gzip
import json
from datetime import time, timedelta
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from metaocl.artifacts.checksums import file_hash
from metaocl.artifacts.publishing import ArtifactError
from metaocl.config.entry import ConfigError
from metaocl.config.parsing import canonical_json
from metaocl.config.sources import Table, parse_source
from metaocl.facts.fact import Fact, FactsError
from metaocl.facts.sources import read_facts
from metaocl.planning.inputs import source_files

QUESTIONS = {"year": "When was {name} made?", "land": "Where was {name} made?"}
HUB = {"dataset": "me/films", "file": "data/train.csv", "revision": "0123456789abcdef" * 2 + "01234567"}
WORKS = [
    {"title": "Alien", "year": 1979, "land": "NA"},
    {"title": "Brazil", "year": 1985, "land": "the  United\nKingdom"},
    {"title": "Cube", "year": 1997, "land": "Canada"},
]


def wide(path, **changes):
    return Table(path=str(path), name="title", **{"questions": QUESTIONS} | changes)


def read(source, count=3):
    return read_facts(source, count, Path(source.path))


def write(path, rows):
    frame = pd.DataFrame(rows)
    match path.suffixes:
        case [".parquet"]:
            frame.to_parquet(path)
        case [".jsonl"]:
            frame.to_json(path, orient="records", lines=True)
        case _:
            frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("file", ["works.csv", "works.csv.gz", "works.jsonl", "works.parquet", "WORKS.CSV"])
def test_a_wide_table_gives_the_same_facts_in_every_form(tmp_path, file):
    path = write(tmp_path / file, WORKS)
    answers = [("1979", "NA"), ("1985", "the United Kingdom"), ("1997", "Canada")]
    expected = [
        Fact(work["title"], work["title"], attribute, f"Q: {question}\nA:", answer)
        for work, pair in zip(WORKS, answers, strict=True)
        for (attribute, question), answer in zip(QUESTIONS.items(), pair, strict=True)
    ]
    assert read(wide(path)) == expected
    assert read(wide(path), count=2) == expected[:4]


def test_numbers_stay_whole_where_a_column_has_gaps_and_questions_without_answer_are_told(tmp_path, capsys):
    rows = [row | {"length": length} for row, length in zip(WORKS, (117, None, 90.5), strict=True)]
    path = write(tmp_path / "works.parquet", rows)
    facts = read(wide(path, questions=QUESTIONS | {"length": "How long is {name}?"}))
    assert [fact.answer for fact in facts if fact.attribute == "length"] == ["117", "90.5"]
    assert "1 questions without an answer are left out" in capsys.readouterr().err


@pytest.mark.parametrize("order", [1, -1])
def test_a_blank_beside_an_answer_is_no_second_answer(tmp_path, order):
    rows = [WORKS[0], WORKS[0] | {"year": None}][::order]
    facts = read(wide(write(tmp_path / "works.csv", pd.DataFrame([*rows, *WORKS[1:]]).astype({"year": "Int64"}))))
    assert sorted(fact.answer for fact in facts if fact.name == "Alien") == ["1979", "NA"]


def test_narrow_numbers_are_the_texts_that_they_are_short_for(tmp_path):
    frame = pd.DataFrame(WORKS).assign(year=pd.array([1.8, 2.1, None], dtype="float32"), land=[1.5, 2.25, 0.1])
    frame["land"] = frame["land"].astype("float16")
    frame.to_parquet(tmp_path / "works.parquet")
    facts = read(wide(tmp_path / "works.parquet"), count=2)
    assert [fact.answer for fact in facts] == ["1.8", "1.5", "2.1", "2.25"]


@pytest.mark.parametrize("kind", ["datetime64[s]", "datetime64[ns]", "datetime64[ns, Europe/Paris]"])
def test_a_column_of_dates_as_pandas_writes_them_has_no_time_of_day(tmp_path, kind):
    days = pd.Series(["1979-05-25", None, "1997-09-09"], dtype=kind)
    facts = read(wide(write(tmp_path / "works.parquet", pd.DataFrame(WORKS).assign(year=days))), count=2)
    assert [fact.answer for fact in facts if fact.attribute == "year"] == ["1979-05-25", "1997-09-09"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            ["1979-05-25", "1985-02-20 21:30", "1997-09-09"],
            "row 2, column 'year': is the time 1985-02-20 21:30:00, where",
        ),
        (
            ["1979-05-25", "1985-02-20T00:00:00.000000001", None],
            "row 2, column 'year': is the time 1985-02-20 00:00:00.0",
        ),
        ([timedelta(minutes=117)] * 3, "row 1, column 'year': is the time 1:57:00, where"),
        (
            [time(21, 30)] * 3,
            "row 1, column 'year': is the time 21:30:00, where a text, a number or a date was expected",
        ),
    ],
    ids=["time of day", "nanoseconds", "duration", "clock"],
)
def test_a_column_with_times_is_refused(tmp_path, values, said):
    times = [pd.Timestamp(value) if isinstance(value, str) else value for value in values]
    with pytest.raises(FactsError) as error:
        read(wide(write(tmp_path / "works.parquet", pd.DataFrame(WORKS).assign(year=times))), count=1)
    assert str(error.value).startswith(f"{tmp_path}/works.parquet: {said}")


def test_a_number_without_end_is_refused(tmp_path):
    (tmp_path / "works.jsonl").write_text('{"title": "Alien", "year": 1e400, "land": "a"}\n')
    with pytest.raises(FactsError, match="row 1, column 'year': is inf, where a text or a number was expected"):
        read(wide(tmp_path / "works.jsonl"), count=1)


@pytest.mark.parametrize("twin", ["Jose\u0301", "Jos\u00e9\u200b"])
def test_names_that_look_the_same_are_refused(tmp_path, twin):
    rows = [WORKS[0] | {"title": "Jos\u00e9"}, WORKS[1] | {"title": twin}, WORKS[2]]
    with pytest.raises(FactsError) as error:
        read(wide(write(tmp_path / "works.csv", rows)))
    path = tmp_path / "works.csv"
    assert str(error.value) == (
        f"{path}: row 2: the name {twin!a} looks like 'Jos\\xe9' ({path}: row 1); write both alike"
    )


def test_entities_with_one_question_and_answers_with_the_name_are_told(tmp_path, capsys):
    rows = [*WORKS, {"title": "Dune", "year": 1984, "land": None}, {"title": "Evita", "year": 1996, "land": "Evitania"}]
    facts = read(wide(write(tmp_path / "works.csv", rows)), count=4)
    assert list(dict.fromkeys(fact.name for fact in facts)) == ["Alien", "Brazil", "Cube", "Evita"]
    told = capsys.readouterr().err
    assert "works.csv: 1 entities with fewer than 2 questions are left out" in told
    assert "works.csv: 1 answers hold the name of their entity, as 'Evitania'" in told


def test_a_question_with_one_answer_for_all_is_told(tmp_path, capsys):
    read(wide(write(tmp_path / "works.csv", [work | {"land": "Canada"} for work in WORKS])))
    assert (
        capsys.readouterr().err
        == f"note: {tmp_path}/works.csv: 1 questions have one answer for all entities, as 'land'\n"
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"name": "Alien", "year": 1, "land": "a"}], "has no column 'title'; its columns are 'name', 'year', 'land'"),
        (
            [*WORKS, WORKS[0] | {"year": 1980}],
            r"'Alien' has two answers to 'year': '1979' \(row 1\) and '1980'",
        ),
        (WORKS[:2], "3 entities asked for, but only 2 of 2 have 2 questions"),
        ([*WORKS, {"title": None, "year": 1, "land": "a"}], "row 4 has no name"),
        ([*WORKS, {"title": "A {name}", "year": 1, "land": "a"}], "row 4: the name 'A {name}' holds {name}"),
    ],
    ids=["no such column", "two answers", "too few", "no name", "a placeholder in a name"],
)
@pytest.mark.parametrize("file", ["works.csv", "works.parquet"])
def test_a_bad_table_is_told_in_one_line(tmp_path, file, rows, said):
    path = write(tmp_path / file, rows)
    with pytest.raises(FactsError, match=said) as error:
        read(wide(path))
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_the_files_of_a_folder_are_one_table_in_the_order_of_their_names(tmp_path):
    folder = tmp_path / "works.v1"
    folder.mkdir()
    for name, row in zip(("b.csv", "a.csv.gz", "c.csv"), WORKS, strict=True):
        write(folder / name, [row])
    for name in (".DS_Store", "_SUCCESS"):
        (folder / name).touch()
    assert list(dict.fromkeys(fact.name for fact in read(wide(folder)))) == ["Brazil", "Alien", "Cube"]


def test_in_a_folder_a_mistake_is_told_with_its_file(tmp_path):
    for number, rows in enumerate([WORKS, [WORKS[0] | {"year": 1980}]]):
        write(tmp_path / f"part-{number}.jsonl", rows)
    with pytest.raises(FactsError) as error:
        read(wide(tmp_path))
    assert str(error.value).startswith(f"{tmp_path}: 'Alien' has two answers to 'year': '1979' (")
    assert f"'1979' ({tmp_path}/part-0.jsonl: row 1) and '1980' ({tmp_path}/part-1.jsonl: row 1)" in str(error.value)
    write(tmp_path / "part-1.jsonl", [{"title": "Dune"}])
    with pytest.raises(FactsError, match=f"^{tmp_path}/part-1.jsonl: has no column 'year', 'land'; "):
        read(wide(tmp_path))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "{folder}: has no files in it"),
        ([".hidden.csv"], "{folder}: has no files in it"),
        (["a.csv", "b.jsonl"], "{folder}: has a.csv beside b.jsonl; the files of one table are of one form"),
        (["a.csv", "README.md"], "{folder}/README.md ends with none of .csv, .csv.gz, .jsonl, .parquet"),
        (["a.csv", "more/b.csv"], "{folder}: has folders in it"),
    ],
)
def test_a_folder_that_is_no_table_is_told_in_one_line(tmp_path, names, said):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, WORKS)
    for ask in (read, source_files):
        with pytest.raises(ConfigError) as error:
            ask(wide(tmp_path))
        assert str(error.value).startswith(said.format(folder=tmp_path))
        assert "\n" not in str(error.value)


def test_a_file_that_is_none_of_a_table_is_told_before_anything_runs(tmp_path):
    (tmp_path / "works.txt").touch()
    with pytest.raises(ConfigError, match=r"works\.txt ends with none of \.csv"):
        source_files(wide(tmp_path / "works.txt"))


def test_a_file_on_the_hub_is_fetched_from_an_address_that_does_not_move(tmp_path):
    source = Table(name="title", questions=QUESTIONS, hub=HUB | {"file": "data/my films?.csv"}, sha256="0" * 64)
    expected = f"https://huggingface.co/datasets/me/films/resolve/{HUB['revision']}/data/my%20films%3F.csv"
    assert source.address == expected
    assert parse_source(canonical_json(source)) == source
    fetched = write(tmp_path / "data", WORKS)
    with pytest.raises(ArtifactError, match="its SHA-256 is"):
        read_facts(source, 3, fetched)
    source = source.model_copy(update={"sha256": file_hash(fetched)})
    assert [fact.name for fact in read_facts(source, 3, fetched)][::2] == ["Alien", "Brazil", "Cube"]


def test_the_settings_of_a_table_that_is_not_on_the_hub_are_what_they_were():
    assert set(json.loads(canonical_json(wide("a.csv")))) == {
        *("kind", "path", "url", "sha256", "name", "questions", "question", "answer")
    }


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("a.csv", b"", "cannot be read as CSV in UTF-8, .*: its first line is empty"),
        (
            "a.csv",
            b"title,year,land\nCaf\xe9,1,a\n",
            r"line 2 is not in UTF-8: b'Caf\\xe9,1,a'; save the file as UTF-8",
        ),
        ("a.csv", "title,year\n".encode("utf-16"), "line 1 is not in UTF-8"),
        ("a.csv", b"title;year;land\nA;1;b\n", "its first line, 'title;year;land', has no comma"),
        ("a.csv", b"title,year,land\nA,1,b,\n", "line 2 has 4 fields, where the first line names 3 columns"),
        ("a.csv", b'title,year,land\n"A\nB",1,b\nC,1\n', "line 4 has 2 fields"),
        ("a.csv", b'title,year,land\nA,1,b\n"C,1,b\nD,1,b\n', "line 3, or a text in double quotes that begins there: "),
        ("a.csv", b"title,year,year,land\nA,1,2,b\n", "has several columns 'year'"),
        ("a.csv", b"title,year,land\n", "has no rows"),
        ("a.csv.gz", gzip.compress(b"title,year,land\nA,1,b\n", mtime=0)[:-9], "cannot be read as CSV in UTF-8"),
        ("a.jsonl", b"{]", "cannot be read as JSON lines in UTF-8: line 1, character 2: "),
        ("a.jsonl", b"", "has no rows"),
        (
            "a.jsonl",
            b'{"title": "A", "year": 1, "land": "b"}\n{"title": "C", "year": 1, "land": "b", "year": 2}',
            "cannot be read as JSON lines in UTF-8: line 2: 'year' is given more than once; give it once",
        ),
        ("a.jsonl", b'[{"title": "A", "year": 1, "land": "b"}]', "line 1 is no object"),
        ("a.jsonl", b'{"title": "Caf\xe9", "year": 1, "land": "b"}', "line 1 is not in UTF-8"),
        ("a.parquet", b"PAR1", "cannot be read as Parquet"),
        ("a.jsonl", json.dumps({"title": "A", "year": [1], "land": "b"}).encode(), r"row 1, column 'year': is \[1\]"),
    ],
)
def test_a_file_that_is_no_table_is_told_in_one_line(tmp_path, file, content, said):
    (tmp_path / file).write_bytes(content)
    with pytest.raises(FactsError, match=said) as error:
        read(wide(tmp_path / file))
    assert "\n" not in str(error.value)


def test_a_csv_file_of_a_spreadsheet_is_read_as_it_stands(tmp_path):
    path = tmp_path / "works.csv"
    path.write_bytes(
        b"\xef\xbb\xbf, title , year, land\r\n"
        b'0,Alien,007,"the ""new""\r\nworld, of sorts"\r\n'
        b'1, "Cube, a film",NA,a\r\n'
        b",,,\r\n"
    )
    assert [(fact.name, fact.answer) for fact in read(wide(path), count=2)] == [
        ("Alien", "007"),
        ("Alien", 'the "new" world, of sorts'),
        ("Cube, a film", "NA"),
        ("Cube, a film", "a"),
    ]


def test_texts_of_json_lines_stay_as_they_stand(tmp_path):
    path = tmp_path / "works.jsonl"
    path.write_text(
        '{"title": "Alien", "year": "1979-05-25", "land": "007"}\n\n{"title": "Cube", "year": 1997, "land": 7}\n'
    )
    assert [fact.answer for fact in read(wide(path), count=2)] == ["1979-05-25", "007", "1997", "7"]


@pytest.mark.parametrize("end", ["?download=1", "?a=b/c.txt", "#top"])
def test_the_form_of_a_table_is_told_by_the_path_of_its_address(tmp_path, end):
    source = Table(name="title", questions=QUESTIONS, url=f"https://zenodo.org/records/1/files/works.CSV.gz{end}")
    fetched = write(tmp_path / "works.csv.gz", WORKS).rename(tmp_path / "data")
    assert len(read_facts(source, 3, fetched)) == 6
    with pytest.raises(ValidationError, match="ends with none of"):
        Table(name="title", questions=QUESTIONS, url="https://zenodo.org/records?file=works.csv")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "https://a.b/c.txt", "questions": QUESTIONS}, "https://a.b/c.txt ends with none of .csv"),
        ({"path": "a.csv", "hub": HUB, "questions": QUESTIONS}, "give either path"),
        ({"hub": HUB, "questions": QUESTIONS}, "give the sha256 of the file that hub names"),
        ({"hub": HUB | {"revision": "main"}, "questions": QUESTIONS}, "hub.revision"),
        ({"hub": HUB | {"dataset": "films"}, "questions": QUESTIONS}, "hub.dataset"),
        ({"hub": HUB | {"file": "a.txt"}, "sha256": "0" * 64, "questions": QUESTIONS}, "/a.txt ends with none of .csv"),
        ({"path": "a.csv"}, "give either questions"),
        ({"path": "a.csv", "questions": QUESTIONS, "answer": "b"}, "give either questions"),
        ({"path": "a.csv", "question": "b"}, "give either questions"),
        (
            {"path": "a.csv", "questions": QUESTIONS | {"title": "What is {name}?"}},
            "the column title is named for two things",
        ),
        ({"path": "a.csv", "questions": {"year": "When?"}}, "holds {name} once"),
        ({"path": "a.csv", "url": "https://a.b/c.csv", "questions": QUESTIONS}, "give either path"),
        ({"path": "a.csv", "questions": {"year": "When was {name} made?"}}, "at least 2"),
    ],
)
def test_settings_that_do_not_agree_are_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        Table(name="title", **settings)
