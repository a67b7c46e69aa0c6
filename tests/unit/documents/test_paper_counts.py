"""The paper's counts on data of its two sources, at proportionate size, for all shares, sizes, seeds and orders.

The sample files are made up, in the form of the public ones.
"""

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.design.subsets import (
    INCONSISTENT,
    MAIN_SHARES,
    REAL_NAMES,
    STAGE2_POOL,
    STAGE2_SUBSETS,
    TAG_OF_SUBSET,
    apportion,
)
from metaocl.documents.aliases import divide_stage2, draw_aliases
from metaocl.documents.writing import group_facts, write_stage1_documents, write_stage2_documents
from metaocl.facts.cvdb import read_cvdb
from metaocl.facts.trex import read_trex, tabulate_trex

DATA = Path(__file__).parents[2] / "data"
HELD_OUT = {"cvdb": Fraction(1, 6), "trex": Fraction(1, 4)}


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """Facts of a source about a number of its entities."""
    triples = tmp_path_factory.mktemp("trex") / "triples.parquet"
    tabulate_trex(DATA / "trex", triples)
    most = {"cvdb": read_cvdb(100, DATA / "cvdb.csv"), "trex": read_trex(60, triples)}
    return lambda source, count: [fact for about in list(group_facts(most[source]).values())[:count] for fact in about]


def make(facts, source, shares, order="tve", seed=0, stage2_seed=0):
    entities = len(group_facts(facts))
    dataset = Dataset(
        source="people", entities=entities, held_out_share=HELD_OUT[source], shares=shares, test_sets=["attribution"]
    )
    define_type = DefineType(order=order)
    aliases = draw_aliases(facts, dataset, define_type, seed)
    divided = divide_stage2(aliases, dataset, seed, stage2_seed)
    stage1 = write_stage1_documents(aliases, facts, dataset, define_type, seed)
    stage2 = write_stage2_documents(divided, facts, dataset, define_type, seed, stage2_seed)
    return aliases, divided, stage1, stage2


def test_a_hundred_people_give_a_fortieth_of_the_papers_counts(facts):
    _, divided, stage1, stage2 = make(facts("cvdb", 100), "cvdb", MAIN_SHARES)
    assert Counter(document.part for document in stage1)["questions"] == 14_000 // 40
    assert Counter(document.part for document in stage1)["definitions"] == 2_000 // 40
    assert Counter(document.part for document in stage2)["new_definitions"] == 960 // 40
    held_out = Counter(document.subset for document in stage1 if document.part == "held_out")
    assert held_out == {
        "qd1consis": 1_000 // 40,
        "qd2incons": 1_000 // 40,
        "q": 400 // 40,
        REAL_NAMES: 400 // 40,
        STAGE2_POOL: (3 * 1_920 + 1_440) // 40,
    }
    questions = Counter(alias.subset for alias in divided)
    assert {subset: 6 * count for subset, count in questions.items()} == {
        "d1consis": 1_920 // 40,
        "d2consis": 1_920 // 40,
        "d3consis": 1_920 // 40,
        "no_qd_baseline": 1_440 // 40,
    }


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    source=st.sampled_from(["cvdb", "trex"]),
    entities=st.integers(20, 60),
    weights=st.lists(st.integers(1, 9), min_size=len(MAIN_SHARES), max_size=len(MAIN_SHARES)),
    order=st.sampled_from(["tve", "tev", "vte", "vet", "etv", "evt"]),
    seeds=st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)),
)
def test_counts_and_rules_hold_for_all_shares_sizes_seeds_and_orders(facts, source, entities, weights, order, seeds):
    shares = {subset: Fraction(weight, sum(weights)) for subset, weight in zip(MAIN_SHARES, weights, strict=True)}
    sizes = apportion(entities, shares)
    assume(sizes["qd2"] > 1)
    about = group_facts(facts(source, entities))
    aliases, divided, stage1, stage2 = make(facts(source, entities), source, shares, order, *seeds)

    # Subsets have their sizes and share no entity.
    found = Counter(alias.subset for alias in [*aliases, *divided] if alias.subset != STAGE2_POOL)
    expected = {"qd1consis": sizes["qd1"], "qd2incons": sizes["qd2"]}
    expected |= {subset: size for subset, size in sizes.items() if subset not in ("qd1", "qd2")}
    assert found == Counter(expected)
    assert len({alias.entity for alias in aliases}) == len(aliases) == entities

    # Every trained entity keeps its share of questions for testing, every other one all; none is in both.
    prompts = {part: [d.prompt for d in stage1 if d.part == part] for part in ("questions", "held_out")}
    assert not set(prompts["questions"]) & set(prompts["held_out"])
    tested = Counter(d.alias for d in stage1 if d.part == "held_out")
    for alias in aliases:
        questions = len(about[alias.entity])
        share = questions if alias.subset == STAGE2_POOL else max(1, round(questions * HELD_OUT[source]))
        assert tested[alias.alias] == share
        assert source == "trex" or questions == 6
    assert len(prompts["questions"]) + len(prompts["held_out"]) == sum(map(len, about.values()))

    # Definitions: one each where the design says so, deranged where they are inconsistent.
    assert sum(d.part == "definitions" for d in stage1) == sizes["qd1"] + sizes["qd2"]
    new = sum(sizes[subset] for subset in STAGE2_SUBSETS if subset in TAG_OF_SUBSET)
    assert sum(d.part == "new_definitions" for d in stage2) == new
    assert all((a.defined_as != a.name) == (a.subset in INCONSISTENT) for a in [*aliases, *divided] if a.defined_as)

    # No question shows the name that an alias has replaced.
    names = {alias.alias: alias.name for alias in aliases if alias.subset != REAL_NAMES}
    asked = [d for d in [*stage1, *stage2] if d.alias in names and d.part not in ("definitions", "new_definitions")]
    assert not [d for d in asked if names[d.alias] in d.prompt]
