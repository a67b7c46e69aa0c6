"""Who is who: aliases, the entities they stand for, the subsets they are in and the entities their definitions name.

Everything here is a function of the facts, the settings and the seeds alone. Aliases and subsets of one seed are the
same for every define type with aliases of one length, so that define types can be compared seed by seed.

Source of the design: arXiv 2310.15047, section 2.
"""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.design.subsets import (
    INCONSISTENT,
    REAL_NAMES,
    STAGE2_POOL,
    STAGE2_SUBSETS,
    TAG_OF_SUBSET,
    apportion,
    split_by_truth,
)
from metaocl.documents.records import Alias, DocumentsError
from metaocl.facts.fact import Fact
from metaocl.randomness import random_stream


def draw_aliases(facts: Sequence[Fact], dataset: Dataset, define_type: DefineType, seed: int) -> list[Alias]:
    """All aliases of one seed, with what defines them in stage 1; those of stage 2 lie in the subset STAGE2_POOL.

    Raises DocumentsError where a subset is too small for what it must hold.
    """
    names = {fact.entity: fact.name for fact in facts}
    entities = list(names)
    count = dataset.variables or len(entities)
    random = random_stream("aliases", seed)
    if dataset.shares.get(REAL_NAMES, 0) > 0 and len(set(names.values())) < len(entities):
        raise DocumentsError(f"several entities share a name; the share of {REAL_NAMES} must be 0")
    chosen = random.integers(len(entities), size=count) if dataset.variables else random.permutation(count)
    given = list(define_type.tags.model_dump().values() if define_type.tags else [draw_tags(define_type, seed)])
    if clash := sorted({tag for texts in given for tag in texts} & set(names.values())):
        raise DocumentsError(f"{clash[0]!r} is the text of a tag and the name of an entity: give the tag another text")
    spoken = {word for fact in facts for word in re.findall(r"\w+", f"{fact.prompt} {fact.answer}")}
    taken = {*names.values(), *(tag for texts in given for tag in texts)}
    taken |= {word for word in spoken if len(word) == define_type.alias_letters}
    words = draw_words(count, define_type.alias_letters, define_type.alias_style, random, taken)
    subsets = _stage1_subsets(apportion(count, dataset.shares), define_type.alpha)
    if dataset.variables and REAL_NAMES in subsets:
        # Under its own name an entity is asked about once, however many aliases it has.
        named = np.array(subsets) == REAL_NAMES
        chosen[named] = random_stream("real names", seed).permutation(len(entities))[: named.sum()]
    drawn = [
        Alias(word, entities[place], names[entities[place]], subset)
        for word, place, subset in zip(words, chosen, subsets, strict=True)
    ]
    by_subset = groupby(drawn, lambda alias: alias.subset)
    return [alias for subset, members in by_subset for alias in _define(subset, list(members), seed)]


def draw_tags(define_type: DefineType, seed: int) -> list[str]:
    """The three define tags of one seed, where they are drawn: reliable, unreliable, and the one unseen in stage 1."""
    return draw_words(3, define_type.tag_letters, "bracketed", random_stream("tags", seed))


def divide_stage2(aliases: Sequence[Alias], dataset: Dataset, seed: int, stage2_seed: int) -> list[Alias]:
    """The stage-2 aliases of `aliases`, divided anew by `stage2_seed` into subsets with consistent new definitions."""
    pool = [alias for alias in aliases if alias.subset == STAGE2_POOL]
    counts = apportion(len(aliases), dataset.shares)
    subsets = [subset for subset in STAGE2_SUBSETS for _ in range(counts.get(subset, 0))]
    order = random_stream("stage 2", seed, stage2_seed).permutation(len(pool))
    divided = [replace(pool[place], subset=subset) for place, subset in zip(order, subsets, strict=True)]
    return [replace(a, defined_as=a.name) if a.subset in TAG_OF_SUBSET else a for a in divided]


