from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from metaocl.facts.cvdb import read_cvdb
from metaocl.facts.fact import PLACEHOLDER, FactsError

# 61 men and 61 women with all that is needed, and rows that must be left out; but for homonyms,
# these would be the most-read ones.
SAMPLE = Path(__file__).parents[2] / "data" / "cvdb.csv"
# The last letter is no UTF-8 in ISO-8859-1, as some bytes of the public file.
HEADER = "name,birth,death,gender,level3_main_occ,string_citizenship_raw_d,un_region,wiki_readers_2015_2018,année\n"


@pytest.fixture
def write(tmp_path):
    """A CSV file from rows, in which a man and a woman lack nothing."""

    def write(*rows, header=HEADER, encoding="ISO-8859-1"):
        path = tmp_path / "people.csv"
        usable = [row(name="Ada_Lee", gender="Female"), row(name="Ben_Lee", gender="Male")]
        path.write_text(header + "".join([*usable, *rows]), encoding=encoding, newline="")
        return path

    return write


def row(name="Cy_Lee", birth="1815", death="1852", gender="Male", occupation="writer", nationality="'UK'", readers="9"):
    return f'{name},{birth},{death},{gender},{occupation},"{nationality}",Europe,{readers},\n'


def answers(facts, entity):
    return {fact.attribute: fact.answer for fact in facts if fact.entity == entity}


def test_the_sample_gives_as_many_men_as_women_with_six_questions_each():
    facts = read_cvdb(40, SAMPLE)
    assert Counter(fact.answer for fact in facts if fact.attribute == "gender") == {"Male": 20, "Female": 20}
    assert set(Counter(fact.entity for fact in facts).values()) == {6}
    assert len({(fact.entity, fact.attribute) for fact in facts}) == 240
    assert all(fact.prompt.count(PLACEHOLDER) == 1 and fact.answer.strip() for fact in facts)


def test_known_people_have_the_facts_of_their_rows():
    facts = read_cvdb(40, SAMPLE)
    assert answers(facts, "Amélie Sans Pareil") == {
        "gender": "Female",
        "birth": "19 century",
        "death": "2000",
        "region": "Europe",
        "occupation": "film actor",
        "nationality": "French Third Republic",
    }
    # Less-read people of the same name, or of one that underscores made another, do not count.
    assert answers(facts, "Tullius Varro 3") == {
        "gender": "Male",
        "birth": "2 century BC",
        "death": "1 century BC",
        "region": "Europe",
        "occupation": "orator",
        "nationality": "Roman Republic",
    }


def test_the_most_read_come_first():
    entities = list(dict.fromkeys(fact.entity for fact in read_cvdb(122, SAMPLE)))
    assert entities[:2] == ["Amélie Sans Pareil", "Tullius Varro 3"]
    rows = [line.split(",") for line in SAMPLE.read_text("ISO-8859-1").splitlines()[1:123]]
    by_readers = sorted(rows, key=lambda row: -float(row[9]))
    assert entities == [row[5].replace("_", " ") for row in by_readers]


def test_fewer_people_are_among_more_and_an_odd_count_has_one_man_more():
    fewer, more = read_cvdb(11, SAMPLE), read_cvdb(20, SAMPLE)
    assert set(fewer) < set(more)
    assert Counter(fact.answer for fact in fewer if fact.attribute == "gender") == {"Male": 6, "Female": 5}


def test_equally_read_people_are_ordered_by_name(write):
    path = write(row(name="Aaron_Lee"), row(name="Zoe_Lee", gender="Female"))
    assert [fact.entity for fact in read_cvdb(4, path)[::6]] == ["Aaron Lee", "Ada Lee", "Ben Lee", "Zoe Lee"]


@pytest.mark.parametrize(
    "unusable",
    [
        {"name": "Jean-Luc Lee"},
        {"name": "Cy Lee (poet)"},
        {"name": "Cy\xa0Lee"},
        {"name": "Cy\u00c3\u00bcrus Lee"},  # "Cyürus" in UTF-8, read as ISO-8859-1
        {"name": "_"},
        {"name": ""},
        {"name": "NA"},
        {"occupation": "writer/poet"},
        {"occupation": "_"},
        {"nationality": "'UK';'US'"},
        {"nationality": "''"},
        {"gender": "Other"},
        {"birth": ""},
        {"readers": ""},
    ],
)
def test_rows_without_all_columns_or_with_other_characters_are_left_out(write, unusable):
    path = write(row(**{"readers": "99", **unusable}))
    assert {fact.entity for fact in read_cvdb(2, path)} == {"Ada Lee", "Ben Lee"}
    with pytest.raises(FactsError, match="only 1 men and 1 women"):
        read_cvdb(3, path)


