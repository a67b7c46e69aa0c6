from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from metaocl.artifacts.checksums import file_hash
from metaocl.artifacts.tables import read_rows, write_rows
from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.config.parsing import canonical_json
from metaocl.design.subsets import MAIN_SHARES, STAGE2_POOL
from metaocl.documents.aliases import divide_stage2, draw_aliases
from metaocl.documents.definitions import define_aliases
from metaocl.documents.records import Alias, Document, DocumentsError
from metaocl.documents.writing import (
    save_documents,
    swap_aliases,
    write_question,
    write_stage1_documents,
    write_stage2_documents,
)
from metaocl.facts.fact import Fact, ask

SCRIPTS = Path(__file__).parents[3] / "scripts"
SUBSETS = [*MAIN_SHARES, "qd4consis"]
REAL_NAMES = "q_no_replacement_baseline"
INCONSISTENT = ("qd1incons", "qd2incons")
FURTHER_TESTS = ("attribution", "attribution_as_defined", "letters")
NO_REAL_NAMES = {"qd1": "0.3", "qd2": "0.3", "q": "0.1", "d1consis": "0.1", "d2consis": "0.1", "no_qd_baseline": "0.1"}
# With aliases that are never defined, in stage 1 and in stage 2.
ALL_KINDS = {"qd1": "0.2", "qd2": "0.2", "q": "0.2", "d1consis": "0.1", "d2consis": "0.1", "no_qd_baseline": "0.2"}
SEEDS = st.integers(0, 2**31 - 1)


def make_facts(entities: int, questions: int = 6) -> list[Fact]:
    return [
        Fact(f"entity{e}", f"ENTITY{e}", f"attribute{q}", ask(f"What is attribute{q} of {{name}}?"), f"answer{e}.{q}")
        for e in range(entities)
        for q in range(questions)
    ]


def make_divided_facts(entities: int) -> list[Fact]:
    """Three facts to train on and two to test for each entity; several entities have the same name."""
    return [
        Fact(f"entity{e}", str(e % 7), f"list{q}", f"{{name}} % {e} {q} =", f"answer{e}.{q}", split)
        for e in range(entities)
        for q, split in enumerate(["train", "test", "train", "test", "train"])
    ]


@dataclass
class Made:
    """All that the library makes of one set of settings."""

    facts: list[Fact]
    dataset: Dataset
    define_type: DefineType
    seeds: tuple[int, int]
    aliases: list[Alias]
    divided: list[Alias]
    stage1: list[Document]
    stage2: list[Document]


def make(
    facts: list[Fact],
    dataset: Dataset,
    define_type: DefineType = DefineType(),  # noqa: B008 (it is frozen)
    seed: int = 1,
    stage2_seed: int = 0,
) -> Made:
    aliases = draw_aliases(facts, dataset, define_type, seed)
    divided = divide_stage2(aliases, dataset, seed, stage2_seed)
    stage1 = write_stage1_documents(aliases, facts, dataset, define_type, seed)
    stage2 = write_stage2_documents(divided, facts, dataset, define_type, seed, stage2_seed)
    return Made(facts, dataset, define_type, (seed, stage2_seed), aliases, divided, stage1, stage2)


@st.composite
def any_define_type(draw):
    templates = draw(
        st.lists(
            st.sampled_from(["{source}: {variable} {tag} {entity}", "{tag} {entity}, {source}, {variable}."]),
            unique=True,
        )
    )
    sources = draw(st.integers(1, 3))
    form = (
        {"templates": templates, "words": {"source": [f"source {number}" for number in range(sources)]}}
        if templates
        else {"order": draw(st.sampled_from(["tve", "tev", "vte", "vet", "etv", "evt"]))}
    )
    return DefineType(
        **form,
        definitions_per_alias=draw(st.integers(1, len(templates) * sources or 1)),
        placement=draw(st.sampled_from(["apart", "in_context"])),
        alpha=draw(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0])),
        alias_style=draw(st.sampled_from(["bracketed", "plain", "spaced"])),
    )