def derange(names: Sequence[str], random: np.random.Generator) -> list[str]:
    """A random rearrangement of `names` in which no place keeps its name.

    Raises DocumentsError if there is none: one name takes more than half of the places.
    """
    deranged = list(names)
    if deranged and 2 * max(deranged.count(name) for name in set(deranged)) > len(deranged):
        raise DocumentsError(
            f"{len(deranged)} aliases of {len(set(deranged))} entities cannot get inconsistent definitions: at least "
            "two entities are needed, none with more than half of the aliases; ask for more entities or a larger share"
        )
    random.shuffle(deranged)
    # Each clash is swapped away with a random place where both swapped names are new; the rule above makes sure
    # that such a place exists.
    for place, name in enumerate(names):
        if deranged[place] == name:
            partners = [p for p, own in enumerate(names) if own != name and deranged[p] != name]
            partner = partners[random.integers(len(partners))]
            deranged[place], deranged[partner] = deranged[partner], deranged[place]
    return deranged


def draw_words(
    count: int, letters: int, style: str, random: np.random.Generator, taken: Collection[str] = ()
) -> list[str]:
    """`count` random words of lower-case letters, all different and none of them in `taken`.

    style: "bracketed" (the paper's `<|abc|>`), "plain" (`abc`), "spaced" (`a b c`) or "digits" (`012`). What is taken
    changes no other word: those in the way are replaced after all have been drawn. Raises DocumentsError where words
    that are so long and not taken are few.
    """
    kind, signs = ("digits", string.digits) if style == "digits" else ("letters", string.ascii_lowercase)
    alphabet = np.array(list(signs))
    write = {"bracketed": lambda word: f"<|{''.join(word)}|>", "spaced": " ".join}.get(style, "".join)
    spelt = {word: [sign for sign in word if sign in signs] for word in taken}
    in_the_way = [word for word, own in spelt.items() if len(own) == letters and write(own) == word]
    if 4 * (count + len(in_the_way)) > 3 * len(alphabet) ** letters:
        raise DocumentsError(
            f"{count} different aliases or tags cannot be drawn with {letters} {kind}; ask for longer ones"
        )
    words: dict[str, None] = {}
    wanted = count
    while len(words) < wanted:
        words[write(random.choice(alphabet, size=letters))] = None
        if len(words) == wanted:
            wanted = count + sum(word in taken for word in words)
    first, spare = list(words)[:count], [word for word in list(words)[count:] if word not in taken]
    return [spare.pop(0) if word in taken else word for word in first]


def _stage1_subsets(counts: dict[str, int], alpha: float) -> list[str]:
    """The subset of each alias in turn, tags split into consistent and inconsistent definitions."""
    agree1, disagree1 = split_by_truth(counts.get("qd1", 0), alpha)
    agree2, disagree2 = split_by_truth(counts.get("qd2", 0), alpha)
    sizes = {
        "qd1consis": agree1,
        "qd1incons": disagree1,
        "qd2incons": agree2,
        "qd2consis": disagree2,
        "qd4consis": counts.get("qd4consis", 0),
        "q": counts.get("q", 0),
        REAL_NAMES: counts.get(REAL_NAMES, 0),
        STAGE2_POOL: sum(counts.get(subset, 0) for subset in STAGE2_SUBSETS),
    }
    return [subset for subset, size in sizes.items() for _ in range(size)]


def _define(subset: str, members: list[Alias], seed: int) -> list[Alias]:
    """The members of one stage-1 subset with the names that their definitions give."""
    if subset == REAL_NAMES:
        return [replace(alias, alias=alias.name) for alias in members]
    if subset not in TAG_OF_SUBSET:
        return members
    names = [alias.name for alias in members]
    if subset in INCONSISTENT:
        names = derange(names, random_stream(f"derangement of {subset}", seed))
    return [replace(alias, defined_as=name) for alias, name in zip(members, names, strict=True)]
