"""From aliases and facts to documents: definitions and questions to train on, and the test sets.

Everything here is a function of the facts, the settings and the seeds alone.

Source of the design: arXiv 2310.15047, section 2 and appendix.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from metaocl.artifacts.checksums import file_hash
from metaocl.artifacts.tables import write_json, write_rows
from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.design.subsets import INCONSISTENT, REAL_NAMES, STAGE2_POOL, held_out_questions
from metaocl.documents.definitions import define_aliases
from metaocl.documents.records import Alias, Document, DocumentsError, Text
from metaocl.facts.fact import PLACEHOLDER, Fact, ask
from metaocl.randomness import random_stream

ATTRIBUTION_PROMPTS = {
    "who": ask("Who is {name}?"),
    "mean": ask("What does {name} mean?"),
    "stand_for": ask("What does {name} stand for?"),
    "name": ask("What is the name of {name}?"),
}
LETTER_PROMPTS = {
    "first_letter": ask("Which letter does the name of {name} begin with?"),
    "second_letter": ask("Which letter comes second in the name of {name}?"),
    "last_letter": ask("Which letter does the name of {name} end with?"),
}


def write_question(fact: Fact, name: str) -> Text:
    """Prompt and completion of a fact's question, asked about `name`."""
    return fact.prompt.replace(PLACEHOLDER, name), f" {fact.answer}\n"


def write_stage1_documents(
    aliases: Sequence[Alias], facts: Sequence[Fact], dataset: Dataset, define_type: DefineType, seed: int
) -> list[Document]:
    """Definitions and questions of stage 1, and the test sets that don't depend on the division of stage 2.

    Every question about a stage-2 alias is a test question, or, where the source divides questions, every test question
    of the source. With definitions in context these are left to stage 2, which knows their definitions.
    """
    facts_of = group_facts(facts)
    definitions = define_aliases(aliases, define_type, seed)
    in_context = define_type.placement == "in_context"
    random = random_stream("held-out questions", seed)
    documents = [] if in_context else _write_definitions("definitions", aliases, definitions)
    for alias in aliases:
        if in_context and alias.subset == STAGE2_POOL:
            continue
        context = definitions.get(alias.alias, []) if in_context else []
        divided = _divide_questions(alias, facts_of[alias.entity], dataset, random)
        documents += [_question(part, alias, fact, context) for part, fact in divided]
        documents += _write_further_tests(alias, dataset, context)
    return documents


def write_stage2_documents(
    aliases: Sequence[Alias],
    facts: Sequence[Fact],
    dataset: Dataset,
    define_type: DefineType,
    seed: int,
    stage2_seed: int,
) -> list[Document]:
    """New definitions, and the test sets that depend on the division of stage 2.

    These are d2incons, the questions of d2consis with the aliases swapped; or, with definitions in context, all
    questions about the aliases, each behind its definition.
    """
    facts_of = group_facts(facts)
    definitions = define_aliases(aliases, define_type, seed, stage2_seed)
    if define_type.placement == "in_context":
        documents = []
        for alias in aliases:
            context = definitions.get(alias.alias, [])
            documents += [_question("held_out", alias, fact, context) for fact in _test_facts(facts_of[alias.entity])]
            documents += _write_further_tests(alias, dataset, context)
        return documents
    swapped = swap_aliases([alias for alias in aliases if alias.subset == "d2consis"], seed, stage2_seed)
    return _write_definitions("new_definitions", aliases, definitions) + [
        _question("held_out", alias, fact) for alias in swapped for fact in _test_facts(facts_of[alias.entity])
    ]


def group_facts(facts: Sequence[Fact]) -> dict[str, list[Fact]]:
    """Facts by entity, both in order of appearance."""
    facts_of: dict[str, list[Fact]] = {}
    for fact in facts:
        facts_of.setdefault(fact.entity, []).append(fact)
    return facts_of