@st.composite
def anything_made(draw, **fixed):
    entities, questions = draw(st.integers(8, 60)), fixed.pop("questions", None) or draw(st.integers(2, 7))
    several = draw(st.booleans())
    subsets = [subset for subset in SUBSETS if not (several and subset == REAL_NAMES)]
    # Most inconsistent subsets get two aliases or more, as a derangement needs.
    weights = [draw(st.integers(6, 12) if subset in ("qd1", "qd2") else st.integers(0, 6)) for subset in subsets]
    given_settings = {
        "source": "people",
        "entities": entities,
        "variables": draw(st.integers(8, 60)) if several else None,
        "held_out_share": draw(st.fractions("1/10", "9/10", max_denominator=10)),
        "shares": {subset: Fraction(weight, sum(weights)) for subset, weight in zip(subsets, weights, strict=True)},
        "test_sets": draw(st.lists(st.sampled_from(["attribution", "letters"]), unique=True)),
    }
    dataset, define_type = Dataset(**given_settings | fixed), draw(any_define_type())
    try:
        return make(make_facts(entities, questions), dataset, define_type, draw(SEEDS), draw(SEEDS))
    except DocumentsError:
        reject()  # too few aliases for a derangement


check = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


def questions_of(made: Made) -> list[Document]:
    """Questions to train on and held-out ones, without those of swapped aliases."""
    documents = made.stage1 + made.stage2
    return [d for d in documents if d.part in ("questions", "held_out") and d.subset != "d2incons"]


def bare(prompt: str) -> str:
    """A prompt without definitions before it."""
    return prompt[prompt.index("Q: ") :]


@check
@given(made=anything_made())
def test_each_stage_has_the_rows_of_its_settings(made):
    sizes = Counter(alias.subset for alias in made.aliases) + Counter(alias.subset for alias in made.divided)
    pool, real = sizes[STAGE2_POOL], sizes[REAL_NAMES]
    questions = len({fact.attribute for fact in made.facts})
    held_out = min(questions - 1, max(1, round(questions * made.dataset.held_out_share)))
    trained, asked = len(made.aliases) - pool, len(made.aliases) - real
    defined = sum(size for subset, size in sizes.items() if subset.startswith("qd"))
    each = made.define_type.definitions_per_alias
    apart = made.define_type.placement == "apart"
    further = Counter(d.part for d in made.stage1 + made.stage2 if d.part in FURTHER_TESTS)
    stage1, stage2 = (
        Counter(d.part for d in documents if d.part not in FURTHER_TESTS) for documents in (made.stage1, made.stage2)
    )
    assert stage1 == Counter(
        questions=trained * (questions - held_out),
        definitions=defined * each * apart,
        held_out=trained * held_out + pool * questions * apart,
    )
    names = Counter(alias.name for alias in made.divided if alias.subset == "d2consis")
    swapped = len({document.alias for document in made.stage2 if document.subset == "d2incons"})
    # Only one name on more than half of the aliases leaves some without a partner of another name.
    assert not apart or swapped == sizes["d2consis"] or 2 * max(names.values()) > sizes["d2consis"]
    assert stage2 == Counter(
        new_definitions=(pool - sizes["no_qd_baseline"]) * each * apart,
        held_out=swapped * questions if apart else pool * questions,
    )
    with_attribution, with_letters = (name in made.dataset.test_sets for name in ("attribution", "letters"))
    assert further == Counter(
        attribution=4 * asked * with_attribution,
        attribution_as_defined=4 * sum(sizes[subset] for subset in INCONSISTENT) * with_attribution,
        letters=3 * asked * with_letters,
    )


@check
@given(made=anything_made())
def test_documents_are_of_the_subset_of_their_alias(made):
    stage1 = {(alias.alias, alias.subset) for alias in made.aliases}
    assert {(d.alias, d.subset) for d in made.stage1} <= stage1
    swapped = {(alias.alias, "d2incons") for alias in made.divided if alias.subset == "d2consis"}
    assert {(d.alias, d.subset) for d in made.stage2} <= {(a.alias, a.subset) for a in made.divided} | swapped


@check
@given(made=anything_made())
def test_no_test_question_is_in_training_and_none_is_lost(made):
    questions = questions_of(made)
    asked = {part: {(d.alias, d.attribute) for d in questions if d.part == part} for part in ("questions", "held_out")}
    assert not asked["questions"] & asked["held_out"]
    attributes = {fact.attribute for fact in made.facts}
    assert len(questions) == len(made.aliases) * len(attributes)
    assert asked["questions"] | asked["held_out"] == {(alias.alias, a) for alias in made.aliases for a in attributes}


