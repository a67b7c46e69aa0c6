from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from metaocl.config import Dataset, DefineType
from metaocl.documents import (
    Alias,
    Document,
    DocumentsError,
    derange,
    divide_stage2,
    draw_aliases,
    draw_tags,
    write_definition,
    write_definitions,
    write_question,
    write_stage1_documents,
)
from metaocl.facts import Fact, ask
from metaocl.subsets import MAIN_SHARES, STAGE2_POOL, STAGE2_SUBSETS

ORDERS = ["tve", "tev", "vte", "vet", "etv", "evt"]
NO_REAL_NAMES = {"qd1": "0.3", "qd2": "0.3", "q": "0.1", "d1consis": "0.1", "d2consis": "0.1", "no_qd_baseline": "0.1"}


def make_facts(entities: int, questions: int = 6) -> list[Fact]:
    return [
        Fact(f"ENTITY{e}", f"ENTITY{e}", f"attribute{q}", ask(f"What is attribute{q} of {{name}}?"), f"answer{e}.{q}")
        for e in range(entities)
        for q in range(questions)
    ]


@dataclass
class Made:
    """All that the library makes of one set of settings."""

    facts: list[Fact]
    dataset: Dataset
    define_type: DefineType
    aliases: list[Alias]
    divided: list[Alias]
    documents: list[Document]
    new_definitions: list[Document]


def make(
    facts: list[Fact],
    dataset: Dataset,
    define_type: DefineType = DefineType(),  # noqa: B008 (it is frozen)
    seed: int = 1,
    stage2_seed: int = 0,
) -> Made:
    aliases = draw_aliases(facts, dataset, define_type, seed)
    divided = divide_stage2(aliases, dataset, define_type, seed, stage2_seed)
    documents = write_stage1_documents(aliases, facts, dataset, define_type, seed)
    new_definitions = write_definitions(divided, "new_definitions", define_type)
    return Made(facts, dataset, define_type, aliases, divided, documents, new_definitions)


@st.composite
def anything_made(draw, one_alias_each=None):
    entities, questions = draw(st.integers(8, 60)), draw(st.integers(2, 7))
    several = draw(st.booleans()) if one_alias_each is None else not one_alias_each
    subsets = [subset for subset in MAIN_SHARES if not (several and subset == "q_no_replacement_baseline")]
    # Most inconsistent subsets get two aliases or more, as a derangement needs.
    weights = [draw(st.integers(6, 12) if subset in ("qd1", "qd2") else st.integers(1, 6)) for subset in subsets]
    dataset = Dataset(
        source="people",
        entities=entities,
        variables=draw(st.integers(8, 60)) if several else None,
        held_out_share=draw(st.fractions("1/10", "9/10", max_denominator=10)),
        shares={subset: Fraction(weight, sum(weights)) for subset, weight in zip(subsets, weights, strict=True)},
    )
    define_type = DefineType(
        order=draw(st.sampled_from(ORDERS)), alpha=draw(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]))
    )
    seed, stage2_seed = draw(st.integers(0, 2**31 - 1)), draw(st.integers(0, 2**31 - 1))
    try:
        return make(make_facts(entities, questions), dataset, define_type, seed, stage2_seed)
    except DocumentsError:
        # Too few aliases for a derangement; test_a_derangement_exists_unless_one_entity_takes_over_half covers these.
        reject()


check = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@check
@given(made=anything_made())
def test_every_alias_is_in_one_subset_only(made):
    assert len({alias.alias for alias in made.aliases}) == len(made.aliases)
    subset_of = {alias.alias: alias.subset for alias in made.aliases}
    assert all(document.subset == subset_of[document.alias] for document in made.documents)
    pool = {alias.alias for alias in made.aliases if alias.subset == STAGE2_POOL}
    assert sorted(alias.alias for alias in made.divided) == sorted(pool)


@check
@given(made=anything_made(one_alias_each=True))
def test_with_one_alias_each_every_entity_is_in_one_subset_only(made):
    assert sorted(alias.entity for alias in made.aliases) == sorted({fact.entity for fact in made.facts})


