"""Measure the loss of held-out questions about new aliases at the end of a plan."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from metaocl.commands import run_command
from metaocl.config.measurements import QuestionLoss
from metaocl.mechanisms.command import measure_stage
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.moments import at_the_end
from metaocl.mechanisms.question_loss import measure_question_loss
from metaocl.runs import Run


def main() -> None:
    measure_stage(__doc__, QuestionLoss, measure, moments=at_the_end)


def measure(run: Run, settings: QuestionLoss, random: np.random.Generator, epoch: int) -> Iterator[Measured]:
    return measure_question_loss(run, settings.aliases, epoch)


if __name__ == "__main__":
    run_command(main)