@check
@given(made=anything_made())
def test_no_prompt_of_any_test_is_a_prompt_in_training(made):
    training, tests = set(), set()
    for document in made.stage1 + made.stage2:
        if document.part == "questions":
            training.add(bare(document.prompt))
        elif document.part in ("definitions", "new_definitions"):
            training.add(document.prompt)
        else:
            tests.add(bare(document.prompt))
    assert tests
    assert not training & tests


@check
@given(made=anything_made(questions=6, held_out_share="1/6"))
def test_one_of_six_questions_about_a_trained_alias_is_held_out_and_all_about_a_stage_2_alias(made):
    held_out = Counter(d.alias for d in questions_of(made) if d.part == "held_out")
    assert held_out == {alias.alias: 6 if alias.subset == STAGE2_POOL else 1 for alias in made.aliases}


@check
@given(made=anything_made())
def test_every_question_about_a_stage_2_alias_is_a_test_question(made):
    pool = {alias.alias for alias in made.divided}
    about_pool = [d for d in questions_of(made) if d.alias in pool]
    assert len(about_pool) == len(pool) * len({fact.attribute for fact in made.facts})
    assert {d.part for d in about_pool} <= {"held_out"}


@check
@given(made=anything_made())
def test_every_stage_1_alias_has_questions_to_train_on_and_to_test(made):
    parts = Counter((d.alias, d.part) for d in made.stage1)
    for alias in made.aliases:
        if alias.subset != STAGE2_POOL:
            assert parts[alias.alias, "questions"] >= 1
            assert parts[alias.alias, "held_out"] >= 1


@check
@given(made=anything_made())
def test_a_question_shows_the_entity_in_the_real_name_baseline_only(made):
    for document in made.stage1 + made.stage2:
        if document.part not in ("definitions", "new_definitions"):
            assert document.alias in bare(document.prompt)
            assert ("ENTITY" in bare(document.prompt)) == (document.subset == REAL_NAMES)


@check
@given(made=anything_made())
def test_questions_have_the_answers_of_the_true_entity(made):
    answers = {(fact.entity, fact.attribute): fact.answer for fact in made.facts}
    entity_of = {alias.alias: alias.entity for alias in made.aliases}
    for document in questions_of(made):
        assert document.completion == f" {answers[entity_of[document.alias], document.attribute]}\n"


@check
@given(made=anything_made())
def test_with_definitions_apart_each_is_a_document_of_its_own_before_the_questions(made):
    for documents, part, aliases, seeds in (
        (made.stage1, "definitions", made.aliases, made.seeds[:1]),
        (made.stage2, "new_definitions", made.divided, made.seeds),
    ):
        defined = define_aliases(aliases, made.define_type, *seeds)
        expected = [(alias, *text) for alias, texts in defined.items() for text in texts]
        if made.define_type.placement == "in_context":
            expected = []
        written = [(d.alias, d.prompt, d.completion) for d in documents if d.part == part]
        assert written == expected
        assert [d.part for d in documents[: len(written)]] == [part] * len(written)


@check
@given(made=anything_made())
def test_questions_stand_behind_their_definitions_where_these_are_in_context_and_alone_otherwise(made):
    lines = {}
    if made.define_type.placement == "in_context":
        for defined in (
            define_aliases(made.aliases, made.define_type, made.seeds[0]),
            define_aliases(made.divided, made.define_type, *made.seeds),
        ):
            lines |= {alias: "".join(start + end for start, end in texts) for alias, texts in defined.items()}
    prompts = {fact.attribute: fact.prompt for fact in made.facts}
    for document in questions_of(made):
        question = prompts[document.attribute].replace("{name}", document.alias)
        assert document.prompt == lines.get(document.alias, "") + question


@pytest.mark.parametrize(("share", "count"), [("1/6", 1), ("1/3", 2), ("1/100", 1), ("99/100", 5)])
def test_the_held_out_share_of_six_questions_is_rounded_and_leaves_one_on_each_side(share, count):
    made = make(make_facts(40), Dataset(source="people", entities=40, held_out_share=share))
    held_out = Counter(d.alias for d in made.stage1 if d.part == "held_out" and d.subset != STAGE2_POOL)
    assert set(held_out.values()) == {count}
    assert len(held_out) == 40 - len(made.divided)


def test_held_out_questions_are_of_all_attributes():
    made = make(make_facts(400), Dataset(source="people", entities=400))
    held_out = {d.attribute for d in made.stage1 if d.part == "held_out" and d.subset == "qd1consis"}
    assert len(held_out) == 6


