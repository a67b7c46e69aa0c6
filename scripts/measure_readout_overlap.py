"""Measure whether definitions with a tag write into the directions of alias rows that questions read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from metaocl.commands import run_command
from metaocl.config.measurements import ReadoutOverlap
from metaocl.errors import UserError
from metaocl.mechanisms.command import measure_stage
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.readout import measure_readout_overlap
from metaocl.mechanisms.subjects import new_subjects
from metaocl.text.alias_rows import alias_rows
from metaocl.text.runs import Run


def main() -> None:
    measure_stage(__doc__, ReadoutOverlap, measure)


def measure(run: Run, settings: ReadoutOverlap, random: np.random.Generator, epoch: int) -> Iterator[Measured]:
    subjects = new_subjects(run.documents, settings.aliases)
    rows = alias_rows(run.tokenizer, [subject.alias for subject in subjects])
    if rows is None:
        raise UserError("readout_overlap is about the embedding rows of aliases; these have several tokens")
    return measure_readout_overlap(run.task, subjects, rows, random, epoch)


if __name__ == "__main__":
    run_command(main)
