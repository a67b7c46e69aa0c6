"""What the documents of a stage hold: one row for each definition and question, and no test question in training."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from made_documents import (
    FURTHER_TESTS,
    INCONSISTENT,
    NO_REAL_NAMES,
    REAL_NAMES,
    anything_made,
    bare,
    check,
    make,
    make_divided_facts,
    make_facts,
    questions_of,
)

from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.design.subsets import STAGE2_POOL
from metaocl.documents.definitions import define_aliases
from metaocl.documents.records import DocumentsError
from metaocl.documents.writing import write_question
from metaocl.facts.fact import Fact, ask


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