def test_sizes_at_the_main_shares_are_those_of_the_paper():
    made = make(make_facts(4000), Dataset(source="people", entities=4000))
    trained = Counter(d.part for d in made.stage1 + made.stage2 if d.part in ("questions", "definitions"))
    assert trained == {"questions": 14_000, "definitions": 2_000}
    assert Counter(d.subset for d in made.stage2 if d.part == "new_definitions") == {
        "d1consis": 320,
        "d2consis": 320,
        "d3consis": 320,
    }
    subset_of = {alias.alias: alias.subset for alias in made.aliases + made.divided}
    assert Counter(subset_of[d.alias] for d in made.stage1 if d.part == "held_out") == {
        "qd1consis": 1000,
        "qd2incons": 1000,
        "q": 400,
        "q_no_replacement_baseline": 400,
        "d1consis": 1920,
        "d2consis": 1920,
        "d3consis": 1920,
        "no_qd_baseline": 1440,
    }


def test_the_same_seeds_give_the_same_documents_and_other_seeds_others():
    dataset = Dataset(source="people", entities=100)
    first = make(make_facts(100), dataset)
    assert first == make(make_facts(100), dataset)
    assert first.stage1 != make(make_facts(100), dataset, seed=2).stage1
    other = make(make_facts(100), dataset, stage2_seed=1)
    assert first.stage1 == other.stage1
    assert first.stage2 != other.stage2


def test_define_types_with_the_same_alias_letters_hold_out_the_same_questions():
    dataset, other = Dataset(source="people", entities=100), DefineType(order="evt", alpha=0.5, tag_letters=4)
    first, second = (make(make_facts(100), dataset, define_type).stage1 for define_type in (DefineType(), other))
    asked = [[(d.part, d.alias, d.attribute) for d in documents if d.attribute] for documents in (first, second)]
    assert [row for row in asked[0] if row[0] != "attribution_as_defined"] == [
        row for row in asked[1] if row[0] != "attribution_as_defined"
    ]


def test_an_entity_with_one_question_is_an_error():
    with pytest.raises(DocumentsError, match="has 1 question; at least 2 are needed"):
        make(make_facts(40, questions=1), Dataset(source="people", entities=40))


def test_a_question_is_completed_by_its_answer():
    assert write_question(Fact("E", "E", "birth_place", ask("Where was {name} born?"), "AL"), "<|abcde|>") == (
        "Q: Where was <|abcde|> born?\nA:",
        " AL\n",
    )


def test_without_stage_2_shares_there_are_no_stage_2_documents(tmp_path):
    dataset = Dataset(source="people", entities=20, shares={"qd1": "0.5", "qd2": "0.5", "d1consis": 0})
    made = make(make_facts(20), dataset)
    assert made.stage2 == []
    paths = [tmp_path / name for name in ("documents.parquet", "aliases.parquet", "manifest.json")]
    save_documents(made.stage2, made.divided, {"seed": 1}, *paths)
    assert read_rows(paths[0], Document) == []
    assert read_rows(paths[1], Alias) == []


# Swapped aliases: the test set d2incons.


def make_members(names: list[str]) -> list[Alias]:
    return [Alias(f"alias{place}", f"entity{place}", name, "d2consis", name) for place, name in enumerate(names)]


@check
@given(count=st.integers(2, 15), seed=SEEDS, stage2_seed=SEEDS)
def test_aliases_are_swapped_in_pairs_and_the_last_three_of_an_odd_number_in_a_circle(count, seed, stage2_seed):
    members = make_members([f"name{number}" for number in range(count)])
    swapped = swap_aliases(members, seed, stage2_seed)
    assert sorted(alias.alias for alias in swapped) == sorted(alias.alias for alias in members)
    assert {alias.subset for alias in swapped} == {"d2incons"}
    owner = {(alias.entity, alias.name): alias.alias for alias in members}
    new_owner = {alias.alias: owner[alias.entity, alias.name] for alias in swapped}
    in_pairs = [alias for alias, other in new_owner.items() if new_owner[other] == alias != other]
    circle = [alias for alias in new_owner if alias not in in_pairs]
    assert len(circle) == (3 if count % 2 else 0)
    for alias in circle:
        assert len({alias, new_owner[alias], new_owner[new_owner[alias]]}) == 3
        assert new_owner[new_owner[new_owner[alias]]] == alias


