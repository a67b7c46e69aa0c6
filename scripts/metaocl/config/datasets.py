"""Data sets: where facts come from, and how their entities are divided."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from metaocl.config.entry import Entry, Share
from metaocl.config.sources import Modular, SetInclusion, Source
from metaocl.design.subsets import MAIN_SHARES, REAL_NAMES, Subset, apportion, held_out_questions


class Dataset(Entry):
    """Where the facts come from and how its entities are divided into subsets."""

    source: Source = Field(
        description="Source of facts: `people`, `cities`, `cvdb`, `trex`, `table`, `set_inclusion`, `modular` or "
        "`grids`; or a table with that `kind` and the keys of the source, below."
    )
    entities: int = Field(ge=2, description="How many entities to take, the best known first.")
    variables: int | None = Field(
        default=None,
        ge=2,
        description="How many aliases to define. By default each entity gets exactly one, as in the paper; with a "
        "number each alias stands for a random entity, so several may share one.",
    )
    held_out_share: Share = Field(
        default=Fraction(1, 6),
        gt=0,
        lt=1,
        description="Share of the questions about an alias of stage 1 kept for testing (rounded, at least one).",
    )
    test_sets: list[Literal["attribution", "letters"]] = Field(
        default=["attribution"],
        description="Test sets beside the held-out questions: `attribution` (who is meant, in four phrasings; for "
        "inconsistent definitions also scored against the entity that they name) and `letters` (first, second and last "
        "letter of the name).",
    )
    shares: dict[Subset, Annotated[Share, Field(ge=0, le=1)]] = Field(
        default=MAIN_SHARES,
        validate_default=True,
        description="Share of the aliases in each subset; they sum to 1. Defaults to the paper's main experiment.",
    )

    @field_validator("test_sets")
    @classmethod
    def _are_named_once(cls, given: list[str]) -> list[str]:
        if len(set(given)) != len(given):
            raise ValueError("list each test set once")
        return given

    @model_validator(mode="after")
    def _sets_have_questions_to_test(self) -> Dataset:
        usual = type(self).model_fields["held_out_share"].default
        if isinstance(self.source, SetInclusion) and self.held_out_share != usual:
            raise ValueError(
                f"held_out_share is {self.held_out_share}; set_inclusion has questions of its own for testing, as many "
                "as for training: leave it out"
            )
        return self

    @model_validator(mode="after")
    def _remainders_do_not_identify(self) -> Dataset:
        if not isinstance(self.source, Modular):
            return self
        if self.entities > self.source.numbers:
            raise ValueError(f"entities is {self.entities}; there are {self.source.numbers} numbers to draw from")
        # Numbers agree in some remainders if they differ by a multiple of the primes' product, so every number shares
        # its remainders with another one as soon as there are twice as many.
        primes = sorted(self.source.primes)
        trained = primes[held_out_questions(len(primes), self.held_out_share) :]
        if 2 * prod(trained) > self.source.numbers:
            raise ValueError(
                f"numbers is {self.source.numbers}; training on remainders modulo {', '.join(map(str, trained))} would "
                f"tell which number a variable is: take {2 * prod(trained)} numbers or more, or hold out more questions"
            )
        return self

    @model_validator(mode="after")
    def _shares_are_usable(self) -> Dataset:
        if (total := sum(self.shares.values())) != 1:
            raise ValueError(f"shares sum to {float(total):g}; they must sum to 1")
        named = apportion(self.variables or self.entities, self.shares).get(REAL_NAMES, 0)
        if named > self.entities:
            raise ValueError(
                f"the subset {REAL_NAMES} asks about entities by their own names, each once: its share comes to "
                f"{named}, and entities is {self.entities}"
            )
        return self
