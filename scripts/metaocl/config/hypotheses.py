"""Hypotheses about mechanisms as data: typed entries of the files of hypotheses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from metaocl.config.claims import ContrastName, Part, refuse_known_ids
from metaocl.config.entry import ConfigError, Entry, Slug
from metaocl.config.parsing import describe_mistake
from metaocl.config.yaml_files import read_yaml

KEYS_AT = "scripts/metaocl/config/hypotheses.py"


class Prediction(Part):
    """What must be seen if a hypothesis holds: a part of a claim, or a relation between two contrasts."""

    id: Slug = Field(description="Name of the prediction.")
    statement: str = Field(min_length=1, description="The prediction in a sentence.")
    study: Slug = Field(description="The study that tests it.")
    relates_to: ContrastName | None = Field(
        default=None, description="A contrast: Spearman's correlation with it is predicted, in place of a mean."
    )
    over: Literal["seeds", "cells"] = Field(
        default="seeds", description="Correlate over the seeds, or over the means of the cells, four or more."
    )

    @model_validator(mode="after")
    def _relations_have_a_direction(self) -> Self:
        of_means = self.must_be == "within" or self.threshold or self.less or self.against or self.slope_along
        if self.relates_to and of_means:
            raise ValueError("a relation is predicted to be above or below 0, of one contrast in `cells`")
        if not self.relates_to and "over" in self.model_fields_set:
            raise ValueError("over is for a relation; give relates_to")
        return self


class Hypothesis(Entry):
    """A mechanism that may be at work."""

    id: Slug = Field(description="Name of the hypothesis.")
    statement: str = Field(min_length=1, description="The hypothesis in a sentence.")
    bed: str = Field(min_length=1, description="The model and data that the verdict is about.")
    predictions: list[Prediction] = Field(min_length=1, description="All must hold.")
    minimum_seeds: int = Field(default=10, ge=2, description="Fewest stage-1 seeds for a verdict.")


class Hypotheses(Entry):
    """The file of hypotheses."""

    hypotheses: list[Hypothesis] = Field(min_length=1, description="The hypotheses.")

    @model_validator(mode="after")
    def _no_id_twice(self) -> Self:
        if doubled := [name for name, count in Counter(_ids(self.hypotheses)).items() if count > 1]:
            raise ValueError(f"hypotheses has the id {', '.join(doubled)} more than once")
        return self


def read_hypotheses(files: Sequence[Path]) -> list[Hypothesis]:
    """The hypotheses of one file or several.

    Raises ConfigError for a mistake in a file, and for an id, of a hypothesis or of a prediction, that is in two.
    """
    found: list[Hypothesis] = []
    for file in files:
        hypotheses = parse_hypotheses(read_yaml(file), str(file))
        refuse_known_ids(set(_ids(found)), _ids(hypotheses), file)
        found += hypotheses
    return found


def _ids(hypotheses: Sequence[Hypothesis]) -> list[str]:
    """Those of hypotheses, and those of their predictions."""
    return [each.id for each in hypotheses] + [prediction.id for each in hypotheses for prediction in each.predictions]


def parse_hypotheses(raw: object, origin: str) -> list[Hypothesis]:
    """The typed form of `raw`, as YAML gives it; `origin` names its file in messages.

    Raises ConfigError with one line per mistake.
    """
    try:
        return Hypotheses.model_validate(raw).hypotheses
    except ValidationError as error:
        lines = [describe_mistake(mistake, origin, mistake["loc"], KEYS_AT) for mistake in error.errors()]
        raise ConfigError("\n".join(lines)) from None
