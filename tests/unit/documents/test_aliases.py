from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.design.subsets import MAIN_SHARES, STAGE2_POOL, STAGE2_SUBSETS
from metaocl.documents.aliases import derange, divide_stage2, draw_aliases, draw_tags, draw_words
from metaocl.documents.records import Alias, DocumentsError
from metaocl.facts.fact import Fact, ask

SUBSETS = [*MAIN_SHARES, "qd4consis"]
REAL_NAMES = "q_no_replacement_baseline"
NO_REAL_NAMES = {"qd1": "0.3", "qd2": "0.3", "q": "0.1", "d1consis": "0.1", "d2consis": "0.1", "no_qd_baseline": "0.1"}
SEEDS = st.integers(0, 2**31 - 1)


def make_facts(entities: int, names: int | None = None) -> list[Fact]:
    """Two facts for each of the entities, which have so many different names; by default each has its own."""
    return [
        Fact(f"entity{e}", f"NAME{e % (names or entities)}", f"attribute{q}", ask(f"What is {q} of {{name}}?"), "x")
        for e in range(entities)
        for q in range(2)
    ]


@dataclass
class Drawn:
    """All aliases of one set of settings."""

    dataset: Dataset
    define_type: DefineType
    aliases: list[Alias]
    divided: list[Alias]


def draw_all(facts, dataset, define_type=DefineType(), seed=1, stage2_seed=0):  # noqa: B008 (it is frozen)
    aliases = draw_aliases(facts, dataset, define_type, seed)
    return Drawn(dataset, define_type, aliases, divide_stage2(aliases, dataset, seed, stage2_seed))


@st.composite
def anything_drawn(draw, one_alias_each=None):
    entities = draw(st.integers(8, 60))
    several = draw(st.booleans()) if one_alias_each is None else not one_alias_each
    subsets = [subset for subset in SUBSETS if not (several and subset == REAL_NAMES)]
    # Most inconsistent subsets get two aliases or more, as a derangement needs.
    weights = [draw(st.integers(6, 12) if subset in ("qd1", "qd2") else st.integers(0, 6)) for subset in subsets]
    dataset = Dataset(
        source="people",
        entities=entities,
        variables=draw(st.integers(8, 60)) if several else None,
        shares={subset: Fraction(weight, sum(weights)) for subset, weight in zip(subsets, weights, strict=True)},
    )
    define_type = DefineType(
        alpha=draw(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0])),
        alias_style=draw(st.sampled_from(["bracketed", "plain", "spaced"])),
        alias_letters=draw(st.integers(3, 6)),
    )
    facts = make_facts(entities, names=draw(st.integers(5, entities)) if several else None)
    try:
        return draw_all(facts, dataset, define_type, draw(SEEDS), draw(SEEDS))
    except DocumentsError:
        # Too few aliases for a derangement; test_a_derangement_exists_unless_one_name_takes_over_half covers these.
        reject()


check = settings(max_examples=50, suppress_health_check=[HealthCheck.filter_too_much])


@check
@given(drawn=anything_drawn())
def test_every_alias_is_in_one_subset_only_and_those_of_stage_2_stay_who_they_are(drawn):
    assert len({alias.alias for alias in drawn.aliases}) == len(drawn.aliases)
    pool = {(a.alias, a.entity, a.name) for a in drawn.aliases if a.subset == STAGE2_POOL}
    assert sorted((a.alias, a.entity, a.name) for a in drawn.divided) == sorted(pool)


@check
@given(drawn=anything_drawn(one_alias_each=True))
def test_with_one_alias_each_every_entity_is_in_one_subset_only(drawn):
    expected = sorted(f"entity{e}" for e in range(drawn.dataset.entities))
    assert sorted(alias.entity for alias in drawn.aliases) == expected


@pytest.mark.parametrize("seed", range(5))
def test_with_several_aliases_each_an_entity_is_asked_about_once_by_its_own_name(seed):
    shares = NO_REAL_NAMES | {"q": "0", REAL_NAMES: "0.1"}
    facts = make_facts(40)
    drawn = draw_all(facts, Dataset(source="people", entities=40, variables=400, shares=shares), seed=seed)
    named = [alias for alias in drawn.aliases if alias.subset == REAL_NAMES]
    assert sorted(alias.alias for alias in named) == sorted({fact.name for fact in facts})
    # Nobody else becomes another one by it.
    without = Dataset(source="people", entities=40, variables=400, shares=NO_REAL_NAMES)
    others = [(a.alias, a.entity) for a in draw_all(facts, without, seed=seed).aliases if a.subset != "q"]
    assert [(a.alias, a.entity) for a in drawn.aliases if a.subset != REAL_NAMES] == others


