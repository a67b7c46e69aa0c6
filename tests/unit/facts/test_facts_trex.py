from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from metaocl.facts.fact import PLACEHOLDER, FactsError, ask
from metaocl.facts.trex import ATTRIBUTES, QUESTIONS, read_trex, tabulate_trex

# 67 works with four questions or more, and others that have too few.
SAMPLE = Path(__file__).parents[2] / "data" / "trex"
SCRIPT = Path(__file__).parents[3] / "scripts" / "tabulate_trex.py"
# Four questions about one work; tests add to them.
FERRY = [("The Ferry", "P50", "Edda Falkner"), ("The Ferry", "P123", "Kestrel"), ("The Ferry", "P407", "Norwegian")]
FERRY += [("The Ferry", "P31", "book")]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    table = tmp_path_factory.mktemp("trex") / "triples.parquet"
    tabulate_trex(SAMPLE, table)
    return table


@pytest.fixture
def works(tmp_path):
    """What triples make of each work: its answers by attribute."""

    def works(*triples):
        table = tmp_path / "triples.parquet"
        write(tmp_path / "documents.json", [{"triples": [triple(*each) for each in triples]}])
        tabulate_trex(tmp_path, table)
        found: dict[str, dict[str, str]] = {}
        for fact in read_trex(_number_of_works(table), table):
            found.setdefault(fact.entity, {})[fact.attribute] = fact.answer
        return found

    return works


def _number_of_works(table):
    with pytest.raises(FactsError) as error:
        read_trex(1000, table)
    return int(re.search(r"only (\d+) works", str(error.value))[1])


def triple(subject, predicate, text):
    uri = f"http://www.wikidata.org/prop/direct/{predicate}"
    return {"subject": {"surfaceform": subject}, "predicate": {"uri": uri}, "object": {"surfaceform": text}}


