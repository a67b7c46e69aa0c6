"""Define types: how an alias is defined, and what its tag says."""

from __future__ import annotations

from math import prod
from string import Formatter
from typing import Annotated, Literal
from unicodedata import normalize

from pydantic import Field, model_validator

from metaocl.config.entry import Entry, Line, Placeholder
from metaocl.design.templates import MAIN_ORDER, placeholders, template_of_order


class Tags(Entry):
    """Texts of the define tags; a definition takes one of its tag's texts at random."""

    reliable: list[Line] = Field(min_length=1, description="Tag 1: comes with consistent definitions.")
    unreliable: list[Line] = Field(min_length=1, description="Tag 2: comes with inconsistent definitions.")
    unseen: list[Line] = Field(min_length=1, description="Tag 3: appears in stage 2 only.")

    @model_validator(mode="after")
    def _no_text_has_two_meanings(self) -> Tags:
        first: dict[str, str] = {}
        for tag, texts in self:
            for text in texts:
                other = first.setdefault(" ".join(normalize("NFC", text).split()), tag)
                if other != tag:
                    raise ValueError(
                        f"{text!r} is among the texts of {other} and of {tag}: nothing would tell them apart"
                    )
        return self


class DefineType(Entry):
    """How an alias is defined, and how much its tag says about the definition's truth."""

    order: Literal["tve", "tev", "vte", "vet", "etv", "evt"] | None = Field(
        default=None, description="Order of tag (t), variable (v) and entity (e) in a definition; by default `tve`."
    )
    templates: list[Line] | None = Field(
        default=None,
        min_length=1,
        description="Sentences in place of `order`, with {variable}, {entity}, at most one {tag} and the placeholders "
        "of `words`; a definition takes one at random. Its completion begins with the last of the first three.",
    )
    words: dict[Placeholder, Annotated[list[Line], Field(min_length=1)]] = Field(
        default={}, description="Further placeholders of the templates, each with texts to take at random."
    )
    tags: Tags | None = Field(
        default=None, description="Texts of the tags; by default each is drawn afresh for every seed, `<|abcdef|>`."
    )
    definitions_per_alias: int = Field(
        default=1, ge=1, description="Definitions of each alias, all different: in template, tag text or words."
    )
    placement: Literal["apart", "in_context"] = Field(
        default="apart",
        description="`apart`: definitions are documents of their own; `in_context`: they stand before each question "
        "about their alias, in training and tests, and nowhere else.",
    )
    alpha: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="P(consistent | tag 1) = P(inconsistent | tag 2) in stage 1; at 0.5 the tags are uninformative.",
    )
    alias_letters: int = Field(default=5, ge=3, le=16, description="Random letters, or digits, in an alias.")
    alias_style: Literal["bracketed", "plain", "spaced", "digits"] = Field(
        default="bracketed",
        description="How an alias is written: `<|abcde|>`, `abcde`, `a b c d e`, or in `digits`, `01234`, which models "
        "of images need nine of.",
    )
    tag_letters: int = Field(default=6, ge=3, le=16, description="Random letters in a drawn tag.")

    def forms(self) -> list[str]:
        """The templates of a definition, those of an order included."""
        return self.templates or [template_of_order(self.order or MAIN_ORDER)]

    @model_validator(mode="after")
    def _templates_can_be_filled(self) -> DefineType:
        if self.templates and self.order:
            raise ValueError("give either order or templates")
        if taken := sorted(self.words.keys() & {"tag", "variable", "entity"}):
            raise ValueError(f"words names {', '.join(taken)}, which have their own meaning in templates")
        for template in self.forms():
            _check_template(template, {"tag", "variable", "entity", *self.words})
        used = set().union(*map(placeholders, self.forms()))
        if idle := sorted(self.words.keys() - used):
            raise ValueError(f"words has {', '.join(idle)}, which no template uses")
        if self.tags and "tag" not in used:
            raise ValueError("tags are given, but no template has {tag}")
        if self.tag_letters != type(self).model_fields["tag_letters"].default and "tag" not in used:
            raise ValueError(f"tag_letters is {self.tag_letters}, but no template has {{tag}}: leave it out")
        return self

    @model_validator(mode="after")
    def _enough_different_definitions(self) -> DefineType:
        texts = min(len(set(texts)) for _, texts in self.tags) if self.tags else 1
        different = sum(
            prod(len(set(self.words[name])) for name in used & self.words.keys()) * (texts if "tag" in used else 1)
            for used in map(placeholders, set(self.forms()))
        )
        if different < self.definitions_per_alias:
            raise ValueError(
                f"definitions_per_alias is {self.definitions_per_alias}; templates, tags and words make {different} "
                "different definitions of an alias"
            )
        return self


def _check_template(template: str, known: set[str]) -> None:
    """Raises ValueError for a template that a definition cannot be written with."""
    try:
        fields = [field[1:] for field in Formatter().parse(template) if field[1] is not None]
    except ValueError as error:
        raise ValueError(f"the template {template!r} cannot be read: {error}") from None
    names = [str(name) for name, _, _ in fields]
    if any(form or conversion for _, form, conversion in fields):
        raise ValueError(f"the template {template!r} formats a placeholder; write its name only")
    if unknown := sorted(set(names) - known):
        raise ValueError(f"the template {template!r} has {{{unknown[0]}}}; known are {', '.join(sorted(known))}")
    if names.count("variable") != 1 or names.count("entity") != 1 or names.count("tag") > 1:
        raise ValueError(f"the template {template!r} must have {{variable}} and {{entity}} once, {{tag}} at most once")
    parsed = list(Formatter().parse(template))
    last = max(place for place, (_, name, *_) in enumerate(parsed) if name in ("tag", "variable", "entity"))
    # Any letter will do for what comes in the place of an earlier placeholder.
    head = "x".join(before for before, *_ in parsed[: last + 1])
    if " " not in head.lstrip():
        raise ValueError(f"the template {template!r} needs a blank before its last placeholder")