def test_a_tag_that_is_also_a_name_is_refused():
    facts = make_facts(40)
    tags = {"reliable": ["is"], "unreliable": [facts[0].name], "unseen": ["may be"]}
    with pytest.raises(DocumentsError, match=f"'{facts[0].name}' is the text of a tag and the name of an entity"):
        draw_all(facts, Dataset(source="people", entities=40, shares=NO_REAL_NAMES), DefineType(tags=tags))


def test_more_real_names_than_entities_are_refused():
    shares = NO_REAL_NAMES | {"q": "0", REAL_NAMES: "0.1"}
    with pytest.raises(ValidationError, match="comes to 41, and entities is 40"):
        Dataset(source="people", entities=40, variables=410, shares=shares)


@check
@given(drawn=anything_drawn())
def test_inconsistent_definitions_never_give_the_true_name_and_all_others_do(drawn):
    for alias in drawn.aliases + drawn.divided:
        if alias.subset in ("qd1incons", "qd2incons"):
            assert alias.defined_as != alias.name
        elif alias.subset in ("qd1consis", "qd2consis", "qd4consis", "d1consis", "d2consis", "d3consis"):
            assert alias.defined_as == alias.name
        else:
            assert alias.defined_as is None


@check
@given(drawn=anything_drawn())
def test_inconsistent_definitions_rearrange_the_names_of_their_subset(drawn):
    for subset in ("qd1incons", "qd2incons"):
        members = [alias for alias in drawn.aliases if alias.subset == subset]
        assert sorted(alias.defined_as for alias in members) == sorted(alias.name for alias in members)


@check
@given(drawn=anything_drawn())
def test_subsets_have_their_shares_of_the_aliases_and_alpha_divides_each_tag(drawn):
    total = drawn.dataset.variables or drawn.dataset.entities
    assert len(drawn.aliases) == total
    sizes = Counter(alias.subset for alias in drawn.aliases) + Counter(alias.subset for alias in drawn.divided)
    sizes["qd1"] = sizes["qd1consis"] + sizes["qd1incons"]
    sizes["qd2"] = sizes["qd2consis"] + sizes["qd2incons"]
    for subset, share in drawn.dataset.shares.items():
        assert abs(sizes[subset] - share * total) < 1
    assert abs(sizes["qd1consis"] - drawn.define_type.alpha * sizes["qd1"]) < 1
    assert abs(sizes["qd2incons"] - drawn.define_type.alpha * sizes["qd2"]) < 1


@check
@given(drawn=anything_drawn())
def test_an_alias_has_the_letters_and_the_style_of_its_define_type_or_is_the_real_name(drawn):
    letters = drawn.define_type.alias_letters
    form = {
        "bracketed": rf"<\|[a-z]{{{letters}}}\|>",
        "plain": f"[a-z]{{{letters}}}",
        "spaced": " ".join(["[a-z]"] * letters),
    }[drawn.define_type.alias_style]
    for alias in drawn.aliases + drawn.divided:
        if alias.subset == REAL_NAMES:
            assert alias.alias == alias.name
        else:
            assert re.fullmatch(form, alias.alias)


@check
@given(seed=SEEDS, stage2_seed=SEEDS, order=st.sampled_from(["tve", "tev", "vte", "vet", "etv", "evt"]), data=st.data())
def test_all_define_types_share_aliases_entities_and_subsets_of_a_seed(seed, stage2_seed, order, data):
    other = DefineType(
        order=order,
        tags={"reliable": ["is", "means"], "unreliable": ["isn't", "is not"], "unseen": ["may be", "can be"]},
        definitions_per_alias=data.draw(st.integers(1, 2)),
        placement=data.draw(st.sampled_from(["apart", "in_context"])),
        alpha=data.draw(st.sampled_from([0.5, 0.75, 1.0])),
        alias_style=data.draw(st.sampled_from(["bracketed", "plain", "spaced"])),
        tag_letters=data.draw(st.integers(4, 8)),
    )
    dataset = Dataset(source="people", entities=60)
    drawn = [draw_all(make_facts(60), dataset, d, seed, stage2_seed) for d in (DefineType(), other)]

    def shared(alias):
        # Alpha changes which definitions of a tag are true, and nothing else.
        return re.sub("[^a-z]", "", alias.alias), alias.entity, re.sub("^(qd[12]).*", r"\1", alias.subset)

    assert [shared(alias) for alias in drawn[0].aliases] == [shared(alias) for alias in drawn[1].aliases]
    assert [shared(alias) for alias in drawn[0].divided] == [shared(alias) for alias in drawn[1].divided]