def write(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")


def test_every_predicate_has_a_question_of_its_own_but_the_two_of_language():
    assert len(ATTRIBUTES) == 25
    assert set(ATTRIBUTES.values()) == set(QUESTIONS)
    assert len(set(QUESTIONS.values())) == len(QUESTIONS) == 24
    assert ATTRIBUTES["P407"] == ATTRIBUTES["P364"] == "language"
    assert all(question.count(PLACEHOLDER) == 1 for question in QUESTIONS.values())


def test_the_sample_gives_works_with_four_different_answers_or_more(table):
    facts = read_trex(67, table)
    assert min(Counter(fact.entity for fact in facts).values()) >= 4
    assert len({(fact.entity, fact.attribute) for fact in facts}) == len(facts)
    assert len({(fact.entity, fact.answer.casefold()) for fact in facts}) == len(facts)
    assert all(fact.prompt == ask(QUESTIONS[fact.attribute]) for fact in facts)
    assert all(fact.answer == " ".join(fact.answer.split()) != "" for fact in facts)


def test_no_name_is_left_once_an_alias_has_taken_its_place(table):
    for fact in read_trex(67, table):
        assert fact.name.casefold() not in (fact.prompt.replace(PLACEHOLDER, "") + fact.answer).casefold()


def test_a_known_work_has_the_facts_of_its_triples(table):
    facts = [fact for fact in read_trex(67, table) if fact.entity == "The Glass Ferry"]
    assert {fact.attribute: fact.answer for fact in facts} == {
        "author": "Edda",
        "publication_year": "19 century",
        "publisher": "Kestrel House",
        "language": "Norwegian",
    }


def test_fewer_works_are_the_first_of_more_and_not_those_of_the_alphabet(table):
    more = read_trex(40, table)
    fewer = read_trex(10, table)
    assert fewer == more[: len(fewer)]
    entities = [entity for entity, _ in groupby(more, key=lambda fact: fact.entity)]
    assert len(entities) == len(set(entities)) == 40
    assert entities != sorted(entities)


def test_too_few_works_are_an_error_that_says_how_many(table):
    with pytest.raises(FactsError, match="68 entities asked for, but only 67 works have 4 questions"):
        read_trex(68, table)


def test_a_zip_and_another_order_of_triples_give_the_same_table(table, tmp_path):
    documents = [document for file in SAMPLE.glob("*.json") for document in json.loads(file.read_text("utf-8"))]
    random.Random(0).shuffle(documents)
    with zipfile.ZipFile(tmp_path / "trex.zip", "w") as archive:
        archive.writestr("deep/re-nlg_0.json", json.dumps(documents[:9]))
        archive.writestr("deep/re-nlg_1.json", json.dumps(documents[9:]))
        archive.writestr("README.txt", "not JSON")
        archive.writestr("__MACOSX/._re-nlg_0.json", "\0")
    counts = tabulate_trex(tmp_path / "trex.zip", tmp_path / "triples.parquet")
    assert (tmp_path / "triples.parquet").read_bytes() == table.read_bytes()
    assert counts == {"files": 2, "documents": 73, "triples": 603, "triples_kept": 534}


def test_the_table_has_each_triple_once_and_neither_pronouns_nor_other_predicates(tmp_path):
    triples = [("A", "P50", "B"), ("A", "P50", "B"), ("She", "P50", "B"), ("A", "P50", " THEY "), ("A", "P17", "B")]
    write(tmp_path / "0.json", [{"triples": [triple(*each) for each in triples]}])
    write(tmp_path / "1.json", [{"triples": [triple("A", "P50", "B"), triple("A (x)", "P50", "B")]}])
    tabulate_trex(tmp_path, tmp_path / "triples.parquet")
    rows = [tuple(row.values()) for row in parquet.read_table(tmp_path / "triples.parquet").to_pylist()]
    assert rows == [("A", "A", "P50", "B"), ("A", "A (x)", "P50", "B")]


@pytest.mark.parametrize(
    ("predicate", "text", "answer"),
    [
        ("P577", "printed in 1994, sold in 1995", "1990s"),
        ("P577", "1895", "19 century"),
        ("P577", "1200 BC", "12 century BC"),
        ("P577", "1900s", "1900s"),
        ("P577", "24 May 2011", "2011"),
        ("P577", "May 24", None),
        ("P57", "Greta Iversen", "Greta"),
        ("P57", "Madonna", None),
        ("P57", "J. Iversen", None),
        ("P57", "Madonna (singer)", None),
        ("P750", "Anchor (firm (old)) \n House", "Anchor House"),
        ("P136", "(drama)", None),
        ("P136", "the ferry genre", None),
        ("P179", "KESTREL", None),
    ],
)
def test_an_object_becomes_an_answer_or_is_left_out(works, predicate, text, answer):
    found = works(*FERRY, ("The Ferry", predicate, text))["The Ferry"]
    extra = {ATTRIBUTES[predicate]: answer} if answer else {}
    assert found == {"author": "Edda", "publisher": "Kestrel", "language": "Norwegian", "type": "book"} | extra


def test_two_predicates_of_language_are_one_question(works):
    found = works(*FERRY, ("The Ferry", "P364", "Swedish"))["The Ferry"]
    assert len(found) == 4
    assert found["language"] in ("Norwegian", "Swedish")


def test_of_several_answers_it_is_not_always_the_first_of_the_alphabet(works):
    names = [f"Film {number}" for number in range(8)]
    triples = [
        (name, predicate, text)
        for name in names
        for predicate, text in [("P136", "action"), ("P136", "thriller"), ("P31", "film"), ("P407", "x"), ("P840", "y")]
    ]
    assert {answers["genre"] for answers in works(*triples).values()} == {"action", "thriller"}


def test_a_second_question_takes_another_of_its_answers_when_the_first_is_taken(works):
    found = works(*FERRY, ("The Ferry", "P750", "Kestrel"), ("The Ferry", "P750", "Tandem"))
    assert found["The Ferry"]["distributor"] == "Tandem"


def test_works_need_four_questions_after_all_that(works):
    assert works(*FERRY)
    assert not works(*FERRY[:3], ("The Ferry", "P57", "Madonna"))
    assert not works(*FERRY[:3], ("The Ferry", "P364", "Swedish"))


def test_subjects_that_differ_in_parentheses_are_one_work_but_each_needs_four_predicates(works):
    second = [("The Ferry (film)", *rest) for _, *rest in FERRY[:3]]
    assert set(works(*FERRY[:2], *second)) == set()
    found = works(*FERRY, *second, ("The Ferry (film)", "P840", "Oslo"))
    assert found["The Ferry"]["story_place"] == "Oslo"
    assert "story_place" not in works(*FERRY, *second[:2], ("The Ferry (film)", "P840", "Oslo"))["The Ferry"]


def test_a_question_that_holds_the_name_is_left_out(works):
    named_genre = [("Genre", *rest) for _, *rest in FERRY] + [("Genre", "P136", "drama")]
    assert set(works(*named_genre)["Genre"]) == {"author", "publisher", "language", "type"}
    assert not works(*[("(untitled)", *rest) for _, *rest in FERRY])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", r"malformed JSON in document 0 \(from 0\): parse error: premature EOF$"),
        ('[{"triples": []}, {"triples": [', r"malformed JSON in document 1 \(from 0\): parse error: premature EOF$"),
        ('[{"triples": []}, oops]', r"malformed JSON in document 1 \(from 0\): lexical error: invalid char"),
        ('[{"triples": []}] oops', r"malformed JSON in document 1 \(from 0\): parse error: trailing garbage$"),
        ("{}", "holds no document"),
        ('[{"triples": []}, {"title": "x"}]', r"document 1 \(from 0\): `triples` was expected"),
        ('["x"]', r"document 0 \(from 0\): `triples` was expected"),
        ('[{"triples": {"subject": 1}}]', r"document 0 \(from 0\): `triples` was expected"),
        ('[{"triples": [{"subject": {"surfaceform": "x"}}]}]', r"document 0 \(from 0\): `triples` was expected"),
    ],
)
def test_malformed_documents_are_an_error_that_says_where(tmp_path, content, reason):
    shutil.copytree(SAMPLE, tmp_path / "trex")
    (tmp_path / "trex" / "wrong.json").write_text(content, encoding="utf-8")
    with pytest.raises(FactsError, match=rf"trex: wrong\.json: {reason}"):
        tabulate_trex(tmp_path / "trex", tmp_path / "triples.parquet")
    assert not (tmp_path / "triples.parquet").exists()