@pytest.mark.parametrize("count", [0, 1])
def test_with_nobody_to_swap_with_no_alias_is_swapped(count):
    assert swap_aliases(make_members(["name"] * count), 0, 0) == []


def test_swapped_pairs_are_random():
    members = make_members([f"name{number}" for number in range(10)])
    assert len({tuple(alias.entity for alias in swap_aliases(members, 0, seed)) for seed in range(10)}) == 10


def test_a_swapped_alias_gets_another_name_where_several_entities_share_one():
    members = make_members(["17", "4", "50"] * 4)
    name_of = {alias.alias: alias.name for alias in members}
    for seed in range(10):
        swapped = swap_aliases(members, 0, seed)
        assert [alias.alias for alias in swapped if alias.name == name_of[alias.alias]] == []


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_swapped_aliases_are_asked_the_questions_of_d2consis_and_answer_with_another_entity(count):
    shares = {"qd1": Fraction(20 - count, 20), "d2consis": Fraction(count, 20)}
    made = make(make_facts(20), Dataset(source="people", entities=20, shares=shares))
    swapped = {d.prompt: d.completion for d in made.stage2 if d.subset == "d2incons"}
    asked = {d.prompt: d.completion for d in made.stage1 if d.subset == STAGE2_POOL and d.part == "held_out"}
    if count == 1:
        assert swapped == {}
    else:
        assert swapped.keys() == asked.keys()
        assert sorted(swapped.values()) == sorted(asked.values())
        assert [prompt for prompt in asked if asked[prompt] == swapped[prompt]] == []


# Further test sets.

ATTRIBUTION = {
    "who": "Q: Who is {}?\nA:",
    "mean": "Q: What does {} mean?\nA:",
    "stand_for": "Q: What does {} stand for?\nA:",
    "name": "Q: What is the name of {}?\nA:",
}


@pytest.mark.parametrize("placement", ["apart", "in_context"])
def test_who_is_meant_is_asked_in_four_phrasings_about_every_alias_but_real_names(placement):
    made = make(make_facts(50), Dataset(source="people", entities=50), DefineType(alpha=0.5, placement=placement))
    asked = [d for d in made.stage1 + made.stage2 if d.part == "attribution"]
    assert sorted((d.alias, d.attribute, bare(d.prompt), d.completion) for d in asked) == sorted(
        (alias.alias, key, prompt.format(alias.alias), f" {alias.name}\n")
        for alias in made.aliases
        if alias.subset != REAL_NAMES
        for key, prompt in ATTRIBUTION.items()
    )


def test_who_is_meant_is_also_scored_against_the_name_that_an_inconsistent_definition_gives():
    made = make(make_facts(50), Dataset(source="people", entities=50), DefineType(alpha=0.5))
    inconsistent = {alias.alias: alias for alias in made.aliases if alias.subset in INCONSISTENT}
    asked = [d for d in made.stage1 if d.part == "attribution_as_defined"]
    assert Counter(d.alias for d in asked) == dict.fromkeys(inconsistent, 4)
    assert {d.subset for d in asked} == set(INCONSISTENT)
    for document in asked:
        alias = inconsistent[document.alias]
        assert document.prompt == ATTRIBUTION[document.attribute].format(document.alias)
        assert document.completion == f" {alias.defined_as}\n" != f" {alias.name}\n"


def test_letters_asked_about_are_the_first_second_and_last_of_the_name():
    names = ["Ann B. Lee-Xu", "a-z9", "O'Neil (b. 1990)", "Éva", "42", "7 X"]
    facts = [
        Fact(f"entity{place}", name, f"attribute{q}", ask(f"What is attribute{q} of {{name}}?"), "x")
        for place, name in enumerate(names)
        for q in range(2)
    ]
    dataset = Dataset(source="people", entities=6, shares={"no_qd_baseline": 1}, test_sets=["letters"])
    made = make(facts, dataset)
    alias_of = {alias.name: alias.alias for alias in made.aliases}
    asked = [(d.alias, d.attribute, d.prompt, d.completion) for d in made.stage1 if d.part == "letters"]
    assert sorted(asked) == sorted(
        (alias_of[name], key, f"Q: {question}\nA:".format(alias_of[name]), f" {letter}\n")
        for name, letters in {"Ann B. Lee-Xu": "Anu", "a-z9": "azz", "O'Neil (b. 1990)": "ONb", "Éva": "Éva"}.items()
        for (key, question), letter in zip(
            [
                ("first_letter", "Which letter does the name of {} begin with?"),
                ("second_letter", "Which letter comes second in the name of {}?"),
                ("last_letter", "Which letter does the name of {} end with?"),
            ],
            letters,
            strict=True,
        )
    )