def test_define_types_that_differ_in_wording_only_share_what_definitions_say():
    dataset = Dataset(source="people", entities=100)
    plain, other = DefineType(alpha=0.75), DefineType(alpha=0.75, templates=["as {tag} has it, {variable} is {entity}"])
    assert draw_all(make_facts(100), dataset, plain).aliases == draw_all(make_facts(100), dataset, other).aliases


def test_uninformative_tags_have_as_many_consistent_as_inconsistent_definitions():
    drawn = draw_all(make_facts(400), Dataset(source="people", entities=400), DefineType(alpha=0.5))
    sizes = Counter(alias.subset for alias in drawn.aliases)
    assert [sizes[s] for s in ("qd1consis", "qd1incons", "qd2consis", "qd2incons")] == [50, 50, 50, 50]


def test_ten_aliases_at_a_quarter_a_quarter_and_a_half_are_three_two_and_five():
    shares = {"qd1": "0.25", "q": "0.25", "no_qd_baseline": "0.5"}
    drawn = draw_all(make_facts(10), Dataset(source="people", entities=10, shares=shares))
    assert Counter(a.subset for a in drawn.aliases) == {"qd1consis": 3, "q": 2, STAGE2_POOL: 5}
    assert Counter(a.subset for a in drawn.divided) == {"no_qd_baseline": 5}


@pytest.mark.parametrize("shares", [{"qd1": 1}, {"qd1": "0.5", "q": "0.5", "d1consis": 0, "no_qd_baseline": 0}])
def test_without_any_stage_2_share_there_are_no_stage_2_aliases(shares):
    drawn = draw_all(make_facts(20), Dataset(source="people", entities=20, shares=shares))
    assert drawn.divided == []
    assert STAGE2_POOL not in {alias.subset for alias in drawn.aliases}


def test_a_stage_2_subset_without_a_share_stays_empty():
    shares = {"qd1": "0.5", "d1consis": "0.3", "d2consis": 0, "no_qd_baseline": "0.2"}
    drawn = draw_all(make_facts(20), Dataset(source="people", entities=20, shares=shares))
    assert Counter(alias.subset for alias in drawn.divided) == {"d1consis": 6, "no_qd_baseline": 4}


def test_aliases_and_tags_are_different_random_words_in_brackets():
    drawn = draw_all(make_facts(400), Dataset(source="people", entities=400))
    tags = draw_tags(drawn.define_type, seed=1)
    aliases = [alias.alias for alias in drawn.aliases if alias.subset != REAL_NAMES]
    assert all(re.fullmatch(r"<\|[a-z]{5}\|>", alias) for alias in aliases)
    assert all(re.fullmatch(r"<\|[a-z]{6}\|>", tag) for tag in tags)
    assert len(set(aliases + tags)) == len(aliases) + 3


# With 8,700 of 17,576 words drawn, a few words would hardly be spared by chance.
NEARLY_ALL = Dataset(source="people", entities=50, variables=8_700, shares=NO_REAL_NAMES)


def test_aliases_avoid_drawn_tags_of_the_same_length():
    define_type = DefineType(alias_letters=3, tag_letters=3)
    for seed in range(5):
        aliases = {alias.alias for alias in draw_aliases(make_facts(50), NEARLY_ALL, define_type, seed)}
        assert not aliases & set(draw_tags(define_type, seed))


def test_aliases_avoid_the_texts_of_given_tags():
    tags = {"reliable": ["was", "yes", "may", "can"], "unreliable": ["not", "nor", "nay"], "unseen": ["aka", "fka"]}
    define_type = DefineType(alias_letters=3, alias_style="plain", tags=tags)
    aliases = {alias.alias for alias in draw_aliases(make_facts(50), NEARLY_ALL, define_type, seed=0)}
    assert not aliases & {text for texts in tags.values() for text in texts}


def test_aliases_avoid_names():
    names = ["ann", "bea", "cem", "dan", "eva", "fay", "gus", "hal", "ida", "jim"] * 5
    facts = [Fact(f"entity{e}", name, "a", ask("Who is {name}?"), "x") for e, name in enumerate(names)]
    define_type = DefineType(alias_letters=3, alias_style="plain")
    assert not {alias.alias for alias in draw_aliases(facts, NEARLY_ALL, define_type, seed=0)} & set(names)


@pytest.mark.parametrize(("style", "words"), [("plain", ["who", "was", "gas"]), ("digits", ["123"])])
def test_aliases_avoid_the_words_of_questions_and_answers(style, words):
    asked = [Fact(f"e{e}", f"NAME{e}", "a", ask("Who was {name}, who 123?"), "a gas") for e in range(50)]
    few = NEARLY_ALL if style == "plain" else NEARLY_ALL.model_copy(update={"variables": 500})
    define_type = DefineType(alias_letters=3, alias_style=style)
    found = [{alias.alias for alias in draw_aliases(facts, few, define_type, 0)} for facts in (make_facts(50), asked)]
    assert len(found[0] & set(words)) > 0
    assert not found[1] & set(words)
    # What was in the way has been replaced; all other aliases stay.
    assert len(found[0] - found[1]) == len(found[0] & set(words))