@pytest.mark.parametrize("field", ["subject", "predicate", "object"])
def test_a_field_that_is_no_text_is_an_error(tmp_path, field):
    wrong = triple("A", "P50", "B") | {field: {"surfaceform": None, "uri": None}}
    write(tmp_path / "0.json", [{"triples": [wrong]}])
    with pytest.raises(FactsError, match=r"0\.json: document 0 \(from 0\): `triples` was expected"):
        tabulate_trex(tmp_path, tmp_path / "triples.parquet")


def test_bytes_that_are_no_utf8_are_an_error(tmp_path):
    (tmp_path / "0.json").write_bytes(b'[{"triples": []}, "\xff"]')
    with pytest.raises(FactsError, match=r"0\.json: malformed JSON in document 1 .*invalid bytes in UTF8 string\.$"):
        tabulate_trex(tmp_path, tmp_path / "triples.parquet")


def test_a_folder_or_zip_without_triples_of_works_is_an_error(tmp_path):
    with pytest.raises(FactsError, match=r"holds no file \*\.json"):
        tabulate_trex(tmp_path, tmp_path / "triples.parquet")
    write(tmp_path / "0.json", [{"triples": [triple("Norway", "P36", "Oslo")]}])
    with pytest.raises(FactsError, match="none of its 1 triples has a predicate of creative works"):
        tabulate_trex(tmp_path, tmp_path / "triples.parquet")
    with zipfile.ZipFile(tmp_path / "trex.zip", "w"):
        pass
    with pytest.raises(FactsError, match=r"trex\.zip: holds no file \*\.json"):
        tabulate_trex(tmp_path / "trex.zip", tmp_path / "triples.parquet")


def test_a_file_that_is_missing_or_no_whole_zip_is_an_error(tmp_path):
    path = tmp_path / "trex.zip"
    expected = r"trex\.zip: a folder of JSON files, or a whole zip of them, was expected"
    with pytest.raises(FactsError, match=f"{expected}.*No such file"):
        tabulate_trex(path, tmp_path / "triples.parquet")
    path.write_text("[]")
    with pytest.raises(FactsError, match=expected):
        tabulate_trex(path, tmp_path / "triples.parquet")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(SAMPLE / "documents-0.json", "0.json")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FactsError, match=expected):
        tabulate_trex(path, tmp_path / "triples.parquet")
    path.write_bytes(whole[:2000] + bytes(50) + whole[2050:])
    with pytest.raises(FactsError, match=r"trex\.zip: 0\.json(: malformed JSON| cannot be read)"):
        tabulate_trex(path, tmp_path / "triples.parquet")


def test_a_table_of_something_else_is_an_error(tmp_path):
    table = tmp_path / "triples.parquet"
    with pytest.raises(FactsError, match=r"triples\.parquet: cannot be read as a table of triples"):
        read_trex(1, table)
    table.write_bytes(b"PAR1")
    with pytest.raises(FactsError, match=r"triples\.parquet: cannot be read as a table of triples"):
        read_trex(1, table)
    parquet.write_table(pa.table({"x": [1]}), table)
    with pytest.raises(FactsError, match="has columns"):
        read_trex(1, table)


def test_the_command_writes_a_table_and_a_manifest_or_one_message(tmp_path):
    def tabulate(data):
        outputs = ["--triples", tmp_path / "triples.parquet", "--manifest", tmp_path / "manifest.json"]
        return subprocess.run([sys.executable, SCRIPT, "--data", data, *outputs], capture_output=True, text=True)

    failed = tabulate(tmp_path / "nothing")
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: ")
    assert failed.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())

    assert tabulate(SAMPLE).returncode == 0
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["triples_kept"] == parquet.read_metadata(tmp_path / "triples.parquet").num_rows == 534
    assert len(manifest["sha256"]) == 64