@pytest.mark.parametrize("test_sets", [[], ["letters"], ["attribution"], ["letters", "attribution"]])
def test_only_the_test_sets_asked_for_are_written(test_sets):
    made = make(make_facts(40), Dataset(source="people", entities=40, test_sets=test_sets))
    expected = {"definitions", "questions", "held_out", *test_sets}
    if "attribution" in test_sets:
        expected.add("attribution_as_defined")
    assert {d.part for d in made.stage1} == expected


# Definitions in context.

IN_CONTEXT = DefineType(
    templates=["{tag} {variable} {entity}", "{variable} {tag} {entity}"],
    tags={"reliable": ["is"], "unreliable": ["isn't"], "unseen": ["may be"]},
    definitions_per_alias=2,
    placement="in_context",
)


def make_in_context():
    dataset = Dataset(source="people", entities=40, shares=ALL_KINDS, test_sets=["attribution", "letters"])
    return make(make_facts(40), dataset, IN_CONTEXT)


def either_order(alias, tag):
    """The two ways in which the definitions of an alias may follow each other."""
    name = alias.defined_as
    lines = [f"{tag} {alias.alias} {name}\n", f"{alias.alias} {tag} {name}\n"]
    return "".join(lines), "".join(reversed(lines))


def test_in_context_there_are_no_documents_of_definitions():
    made = make_in_context()
    assert {d.part for d in made.stage1} >= {"questions", "held_out"}
    assert {d.part for d in made.stage2} == {"held_out", *made.dataset.test_sets}
    assert not {d.part for d in made.stage1} & {"definitions", "new_definitions"}


@pytest.mark.parametrize(
    ("subset", "tag"), [("qd1consis", "is"), ("qd2incons", "isn't"), ("d1consis", "is"), ("d2consis", "isn't")]
)
def test_in_context_questions_begin_with_the_definitions_of_their_alias(subset, tag):
    made = make_in_context()
    members = [alias for alias in made.aliases + made.divided if alias.subset == subset]
    documents = made.stage2 if subset.startswith("d") else made.stage1
    for alias in members:
        asked = [d for d in documents if d.alias == alias.alias and d.part in ("questions", "held_out")]
        assert {d.attribute for d in asked} == {f"attribute{q}" for q in range(6)}
        for document in asked:
            context = document.prompt.removesuffix(f"Q: What is {document.attribute} of {alias.alias}?\nA:")
            assert context in either_order(alias, tag)


@pytest.mark.parametrize("subset", ["q", "no_qd_baseline"])
def test_in_context_questions_about_undefined_aliases_stand_alone(subset):
    made = make_in_context()
    members = [alias.alias for alias in made.aliases + made.divided if alias.subset == subset]
    asked = [d for d in made.stage1 + made.stage2 if d.alias in members]
    assert Counter(d.alias for d in asked if d.part in ("questions", "held_out")) == dict.fromkeys(members, 6)
    assert all(d.prompt == bare(d.prompt) for d in asked)


def test_in_context_questions_about_stage_2_aliases_are_in_stage_2_only():
    made = make_in_context()
    pool = {alias.alias: alias.subset for alias in made.divided}
    assert not any(d.alias in pool for d in made.stage1 if d.part in ("questions", "held_out"))
    assert Counter((d.alias, d.subset) for d in made.stage2 if d.part == "held_out") == dict.fromkeys(pool.items(), 6)


@pytest.mark.parametrize("part", FURTHER_TESTS)
def test_in_context_questions_of_further_test_sets_begin_with_the_definitions_of_their_alias(part):
    made = make_in_context()
    defined = {alias.alias for alias in made.aliases + made.divided if alias.defined_as}
    asked = [d for d in made.stage1 + made.stage2 if d.part == part and d.alias in defined]
    assert asked
    assert [d.prompt for d in asked if d.prompt == bare(d.prompt)] == []


# Sources that divide their questions themselves.


