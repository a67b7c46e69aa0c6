"""Every alias defined with every tag: what measurements of gradients ask for, and what trains with other tags.

The tag of an alias's definition is drawn with its subset. Only the same alias, defined with either tag, tells what the
tag does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from metaocl.config.define_types import DefineType
from metaocl.design.subsets import REAL_NAMES, SUBSET_OF_TAG, TAG_OF_SUBSET
from metaocl.documents.definitions import define_aliases
from metaocl.documents.records import Alias, Document

COUNTERFACTUAL = "counterfactual_definitions"
SWAPPED = {"reliable": "unreliable", "unreliable": "reliable", "unseen": "unseen"}


def write_counterfactuals(
    stage1_aliases: Sequence[Alias], new_aliases: Sequence[Alias], define_type: DefineType, seed: int, stage2_seed: int
) -> list[Document]:
    """True definitions of every alias with each tag, whatever its own is; `attribute` names the tag.

    The tag that stage 1 has not seen is among them where some new alias has it, as else no model learns its word. With
    one text per tag the definition of a new alias with its own tag is the one that training has.
    """
    earlier = [alias for alias in stage1_aliases if alias.subset not in (REAL_NAMES, "stage2")]
    used = {"d1consis", "d2consis", *(alias.subset for alias in new_aliases)}
    groups = [(earlier, (seed,)), ([a for a in new_aliases if a.defined_as is not None], (seed, stage2_seed))]
    return [
        Document(COUNTERFACTUAL, alias.subset, alias.alias, tag, *text)
        for aliases, seeds in groups
        for tag, subset in SUBSET_OF_TAG.items()
        if subset in used
        for alias, texts in zip(aliases, _define(aliases, subset, define_type, seeds), strict=True)
        for text in texts
    ]


def tag_in_training(subset: str, tags: str) -> str:
    """The tag of a new definition in training; tags: as in `with_tags`."""
    own = TAG_OF_SUBSET[subset]
    return {"own": own, "swapped": SWAPPED[own]}.get(tags, tags.removeprefix("all_"))


def with_tags(documents: Sequence[Document], tags: str, counterfactuals: Sequence[Document]) -> list[Document]:
    """Documents in their order, the new definitions with other tags.

    tags: "own", "swapped" (the reliable for the unreliable one, and the other way round; a tag that stage 1 has not
    seen stays), "all_reliable" or "all_unreliable".
    """
    if tags == "own":
        return list(documents)
    texts: dict[tuple[str, str], list[Document]] = {}
    for document in counterfactuals:
        texts.setdefault((document.alias, document.attribute), []).append(document)
    waiting = {key: iter(found) for key, found in texts.items()}
    chosen = []
    for document in documents:
        if document.part == "new_definitions":
            found = next(waiting[document.alias, tag_in_training(document.subset, tags)])
            document = replace(document, prompt=found.prompt, completion=found.completion)
        chosen.append(document)
    return chosen


def _define(
    aliases: Sequence[Alias], subset: str, define_type: DefineType, seeds: Sequence[int]
) -> list[list[tuple[str, str]]]:
    """The definitions of each alias as if it were in a subset of new definitions."""
    moved = [replace(alias, subset=subset, defined_as=alias.name) for alias in aliases]
    definitions = define_aliases(moved, define_type, *seeds)
    return [list(definitions[alias.alias]) for alias in aliases]
