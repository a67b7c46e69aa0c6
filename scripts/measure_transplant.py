"""Measure whether the effect of the tag goes with alias rows into another network."""

from __future__ import annotations

from collections.abc import Iterator

from metaocl.commands import run_command
from metaocl.config.measurements import Transplant
from metaocl.mechanisms.command import measure_pair
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.transplants import measure_transplant
from metaocl.text.runs import Run


def main() -> None:
    measure_pair(__doc__, Transplant, measure)


def measure(run: Run, twin: Run, settings: Transplant, epoch: int) -> Iterator[Measured]:
    return measure_transplant(run, twin, epoch)


if __name__ == "__main__":
    run_command(main)