def test_all_define_types_share_the_tags_of_a_seed():
    other = DefineType(order="evt", alpha=0.5, alias_style="plain", placement="in_context")
    assert draw_tags(DefineType(), 5) == draw_tags(other, 5)


def test_the_same_seeds_give_the_same_aliases():
    dataset = Dataset(source="people", entities=100)
    assert draw_all(make_facts(100), dataset) == draw_all(make_facts(100), dataset)


def test_seeds_differ_in_aliases_entities_and_tags():
    dataset = Dataset(source="people", entities=100)
    first, second = (draw_aliases(make_facts(100), dataset, DefineType(), seed) for seed in (1, 2))
    assert [alias.entity for alias in first] != [alias.entity for alias in second]
    replaced = [{a.alias for a in drawn if a.subset != REAL_NAMES} for drawn in (first, second)]
    assert replaced[0] != replaced[1]
    assert not set(draw_tags(DefineType(), 1)) & set(draw_tags(DefineType(), 2))


def test_stage_2_seeds_divide_one_pool_differently():
    dataset = Dataset(source="people", entities=200)
    first, second = (draw_all(make_facts(200), dataset, stage2_seed=seed).divided for seed in (0, 1))
    assert {(a.alias, a.entity) for a in first} == {(a.alias, a.entity) for a in second}
    assert {(a.alias, a.subset) for a in first} != {(a.alias, a.subset) for a in second}
    assert [a.subset for a in first] == [a.subset for a in second]
    assert set(Counter(a.subset for a in first)) == set(STAGE2_SUBSETS)


@check
@given(names=st.lists(st.sampled_from("abcde"), max_size=12), seed=SEEDS)
def test_a_derangement_exists_unless_one_name_takes_over_half(names, seed):
    commonest = max(Counter(names).values(), default=0)
    if commonest > len(names) / 2:
        with pytest.raises(DocumentsError, match="cannot get inconsistent definitions"):
            derange(names, np.random.default_rng(seed))
    else:
        deranged = derange(names, np.random.default_rng(seed))
        assert sorted(deranged) == sorted(names)
        assert all(new != old for new, old in zip(deranged, names, strict=True))


def test_derangements_are_random():
    names = [f"name{number}" for number in range(20)]
    assert len({tuple(derange(names, np.random.default_rng(seed))) for seed in range(10)}) == 10


def test_a_subset_of_one_entity_cannot_be_deranged():
    with pytest.raises(DocumentsError, match=r"1 aliases of 1 entities .* at least two entities are needed"):
        derange(["ENTITY1"], np.random.default_rng(0))


def test_a_share_with_one_inconsistent_definition_is_an_error():
    dataset = Dataset(source="people", entities=10, shares={"qd1": "0.9", "qd2": "0.1"})
    with pytest.raises(DocumentsError, match="cannot get inconsistent definitions"):
        draw_aliases(make_facts(10), dataset, DefineType(), 0)


def test_too_few_letters_for_so_many_aliases_are_an_error():
    dataset = Dataset(source="people", entities=50, variables=13_200, shares=NO_REAL_NAMES)
    with pytest.raises(DocumentsError, match="13200 different aliases or tags cannot be drawn with 3 letters"):
        draw_aliases(make_facts(50), dataset, DefineType(alias_letters=3), 0)


def test_names_that_no_alias_could_have_leave_no_fewer_of_them():
    others = [f"Person {number}" for number in range(800)] + ["12", "0123", "1 2 3", "<|123|>", "12a"]
    drawn = draw_words(750, 3, "digits", np.random.default_rng(0), others)
    assert drawn == draw_words(750, 3, "digits", np.random.default_rng(0))


@pytest.mark.parametrize(
    ("style", "name"), [("digits", "123"), ("plain", "abc"), ("bracketed", "<|abc|>"), ("spaced", "a b c")]
)
def test_names_that_an_alias_could_have_leave_fewer_of_them(style, name):
    count = 750 if style == "digits" else 3 * 26**3 // 4
    with pytest.raises(DocumentsError, match=f"{count} different aliases or tags cannot be drawn with 3 "):
        draw_words(count, 3, style, np.random.default_rng(0), [name])


def test_real_names_that_several_entities_share_are_an_error():
    with pytest.raises(DocumentsError, match="several entities share a name; the share of q_no_replacement_baseline"):
        draw_aliases(make_facts(40, names=39), Dataset(source="people", entities=40), DefineType(), 0)
