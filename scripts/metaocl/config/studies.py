"""Studies: grids of cells."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from metaocl.config.entry import Entry, Seed, Slug
from metaocl.design.axes import AxisName


class Study(Entry):
    """A grid of cells: every combination of the lists below. Cells that several studies need are made once."""

    cosmetic: ClassVar[frozenset[str]] = frozenset({"description", "axis"})

    description: str = Field(default="", description="What is varied and what it is compared with, in one sentence.")
    axis: AxisName | None = Field(
        default=None,
        description="What is varied, for a figure of the gaps against it: `alpha` of the define type, `model_size` "
        "(`parameters`), `batch_size` of the last stage (times `accumulate`), `entities` of the data set (its "
        "`variables` if it has them), or the names of `define_type` or `plan`.",
    )
    datasets: list[Slug] = Field(min_length=1, description="Entries of `datasets`.")
    define_types: list[Slug] = Field(min_length=1, description="Entries of `define_types`.")
    models: list[Slug] = Field(min_length=1, description="Entries of `models`.")
    plans: list[Slug] = Field(min_length=1, description="Entries of `plans`.")
    seeds: list[Seed] = Field(
        min_length=1, description="Stage-1 seeds, the unit of analysis: aliases, tags, subsets and order of training."
    )
    stage2_seeds: list[Seed] = Field(
        default=[0], min_length=1, description="Stage-2 seeds, each a new division of the stage-2 aliases."
    )

    measurements: list[Slug] = Field(
        default=[], description="Entries of `measurements`, made of every cell; their numbers join the study's tables."
    )
    paired: bool = Field(
        default=False,
        description="Whether every last stage is also run with the reliable and the unreliable tag swapped, so that "
        "contrasts between tags compare each new alias with itself. As many last stages again.",
    )

    @model_validator(mode="after")
    def _nothing_twice(self) -> Study:
        for key, values in self:
            if isinstance(values, list) and (doubled := sorted({v for v in values if values.count(v) > 1}, key=str)):
                raise ValueError(f"{key} lists {', '.join(map(str, doubled))} more than once")
        return self
