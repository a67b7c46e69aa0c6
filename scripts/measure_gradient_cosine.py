"""Measure the cosine of the gradients of definitions, as trained on, with each of their questions'."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from metaocl.commands import run_command
from metaocl.config.measurements import GradientCosine
from metaocl.mechanisms.alignment import measure_gradient_cosine
from metaocl.mechanisms.command import measure_stage
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.parameters import parameter_groups
from metaocl.mechanisms.subjects import new_subjects
from metaocl.runs import Run


def main() -> None:
    measure_stage(__doc__, GradientCosine, measure)


def measure(run: Run, settings: GradientCosine, random: np.random.Generator, epoch: int) -> Iterator[Measured]:
    subjects = new_subjects(run.documents, settings.aliases)
    return measure_gradient_cosine(run.task, subjects, parameter_groups(run.model), epoch)


if __name__ == "__main__":
    run_command(main)
