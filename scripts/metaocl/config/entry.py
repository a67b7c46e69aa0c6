"""What all entries of a configuration share: strictness, the texts that they may hold, and the error."""

from __future__ import annotations

from argparse import ArgumentTypeError
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from metaocl.errors import UserError

# Slugs become folder names and appear in commands, so they may hold nothing that a shell or a path reads specially.
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=64)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
DecayRate = Annotated[float, Field(ge=0, lt=1)]
Accuracy = Annotated[float, Field(ge=0, le=1)]
LearningRate = Annotated[float, Field(gt=0, le=1)]  # above 1 an exponent was mistyped: 5e5 for 5e-5
# 0.33 in YAML means 33/100, not the nearest binary number, so that shares can sum to exactly 1; 1/3 may be written.
Share = Annotated[Fraction, BeforeValidator(lambda value: str(value) if isinstance(value, float) else value)]

# Texts that enter documents: a line break would end the document.
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\n\r]*$")]
Placeholder = Annotated[str, Field(pattern=r"^[a-z_]+$")]
# A file or a folder of the user's: Snakemake fills in what stands in brackets, and a script would take a leading hyphen
# for an option.
LocalPath = Annotated[str, Field(pattern=r"^[^-{}<>\n\r][^{}<>\n\r]*$")]


class ConfigError(UserError):
    """A configuration that cannot be run; the message names the file, the key, the value and what was expected."""


class Entry(BaseModel):
    """Base of all config entries: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # Keys that no job's result depends on.
    cosmetic: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def from_argument(cls, text: str) -> Self:
        """From JSON as a script is given it. Raises ArgumentTypeError, which argparse shows, with the keys."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            mistakes = [f"{'.'.join(map(str, each['loc'])) or 'JSON'}: {each['msg']}" for each in error.errors()]
            raise ArgumentTypeError("; ".join(mistakes)) from None

    @model_validator(mode="before")
    @classmethod
    def _truth_is_no_number(cls, given: Any) -> Any:
        """Python takes true for 1, so `epochs: true` would train for one epoch."""
        for key, value in given.items() if isinstance(given, dict) else ():
            values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
            kind = cls.model_fields[key].annotation if key in cls.model_fields else bool
            looks_itself = any(isinstance(each, type) and issubclass(each, Entry) for each in (kind, *get_args(kind)))
            if not looks_itself and "bool" not in str(kind) and any(isinstance(each, bool) for each in values):
                raise ValueError(f"{key} is {value}; it takes neither true nor false")
        return given