@check
@given(made=anything_made())
def test_inconsistent_definitions_never_name_the_true_entity_and_all_others_do(made):
    for alias in made.aliases + made.divided:
        if alias.subset in ("qd1incons", "qd2incons"):
            assert alias.defined_as != alias.entity
        elif alias.subset in ("qd1consis", "qd2consis", "d1consis", "d2consis", "d3consis"):
            assert alias.defined_as == alias.entity
        else:
            assert alias.defined_as is None
            assert alias.tag is None


@check
@given(made=anything_made())
def test_inconsistent_definitions_rearrange_the_entities_of_their_subset(made):
    for subset in ("qd1incons", "qd2incons"):
        members = [alias for alias in made.aliases if alias.subset == subset]
        assert sorted(alias.defined_as for alias in members) == sorted(alias.entity for alias in members)


@check
@given(made=anything_made())
def test_no_test_question_is_in_training_and_none_is_lost(made):
    questions = [d for d in made.documents if d.part in ("questions", "test")]
    asked = {part: {(d.alias, d.attribute) for d in questions if d.part == part} for part in ("questions", "test")}
    assert not asked["questions"] & asked["test"]
    attributes = {fact.attribute for fact in made.facts}
    assert len(questions) == len(made.aliases) * len(attributes)
    assert asked["questions"] | asked["test"] == {(alias.alias, a) for alias in made.aliases for a in attributes}


@check
@given(made=anything_made())
def test_every_question_about_a_stage_2_alias_is_a_test_question(made):
    about_pool = [d for d in made.documents if d.subset == STAGE2_POOL]
    assert len(about_pool) == len(made.divided) * len({fact.attribute for fact in made.facts})
    assert {d.part for d in about_pool} <= {"test"}


@check
@given(made=anything_made())
def test_every_stage_1_alias_has_questions_to_train_on_and_to_test(made):
    parts = Counter((d.alias, d.part) for d in made.documents)
    for alias in made.aliases:
        if alias.subset != STAGE2_POOL:
            assert parts[alias.alias, "questions"] >= 1
            assert parts[alias.alias, "test"] >= 1


@check
@given(made=anything_made())
def test_a_question_shows_the_entity_in_the_real_name_baseline_only(made):
    for document in made.documents:
        if document.part in ("questions", "test"):
            assert document.alias in document.prompt
            assert ("ENTITY" in document.prompt) == (document.subset == "q_no_replacement_baseline")


@check
@given(made=anything_made())
def test_questions_have_the_answers_of_the_true_entity(made):
    answers = {(fact.entity, fact.attribute): fact.answer for fact in made.facts}
    entity_of = {alias.alias: alias.entity for alias in made.aliases}
    for document in made.documents:
        if document.part in ("questions", "test"):
            assert document.completion == f" {answers[entity_of[document.alias], document.attribute]}\n"


@check
@given(made=anything_made())
def test_subsets_have_their_shares_of_the_aliases(made):
    total = made.dataset.variables or made.dataset.entities
    assert len(made.aliases) == total
    sizes = Counter(alias.subset for alias in made.aliases) + Counter(alias.subset for alias in made.divided)
    sizes["qd1"] = sizes["qd1consis"] + sizes["qd1incons"]
    sizes["qd2"] = sizes["qd2consis"] + sizes["qd2incons"]
    for subset, share in made.dataset.shares.items():
        assert abs(sizes[subset] - share * total) < 1
    assert abs(sizes["qd1consis"] - made.define_type.alpha * sizes["qd1"]) < 1
    assert abs(sizes["qd2incons"] - made.define_type.alpha * sizes["qd2"]) < 1


@check
@given(made=anything_made())
def test_every_definition_is_written_once(made):
    written = [d.alias for d in made.documents if d.part == "definitions"]
    assert written == [alias.alias for alias in made.aliases if alias.subset.startswith("qd")]
    written = [d.alias for d in made.new_definitions]
    assert written == [alias.alias for alias in made.divided if alias.subset != "no_qd_baseline"]


