"""What a study may vary, for its figure of gaps against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AxisName = Literal["alpha", "model_size", "batch_size", "entities", "define_type", "plan"]


@dataclass(frozen=True)
class Axis:
    """How an axis is shown: its label, whether numbers stand on a logarithmic scale, or names in their places.

    section: of the configuration, whose entries decide where on the axis a cell lies.
    """

    label: str
    section: str
    log: bool = False
    names: bool = False


AXES: dict[AxisName, Axis] = {
    "alpha": Axis("α, correlation of tag and consistency", "define_types"),
    "model_size": Axis("parameters", "models", log=True),
    "batch_size": Axis("batch size", "plans", log=True),
    "entities": Axis("aliases", "datasets", log=True),
    "define_type": Axis("define type", "define_types", names=True),
    "plan": Axis("stage plan", "plans", names=True),
}