def swap_aliases(members: Sequence[Alias], seed: int, stage2_seed: int) -> list[Alias]:
    """The aliases of d2consis as d2incons: in random pairs, each stands for the other's entity.

    Of an odd number three go round in a circle, so that none is lost. Left out are those for which nobody with another
    name is free: a single one, or more than half of one name.
    """
    random = random_stream("swapped aliases", seed, stage2_seed)
    shuffled = random.permutation(len(members)).tolist()
    # Equal names come together, so that those half the number of members apart differ.
    places = {name: place for place, name in enumerate(dict.fromkeys(members[m].name for m in shuffled))}
    order = sorted(shuffled, key=lambda member: places[members[member].name])
    half = len(order) // 2
    groups = [[order[place], order[place + half]] for place in range(half)]
    if len(order) % 2 and groups:
        groups[0].append(order[-1])
    return [
        replace(members[member], subset="d2incons", entity=members[other].entity, name=members[other].name)
        for group in groups
        for member, other in zip(group, group[1:] + group[:1], strict=True)
        if members[member].name != members[other].name
    ]


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


def _divide_questions(
    alias: Alias, about: Sequence[Fact], dataset: Dataset, random: np.random.Generator
) -> list[tuple[str, Fact]]:
    """The questions about one alias, each with the part that it belongs to."""
    if alias.subset == STAGE2_POOL:
        return [("held_out", fact) for fact in _test_facts(about)]
    if any(fact.split for fact in about):
        return [("held_out" if fact.split == "test" else "questions", fact) for fact in about]
    if len(about) < 2:
        raise DocumentsError(
            f"{alias.name!r} has {len(about)} question; at least 2 are needed, one to train on and one to test"
        )
    held_out = set(random.permutation(len(about))[: held_out_questions(len(about), dataset.held_out_share)].tolist())
    return [("held_out" if place in held_out else "questions", fact) for place, fact in enumerate(about)]


def _test_facts(about: Sequence[Fact]) -> list[Fact]:
    """What is asked about an alias that has no training question."""
    return [fact for fact in about if fact.split != "train"]


def _write_definitions(
    part: str, aliases: Sequence[Alias], definitions: Mapping[str, Sequence[Text]]
) -> list[Document]:
    return [
        Document(part, alias.subset, alias.alias, "", *text)
        for alias in aliases
        for text in definitions.get(alias.alias, [])
    ]


def _question(part: str, alias: Alias, fact: Fact, context: Sequence[Text] = ()) -> Document:
    prompt, completion = write_question(fact, alias.alias)
    return Document(part, alias.subset, alias.alias, fact.attribute, _join(context) + prompt, completion)


def _write_further_tests(alias: Alias, dataset: Dataset, context: Sequence[Text]) -> list[Document]:
    """Entity attribution and letters of the name, as far as the data set asks for them; never about real names."""
    if alias.subset == REAL_NAMES:
        return []
    asked: list[tuple[str, str, str, str]] = []  # test set, attribute, prompt, answer
    if "attribution" in dataset.test_sets:
        asked += [("attribution", key, prompt, alias.name) for key, prompt in ATTRIBUTION_PROMPTS.items()]
    if "attribution" in dataset.test_sets and alias.subset in INCONSISTENT:
        defined_as = str(alias.defined_as)
        asked += [("attribution_as_defined", key, prompt, defined_as) for key, prompt in ATTRIBUTION_PROMPTS.items()]
    letters = [character for character in alias.name if character.isalpha()]
    # Names of fewer than two letters, such as numbers, are not asked about.
    if "letters" in dataset.test_sets and len(letters) > 1:
        answers = (letters[0], letters[1], letters[-1])
        asked += [("letters", *prompt, answer) for prompt, answer in zip(LETTER_PROMPTS.items(), answers, strict=True)]
    return [
        Document(
            test_set,
            alias.subset,
            alias.alias,
            attribute,
            _join(context) + prompt.replace(PLACEHOLDER, alias.alias),
            f" {answer}\n",
        )
        for test_set, attribute, prompt, answer in asked
    ]


def _join(texts: Sequence[Text]) -> str:
    return "".join(prompt + completion for prompt, completion in texts)