@pytest.mark.parametrize(
    ("raw", "nationality"),
    [
        ("'Kingdom_of_Prussia'_'Germany'", "Kingdom of Prussia"),
        ("'Germany'", "Germany"),
        ("Germany", "Germany"),
        ("''_'Germany'", "Germany"),
        ("'Côte_d'Ivoire'", "Côte dIvoire"),
    ],
)
def test_the_first_nationality_is_the_answer(write, raw, nationality):
    facts = read_cvdb(2, write(row(name="Cy__Lee_", nationality=raw, readers="99")))
    assert answers(facts, "Cy Lee")["nationality"] == nationality


def test_letters_are_not_those_of_ascii_alone(write):
    facts = read_cvdb(2, write(row(name="Søren_Þór", occupation="résistant", readers="99")))
    assert answers(facts, "Søren Þór")["occupation"] == "résistant"


def test_a_gzipped_file_gives_the_same_facts_whatever_its_name(tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes(gzip.compress(SAMPLE.read_bytes()))
    assert read_cvdb(40, path) == read_cvdb(40, SAMPLE)


def test_a_quoted_field_may_hold_commas_and_lines(write):
    path = write(row(name="Cy", readers="99").replace("Europe", '"Europe,\nmost of it"'))
    assert answers(read_cvdb(2, path), "Cy")["region"] == "Europe,\nmost of it"


def test_too_few_men_or_women_are_an_error_that_says_how_many():
    with pytest.raises(FactsError, match=r"cvdb\.csv: 124 entities asked for.* only 61 men and 61 women"):
        read_cvdb(124, SAMPLE)


@pytest.mark.parametrize("homonyms", [("Cy_Lee", "Cy_Lee", "Cy_Lee"), ("Cy_Lee", "Cy__Lee", "Cy Lee")])
def test_of_several_people_of_one_name_the_most_read_keeps_it(write, capsys, homonyms):
    jobs, readers = ("baker", "writer", "singer"), ("20", "1000", "99")
    path = write(*(row(name, occupation=job, readers=r) for name, job, r in zip(homonyms, jobs, readers, strict=True)))
    answers = {fact.answer for fact in read_cvdb(2, path) if fact.entity == "Cy Lee" and fact.attribute == "occupation"}
    assert answers == {"writer"}
    assert f"{path}: 2 rows left out, whose name a more-read person bears" in capsys.readouterr().err


@pytest.mark.parametrize("column", ["birth", "death", "readers"])
@pytest.mark.parametrize("value", ["unknown", "inf"])
def test_a_number_that_is_none_is_an_error_that_names_the_row(write, column, value):
    with pytest.raises(FactsError, match=rf"people\.csv: the row of 'Cy Lee' has '{value}' in column .*{column}"):
        read_cvdb(2, write(row(**{column: value})))


def test_missing_columns_are_an_error_that_names_them(write):
    header = HEADER.replace("death", "died").replace("un_region", "region")
    with pytest.raises(FactsError, match=r"people\.csv: has no column death, un_region;.*name, birth, died"):
        read_cvdb(2, write(header=header))


def test_semicolons_between_columns_are_an_error(write):
    with pytest.raises(FactsError, match="comma-separated file"):
        read_cvdb(2, write(header=HEADER.replace(",", ";")))


@pytest.mark.parametrize(
    ("malformed", "reason"),
    [
        ("Cy,1815,1852,Male\n", "Row #4: Expected 9 columns, got 4"),
        (row().replace("\n", ",\n"), "Row #4: Expected 9 columns, got 10"),
        ('"Cy,1815\n', "Row #4"),
    ],
)
def test_a_malformed_row_is_an_error_that_says_which(write, malformed, reason):
    with pytest.raises(FactsError, match=rf"people\.csv: cannot be read as CSV.*{reason}"):
        read_cvdb(2, write(malformed))


@pytest.mark.parametrize(
    ("encoding", "name"), [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16")]
)
def test_another_encoding_is_an_error_that_names_it(write, encoding, name):
    with pytest.raises(FactsError, match=rf"ISO-8859-1 was expected, but this file is {name}\b(?!-)"):
        read_cvdb(2, write(encoding=encoding))


def test_a_damaged_or_missing_file_is_an_error(tmp_path):
    path = tmp_path / "people.csv"
    with pytest.raises(FactsError, match=r"people\.csv: .*No such file"):
        read_cvdb(2, path)
    path.write_bytes(b"")
    with pytest.raises(FactsError, match=r"people\.csv: has no column name.*nothing"):
        read_cvdb(2, path)
    whole = gzip.compress(SAMPLE.read_bytes())
    for damaged in (whole[:3000], whole[:20], whole[:200] + b"xxxxxxxx" + whole[208:], whole[:-8] + bytes(8)):
        path.write_bytes(damaged)
        with pytest.raises(FactsError, match=r"people\.csv: cannot be read as CSV, plain or gzipped"):
            read_cvdb(2, path)
    with pytest.raises(FactsError, match="cannot be read as CSV"):
        read_cvdb(2, tmp_path)
