"""From facts to documents: aliases, tags, subsets, definitions, questions, training text and test sets.

Everything here is a function of the facts, the settings and the seeds alone. Aliases, tags and subsets of one seed are
the same for every define type, so that define types can be compared seed by seed.

Source of the design: arXiv 2310.15047, section 2.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from metaocl.artifacts import file_hash, write_json, write_rows
from metaocl.config import Dataset, DefineType
from metaocl.errors import UserError
from metaocl.facts import PLACEHOLDER, Fact
from metaocl.randomness import random_stream
from metaocl.subsets import STAGE2_POOL, STAGE2_SUBSETS, apportion, split_by_truth

# Which tag the definitions of a subset carry; subsets that are not here have no definitions.
TAG_OF_SUBSET = {
    "qd1consis": 0,
    "qd1incons": 0,
    "qd2consis": 1,
    "qd2incons": 1,
    "d1consis": 0,
    "d2consis": 1,
    "d3consis": 2,
}
INCONSISTENT = ("qd1incons", "qd2incons")


class DocumentsError(UserError):
    """Settings and facts from which the asked-for documents cannot be made."""


@dataclass(frozen=True)
class Alias:
    """One alias (the paper's "variable") and what it stands for.

    alias: the text that replaces the entity's name; for the real-name baseline it is that name.
    entity: the true entity. defined_as: the entity its definition names, None without a definition.
    """

    alias: str
    entity: str
    subset: str
    tag: str | None = None
    defined_as: str | None = None


@dataclass(frozen=True)
class Document:
    """One training or test example.

    part: "definitions", "questions" or "new_definitions" (training), or "test".
    prompt and completion: the text is their concatenation. In a test the completion holds the gold answer; whether the
    training loss covers the prompt as well is the stage's setting.
    """

    part: str
    subset: str
    alias: str
    attribute: str
    prompt: str
    completion: str


def write_question(fact: Fact, name: str) -> tuple[str, str]:
    """Prompt and completion of a fact's question, asked about `name`."""
    return fact.prompt.replace(PLACEHOLDER, name), f" {fact.answer}\n"


def write_definition(order: str, tag: str, variable: str, entity: str) -> tuple[str, str]:
    """Prompt and completion of a definition: its parts in `order`, one line, the last part being the completion."""
    parts = {"t": tag, "v": variable, "e": entity}
    first, second, last = (parts[letter] for letter in order)
    return f"{first} {second}", f" {last}\n"


def draw_aliases(facts: Sequence[Fact], dataset: Dataset, define_type: DefineType, seed: int) -> list[Alias]:
    """All aliases of one seed, with their definitions of stage 1; those of stage 2 lie in the subset STAGE2_POOL.

    Raises DocumentsError where a subset is too small for what it must hold.
    """
    names = list(dict.fromkeys(fact.entity for fact in facts))
    count = dataset.variables or len(names)
    random = random_stream("aliases", seed)
    entities = random.integers(len(names), size=count) if dataset.variables else random.permutation(count)
    tags = draw_tags(define_type, seed)
    tokens = _draw_tokens(count, define_type.alias_letters, random, taken=tags)
    subsets = _stage1_subsets(apportion(count, dataset.shares), define_type.alpha)
    drawn = [
        Alias(token, names[entity], subset) for token, entity, subset in zip(tokens, entities, subsets, strict=True)
    ]
    by_subset = groupby(drawn, lambda alias: alias.subset)
    return [alias for subset, members in by_subset for alias in _define(subset, list(members), tags, seed)]


def draw_tags(define_type: DefineType, seed: int) -> list[str]:
    """The three define tags of one seed: reliable, unreliable, and the one that stage 2 brings."""
    return _draw_tokens(3, define_type.tag_letters, random_stream("tags", seed))


def divide_stage2(
    aliases: Sequence[Alias], dataset: Dataset, define_type: DefineType, seed: int, stage2_seed: int
) -> list[Alias]:
    """The stage-2 aliases of `aliases`, divided anew by `stage2_seed` into subsets with consistent new definitions."""
    pool = [alias for alias in aliases if alias.subset == STAGE2_POOL]
    counts = apportion(len(aliases), dataset.shares)
    subsets = [subset for subset in STAGE2_SUBSETS for _ in range(counts.get(subset, 0))]
    order = random_stream("stage 2", seed, stage2_seed).permutation(len(pool))
    tags = draw_tags(define_type, seed)
    return [
        _with_definition(replace(pool[position], subset=subset), tags, pool[position].entity)
        for position, subset in zip(order, subsets, strict=True)
    ]


def write_stage1_documents(
    aliases: Sequence[Alias], facts: Sequence[Fact], dataset: Dataset, define_type: DefineType, seed: int
) -> list[Document]:
    """Definitions and questions of stage 1, and every test question; all questions about stage-2 aliases are such."""
    facts_of: dict[str, list[Fact]] = {}
    for fact in facts:
        facts_of.setdefault(fact.entity, []).append(fact)
    random = random_stream("held-out questions", seed)
    documents = write_definitions(aliases, "definitions", define_type)
    for alias in aliases:
        about = facts_of[alias.entity]
        held_out = set(range(len(about)))
        if alias.subset != STAGE2_POOL:
            held_out = set(random.permutation(len(about))[: _held_out_count(about, dataset)].tolist())
        for position, fact in enumerate(about):
            part = "test" if position in held_out else "questions"
            text = write_question(fact, alias.alias)
            documents.append(Document(part, alias.subset, alias.alias, fact.attribute, *text))
    return documents


def write_definitions(aliases: Iterable[Alias], part: str, define_type: DefineType) -> list[Document]:
    """One definition for each alias that has one."""
    return [
        Document(
            part,
            alias.subset,
            alias.alias,
            "",
            *write_definition(define_type.order, alias.tag, alias.alias, alias.defined_as),
        )
        for alias in aliases
        if alias.tag is not None and alias.defined_as is not None
    ]


def derange(entities: Sequence[str], random: np.random.Generator) -> list[str]:
    """A random rearrangement of `entities` in which no place keeps its entity.

    Raises DocumentsError if there is none: one entity takes more than half of the places.
    """
    deranged = list(entities)
    if deranged and 2 * max(deranged.count(entity) for entity in set(deranged)) > len(deranged):
        raise DocumentsError(
            f"{len(deranged)} aliases of {len(set(deranged))} entities cannot get inconsistent definitions: at least "
            "two entities are needed, none with more than half of the aliases; ask for more entities or a larger share"
        )
    random.shuffle(deranged)
    # Each clash is swapped away with a random place where both swapped entities are new; the rule above makes sure
    # that such a place exists.
    for place, entity in enumerate(entities):
        if deranged[place] == entity:
            partners = [p for p, own in enumerate(entities) if own != entity and deranged[p] != entity]
            partner = partners[random.integers(len(partners))]
            deranged[place], deranged[partner] = deranged[partner], deranged[place]
    return deranged


def save_documents(
    documents: Sequence[Document],
    aliases: Sequence[Alias],
    seeds: Mapping[str, int],
    documents_path: Path,
    aliases_path: Path,
    manifest_path: Path,
) -> None:
    """Write documents and aliases as parquet, and a manifest with their counts, seeds and hashes."""
    write_rows(documents, Document, documents_path)
    write_rows(aliases, Alias, aliases_path)
    counts = Counter((document.part, document.subset) for document in documents)
    manifest = {
        **seeds,
        "aliases": dict(Counter(alias.subset for alias in aliases)),
        "documents": {part: {s: n for (p, s), n in counts.items() if p == part} for part, _ in counts},
        "sha256": {"documents": file_hash(documents_path), "aliases": file_hash(aliases_path)},
    }
    write_json(manifest, manifest_path)


def _stage1_subsets(counts: dict[str, int], alpha: float) -> list[str]:
    """The subset of each alias in turn, tags split into consistent and inconsistent definitions."""
    agree1, disagree1 = split_by_truth(counts.get("qd1", 0), alpha)
    agree2, disagree2 = split_by_truth(counts.get("qd2", 0), alpha)
    sizes = {
        "qd1consis": agree1,
        "qd1incons": disagree1,
        "qd2incons": agree2,
        "qd2consis": disagree2,
        "q": counts.get("q", 0),
        "q_no_replacement_baseline": counts.get("q_no_replacement_baseline", 0),
        STAGE2_POOL: sum(counts.get(subset, 0) for subset in STAGE2_SUBSETS),
    }
    return [subset for subset, size in sizes.items() for _ in range(size)]


def _define(subset: str, members: list[Alias], tags: list[str], seed: int) -> list[Alias]:
    """The members of one stage-1 subset with the definitions that belong to it."""
    if subset == "q_no_replacement_baseline":
        return [replace(alias, alias=alias.entity) for alias in members]
    entities = [alias.entity for alias in members]
    if subset in INCONSISTENT:
        entities = derange(entities, random_stream(f"derangement of {subset}", seed))
    return [_with_definition(alias, tags, entity) for alias, entity in zip(members, entities, strict=True)]


def _with_definition(alias: Alias, tags: list[str], entity: str) -> Alias:
    if alias.subset not in TAG_OF_SUBSET:
        return alias
    return replace(alias, tag=tags[TAG_OF_SUBSET[alias.subset]], defined_as=entity)


def _held_out_count(about: list[Fact], dataset: Dataset) -> int:
    if len(about) < 2:
        raise DocumentsError(
            f"{about[0].entity!r} has {len(about)} question; at least 2 are needed, one to train on and one to test"
        )
    return min(len(about) - 1, max(1, round(len(about) * dataset.held_out_share)))


def _draw_tokens(count: int, letters: int, random: np.random.Generator, taken: Sequence[str] = ()) -> list[str]:
    """`count` random words of lower-case letters in the paper's brackets, all different and none of them `taken`."""
    alphabet = np.array(list(string.ascii_lowercase))
    if 2 * count > len(alphabet) ** letters:
        raise DocumentsError(
            f"{count} different aliases or tags cannot be drawn with {letters} letters; ask for longer ones"
        )
    tokens: dict[str, None] = {}
    while len(tokens) < count:
        token = f"<|{''.join(random.choice(alphabet, size=letters))}|>"
        if token not in taken:
            tokens[token] = None
    return list(tokens)