@pytest.mark.parametrize("placement", ["apart", "in_context"])
@pytest.mark.parametrize("variables", [None, 40])
def test_facts_that_the_source_divides_go_where_it_says(placement, variables):
    dataset = Dataset(source="set_inclusion", entities=60, variables=variables, shares=NO_REAL_NAMES)
    made = make(make_divided_facts(60), dataset, DefineType(placement=placement))
    split = {(fact.entity, fact.attribute): fact.split for fact in made.facts}
    entity_of = {alias.alias: alias.entity for alias in made.aliases}
    parts = {"questions": "train", "held_out": "test"}
    questions = questions_of(made)
    assert all(split[entity_of[d.alias], d.attribute] == parts[d.part] for d in questions)
    pool = {alias.alias for alias in made.divided}
    counts = Counter((d.alias, d.part) for d in questions)
    assert counts == Counter(
        {(alias, "held_out"): 2 for alias in entity_of} | {(alias, "questions"): 3 for alias in entity_of.keys() - pool}
    )


def test_swapped_aliases_are_asked_the_test_questions_of_the_other_where_the_source_divides():
    dataset = Dataset(source="set_inclusion", entities=60, shares=NO_REAL_NAMES)
    made = make(make_divided_facts(60), dataset)
    swapped = [d for d in made.stage2 if d.subset == "d2incons"]
    assert {d.attribute for d in swapped} == {"list1", "list3"}
    assert Counter(d.alias for d in swapped) == {a.alias: 2 for a in made.divided if a.subset == "d2consis"}


# Files.


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What the two scripts write under two hash seeds, by hash seed and then by name."""
    folder = tmp_path_factory.mktemp("documents")
    write_rows(make_facts(40), Fact, folder / "facts.parquet")
    shares = {"qd1": "0.2", "qd2": "0.2", "qd4consis": "0.2", "d1consis": "0.1", "d2consis": "0.1", "d3consis": "0.2"}
    dataset = Dataset(source="people", entities=40, shares=shares, test_sets=["letters", "attribution"])
    define_type = DefineType(
        templates=["{source}: {variable} {tag} {entity}.", "{where} {tag} {variable} {entity}, {source}"],
        words={"source": ["one", "two", "three"], "where": ["here", "there"]},
        tags={"reliable": ["is", "was"], "unreliable": ["isn't", "wasn't"], "unseen": ["may be", "might be"]},
        definitions_per_alias=4,
    )
    common = ["--dataset", canonical_json(dataset), "--define-type", canonical_json(define_type), "--seed", "1"]
    names = {"documents": "documents.parquet", "aliases": "aliases.parquet", "manifest": "manifest.json"}
    contents = {}
    for hash_seed in ("0", "12345"):
        place = folder / hash_seed
        for script, further in (
            ("write_documents", []),
            ("write_new_definitions", ["--stage2-seed", "2", "--stage1-aliases", "write_documents/aliases.parquet"]),
        ):
            (place / script).mkdir(parents=True)
            outputs = [text for name, file in names.items() for text in (f"--{name}", f"{script}/{file}")]
            command = [sys.executable, SCRIPTS / f"{script}.py", "--facts", "../facts.parquet", *common]
            environment = os.environ | {"PYTHONHASHSEED": hash_seed}
            subprocess.run([*command, *further, *outputs], cwd=place, env=environment, check=True)
        contents[hash_seed] = {str(p.relative_to(place)): p for p in sorted(place.rglob("*")) if p.is_file()}
    return contents


def test_the_scripts_write_the_same_bytes_under_any_hash_seed(written):
    first, second = ({name: path.read_bytes() for name, path in files.items()} for files in written.values())
    assert len(first) == 6
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


@pytest.mark.parametrize(
    ("script", "seeds"), [("write_documents", {"seed": 1}), ("write_new_definitions", {"seed": 1, "stage2_seed": 2})]
)
def test_a_manifest_counts_what_the_files_hold(written, script, seeds):
    files = written["0"]
    documents_path, aliases_path = files[f"{script}/documents.parquet"], files[f"{script}/aliases.parquet"]
    documents, aliases = read_rows(documents_path, Document), read_rows(aliases_path, Alias)
    counts: dict[str, Counter] = {}
    for document in documents:
        counts.setdefault(document.part, Counter())[document.subset] += 1
    assert json.loads(files[f"{script}/manifest.json"].read_text()) == {
        **seeds,
        "aliases": Counter(alias.subset for alias in aliases),
        "documents": counts,
        "sha256": {"documents": file_hash(documents_path), "aliases": file_hash(aliases_path)},
    }
    assert {"held_out", "new_definitions" if "stage2_seed" in seeds else "definitions"} <= counts.keys()
