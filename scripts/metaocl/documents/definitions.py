"""How a definition is written: its templates, the texts of its tag, and where prompt and completion part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from string import Formatter

import numpy as np

from metaocl.config.define_types import DefineType
from metaocl.design.subsets import TAG_OF_SUBSET
from metaocl.design.templates import MAIN_ORDER, placeholders, template_of_order
from metaocl.documents.aliases import draw_tags, draw_words
from metaocl.documents.records import Alias, Text
from metaocl.randomness import random_stream


def write_definition(template: str, **texts: str) -> Text:
    """A filled template as one line; the completion begins with the last of tag, variable and entity.

    It begins at the blank before it, so that the completion is made of whole words.
    """
    fields = [(before, name) for before, name, _, _ in Formatter().parse(template)]
    last = max(place for place, (_, name) in enumerate(fields) if name in ("tag", "variable", "entity"))
    written = ["".join([before, texts[name] if name else ""]) for before, name in fields]
    head = "".join(written[:last]) + fields[last][0]
    prompt, blank, start = head.rpartition(" ")
    return prompt, f"{blank}{start}{''.join(written)[len(head) :]}\n"


def define_aliases(aliases: Sequence[Alias], define_type: DefineType, *seeds: int) -> dict[str, list[Text]]:
    """The definitions of every alias that has one, by alias.

    seeds: the stage-1 seed, then the stage-2 seed where the aliases are those of stage 2.
    """
    texts_of_tag = _tag_texts(define_type, seeds[0])
    own_tags = _own_tags(aliases, define_type, seeds, [text for texts in texts_of_tag.values() for text in texts])
    random = random_stream("wording of definitions", *seeds)
    definitions = {}
    for alias in aliases:
        if alias.defined_as is None:
            continue
        named = {"variable": alias.alias, "entity": alias.defined_as}
        if alias.alias in own_tags:
            tags = [[tag] for tag in own_tags[alias.alias]]
        else:
            tags = [texts_of_tag[TAG_OF_SUBSET[alias.subset]]] * define_type.definitions_per_alias
        definitions[alias.alias] = [
            write_definition(template, **named, **words) for template, words in _wordings(define_type, tags, random)
        ]
    return definitions


def _tag_texts(define_type: DefineType, seed: int) -> Mapping[str, list[str]]:
    if define_type.tags:
        return define_type.tags.model_dump()
    kinds = ("reliable", "unreliable", "unseen")
    return {kind: [tag] for kind, tag in zip(kinds, draw_tags(define_type, seed), strict=True)}


def _own_tags(
    aliases: Sequence[Alias], define_type: DefineType, seeds: Sequence[int], taken: list[str]
) -> dict[str, list[str]]:
    """A tag of its own for each definition of an alias whose subset asks for that."""
    owners = [alias.alias for alias in aliases if TAG_OF_SUBSET.get(alias.subset) == "random"]
    random = random_stream("tags of their own", *seeds)
    in_use = {*taken, *(alias.alias for alias in aliases)}
    count = define_type.definitions_per_alias
    tags = draw_words(len(owners) * count, define_type.tag_letters, "bracketed", random, in_use)
    return {owner: tags[place * count : (place + 1) * count] for place, owner in enumerate(owners)}


def _wordings(
    define_type: DefineType, tag_texts: Sequence[Sequence[str]], random: np.random.Generator
) -> Iterator[tuple[str, dict[str, str]]]:
    """Different random choices of template, tag text and words, one for each of `tag_texts`, the tags it may have."""
    forms = define_type.templates or [template_of_order(define_type.order or MAIN_ORDER)]
    seen: set[tuple[str, ...]] = set()
    while len(seen) < len(tag_texts):
        choices: dict[str, Sequence[str]] = {"tag": tag_texts[len(seen)], **define_type.words}
        template = forms[int(random.integers(len(forms)))]
        used = [name for name in choices if name in placeholders(template)]
        words = {name: choices[name][int(random.integers(len(choices[name])))] for name in used}
        wording = (template, *words.values())
        if wording not in seen:
            seen.add(wording)
            yield template, words
