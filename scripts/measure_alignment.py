"""Measure how the gradients of definitions, with every tag, align with those of their aliases' questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from metaocl.commands import run_command
from metaocl.config.measurements import Alignment
from metaocl.mechanisms.alignment import measure_alignment
from metaocl.mechanisms.command import measure_stage
from metaocl.mechanisms.gradients import Row
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.parameters import embedding_name, parameter_groups
from metaocl.mechanisms.subjects import Subject, new_subjects
from metaocl.runs import Run


def main() -> None:
    measure_stage(__doc__, Alignment, measure)


def measure(run: Run, settings: Alignment, random: np.random.Generator, epoch: int) -> Iterator[Measured]:
    subjects = new_subjects(run.documents, settings.aliases)
    return measure_alignment(run.task, subjects, parameter_groups(run.model), _rows(run, subjects), epoch)


def _rows(run: Any, subjects: Sequence[Subject]) -> dict[str, Row] | None:
    """The embedding row of each alias, where aliases have one of their own."""
    if run.modality != "text":
        return None
    from metaocl.text.alias_rows import alias_rows  # which takes seconds to import

    tokens = alias_rows(run.tokenizer, [subject.alias for subject in subjects])
    name = embedding_name(run.model)
    return None if tokens is None else {alias: Row(name, token) for alias, token in tokens.items()}


if __name__ == "__main__":
    run_command(main)