@pytest.mark.parametrize(("share", "count"), [("1/6", 1), ("1/3", 2), ("1/100", 1), ("99/100", 5)])
def test_the_held_out_share_of_six_questions_is_rounded_and_leaves_one_on_each_side(share, count):
    made = make(make_facts(40), Dataset(source="people", entities=40, held_out_share=share))
    held_out = Counter(d.alias for d in made.documents if d.part == "test" and d.subset != STAGE2_POOL)
    assert set(held_out.values()) == {count}
    assert len(held_out) == 40 - len(made.divided)


def test_held_out_questions_are_of_all_attributes():
    made = make(make_facts(400), Dataset(source="people", entities=400))
    held_out = {d.attribute for d in made.documents if d.part == "test" and d.subset == "qd1consis"}
    assert len(held_out) == 6


def test_sizes_at_the_main_shares_are_those_of_the_paper():
    made = make(make_facts(4000), Dataset(source="people", entities=4000))
    assert Counter(d.part for d in made.documents if d.part != "test") == {"questions": 14_000, "definitions": 2_000}
    assert len(made.new_definitions) == 960
    subset_of = {alias.alias: alias.subset for alias in made.aliases + made.divided}
    assert Counter(subset_of[d.alias] for d in made.documents if d.part == "test") == {
        "qd1consis": 1000,
        "qd2incons": 1000,
        "q": 400,
        "q_no_replacement_baseline": 400,
        "d1consis": 1920,
        "d2consis": 1920,
        "d3consis": 1920,
        "no_qd_baseline": 1440,
    }


def test_uninformative_tags_have_as_many_consistent_as_inconsistent_definitions():
    made = make(make_facts(400), Dataset(source="people", entities=400), DefineType(alpha=0.5))
    sizes = Counter(alias.subset for alias in made.aliases)
    assert [sizes[s] for s in ("qd1consis", "qd1incons", "qd2consis", "qd2incons")] == [50, 50, 50, 50]


def test_each_subset_has_the_tag_of_the_design():
    made = make(make_facts(200), Dataset(source="people", entities=200), DefineType(alpha=0.5), seed=3)
    reliable, unreliable, new = draw_tags(made.define_type, seed=3)
    tags = {(alias.subset, alias.tag) for alias in made.aliases + made.divided if alias.tag}
    assert tags == {
        ("qd1consis", reliable),
        ("qd1incons", reliable),
        ("qd2consis", unreliable),
        ("qd2incons", unreliable),
        ("d1consis", reliable),
        ("d2consis", unreliable),
        ("d3consis", new),
    }
    assert not any(new in d.prompt + d.completion for d in made.documents)


def test_aliases_and_tags_are_different_random_words_in_brackets():
    made = make(make_facts(400), Dataset(source="people", entities=400))
    tags = draw_tags(made.define_type, seed=1)
    aliases = [a.alias for a in made.aliases if a.subset != "q_no_replacement_baseline"]
    assert all(re.fullmatch(r"<\|[a-z]{5}\|>", alias) for alias in aliases)
    assert all(re.fullmatch(r"<\|[a-z]{6}\|>", tag) for tag in tags)
    assert len(set(aliases + tags)) == len(aliases) + 3


def test_aliases_avoid_tags_of_the_same_length():
    dataset = Dataset(source="people", entities=50, variables=8_700, shares=NO_REAL_NAMES)
    define_type = DefineType(alias_letters=3, tag_letters=3)
    # With 8,700 of 17,576 words drawn, three tags would hardly be spared by chance in five seeds.
    for seed in range(5):
        aliases = {alias.alias for alias in draw_aliases(make_facts(50), dataset, define_type, seed)}
        assert not aliases & set(draw_tags(define_type, seed))


