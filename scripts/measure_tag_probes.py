"""Measure whether the tag of an alias's definition can be read from hidden states at question time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from metaocl.commands import run_command
from metaocl.config.measurements import TagProbes
from metaocl.mechanisms.command import measure_stage
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.tag_probes import measure_tag_probes
from metaocl.runs import Run


def main() -> None:
    measure_stage(__doc__, TagProbes, measure)


def measure(run: Run, settings: TagProbes, random: np.random.Generator, epoch: int) -> Iterator[Measured]:
    return measure_tag_probes(run, random, epoch)


if __name__ == "__main__":
    run_command(main)
