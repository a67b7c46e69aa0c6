"""Documents of any settings, made in memory, for the tests of what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hypothesis import HealthCheck, reject, settings
from hypothesis import strategies as st

from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.design.subsets import MAIN_SHARES
from metaocl.documents.aliases import divide_stage2, draw_aliases
from metaocl.documents.records import Alias, Document, DocumentsError
from metaocl.documents.writing import write_stage1_documents, write_stage2_documents
from metaocl.facts.fact import Fact, ask

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


check = settings(max_examples=40, suppress_health_check=[HealthCheck.filter_too_much])


def questions_of(made: Made) -> list[Document]:
    """Questions to train on and held-out ones, without those of swapped aliases."""
    documents = made.stage1 + made.stage2
    return [d for d in documents if d.part in ("questions", "held_out") and d.subset != "d2incons"]


def bare(prompt: str) -> str:
    """A prompt without definitions before it."""
    return prompt[prompt.index("Q: ") :]