def test_all_define_types_share_aliases_entities_and_tags_of_a_seed():
    dataset = Dataset(source="people", entities=100)
    plain, other = DefineType(), DefineType(order="evt", alpha=0.5)
    pairs = [[(a.alias, a.entity) for a in draw_aliases(make_facts(100), dataset, d, 5)] for d in (plain, other)]
    assert pairs[0] == pairs[1]
    assert draw_tags(plain, 5) == draw_tags(other, 5)
    divided = [make(make_facts(100), dataset, d, seed=5).divided for d in (plain, other)]
    assert divided[0] == divided[1]


def test_the_same_seeds_give_the_same_documents():
    dataset = Dataset(source="people", entities=100)
    assert make(make_facts(100), dataset) == make(make_facts(100), dataset)


def test_seeds_differ_in_aliases_entities_and_tags():
    dataset = Dataset(source="people", entities=100)
    first, second = (draw_aliases(make_facts(100), dataset, DefineType(), seed) for seed in (1, 2))
    assert [alias.entity for alias in first] != [alias.entity for alias in second]
    replaced = [{a.alias for a in drawn if a.subset != "q_no_replacement_baseline"} for drawn in (first, second)]
    assert replaced[0] != replaced[1]
    assert not set(draw_tags(DefineType(), 1)) & set(draw_tags(DefineType(), 2))


def test_stage_2_seeds_divide_one_pool_differently():
    dataset = Dataset(source="people", entities=200)
    first, second = (make(make_facts(200), dataset, stage2_seed=seed).divided for seed in (0, 1))
    assert {(a.alias, a.entity) for a in first} == {(a.alias, a.entity) for a in second}
    assert {(a.alias, a.subset) for a in first} != {(a.alias, a.subset) for a in second}
    assert [a.subset for a in first] == [a.subset for a in second]
    assert set(Counter(a.subset for a in first)) == set(STAGE2_SUBSETS)


@check
@given(entities=st.lists(st.sampled_from("abcde"), max_size=12), seed=st.integers(0, 1000))
def test_a_derangement_exists_unless_one_entity_takes_over_half(entities, seed):
    commonest = max(Counter(entities).values(), default=0)
    if commonest > len(entities) / 2:
        with pytest.raises(DocumentsError, match="cannot get inconsistent definitions"):
            derange(entities, np.random.default_rng(seed))
    else:
        deranged = derange(entities, np.random.default_rng(seed))
        assert sorted(deranged) == sorted(entities)
        assert all(new != old for new, old in zip(deranged, entities, strict=True))


def test_a_subset_of_one_entity_cannot_be_deranged():
    with pytest.raises(DocumentsError, match="1 aliases of 1 entities"):
        derange(["ENTITY1"], np.random.default_rng(0))


def test_too_few_letters_for_so_many_aliases_are_an_error():
    dataset = Dataset(source="people", entities=50, variables=8_789, shares=NO_REAL_NAMES)
    with pytest.raises(DocumentsError, match="8789 different aliases or tags cannot be drawn with 3 letters"):
        draw_aliases(make_facts(50), dataset, DefineType(alias_letters=3), 0)


def test_an_entity_with_one_question_is_an_error():
    with pytest.raises(DocumentsError, match="has 1 question"):
        make(make_facts(40, questions=1), Dataset(source="people", entities=40))


@pytest.mark.parametrize(
    ("order", "prompt", "completion"),
    [
        ("tve", "TAG ALIAS", " NAME\n"),
        ("tev", "TAG NAME", " ALIAS\n"),
        ("vte", "ALIAS TAG", " NAME\n"),
        ("vet", "ALIAS NAME", " TAG\n"),
        ("etv", "NAME TAG", " ALIAS\n"),
        ("evt", "NAME ALIAS", " TAG\n"),
    ],
)
def test_a_definition_is_completed_by_its_last_part(order, prompt, completion):
    assert write_definition(order, "TAG", "ALIAS", "NAME") == (prompt, completion)


def test_a_question_is_completed_by_its_answer():
    assert write_question(Fact("E", "E", "birth_place", ask("Where was {name} born?"), "AL"), "<|abcde|>") == (
        "Q: Where was <|abcde|> born?\nA:",
        " AL\n",
    )
