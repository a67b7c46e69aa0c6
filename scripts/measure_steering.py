"""Measure whether the state of reliably defined aliases, added at question time, helps the others."""

from __future__ import annotations

from collections.abc import Iterator

from metaocl.commands import run_command
from metaocl.config.measurements import Steering
from metaocl.mechanisms.command import measure_pair
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.steering import measure_steering
from metaocl.text.runs import Run


def main() -> None:
    measure_pair(__doc__, Steering, measure)


def measure(run: Run, twin: Run, settings: Steering, epoch: int) -> Iterator[Measured]:
    return measure_steering(run, twin, settings.strength, epoch)


if __name__ == "__main__":
    run_command(main)
