"""What tells runs apart: the columns that tables, figures and pages share with the planning."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Cell:
    """One run through all stages of a plan."""

    dataset: str
    define_type: str
    model: str
    plan: str
    seed: int
    stage2_seed: int


# The columns by which tables tell cells apart: runs of one cell that differ in their seeds alone are repetitions.
SEEDS = ["seed", "stage2_seed"]
CELL = [field.name for field in fields(Cell) if field.name not in SEEDS]
