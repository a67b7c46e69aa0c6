"""Measure what a model says that an alias is, behind each of the tags."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from metaocl.commands import run_command
from metaocl.config.measurements import TagSemantics
from metaocl.mechanisms.command import measure_stage
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.semantics import measure_tag_semantics
from metaocl.runs import Run


def main() -> None:
    measure_stage(__doc__, TagSemantics, measure)


def measure(run: Run, settings: TagSemantics, random: np.random.Generator, epoch: int) -> Iterator[Measured]:
    return measure_tag_semantics(run, epoch)


if __name__ == "__main__":
    run_command(main)
