"""Read-out overlap: do definitions with a tag write into the directions of an alias's row that questions read?

It needs no right answers. With C the second moments of the gradients with respect to an alias's own row of the losses
towards random answers (questions) or random names (definitions with a tag), the overlap of two such sets is
⟨C, C'⟩ / (‖C‖ ‖C'‖): 1 where they span the same directions with the same weights, 0 where these are at right angles.

It is of define types whose definitions end with the entity (order tve or vte, or templates with {entity} last): what
others end with is no name, but a tag or the alias itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.subjects import Subject
from metaocl.text.alias_rows import second_moments
from metaocl.text.task import TextTask


def measure_readout_overlap(
    task: TextTask, subjects: Sequence[Subject], rows: dict[str, int], random: np.random.Generator, epoch: int
) -> Iterator[Measured]:
    """For each tag, the overlap of what its definitions write and what questions read, over all aliases at once."""
    read = second_moments(task, [each for subject in subjects for each in subject.questions], rows, random)
    for tag in subjects[0].definitions:
        definitions = [each for subject in subjects for each in subject.definitions[tag]]
        written = second_moments(task, definitions, rows, random)
        yield Measured(epoch, "all", "", tag, "", "readout_overlap", len(subjects), overlap(read, written))


def overlap(one: torch.Tensor, other: torch.Tensor) -> float:
    """The cosine of two matrices."""
    return float((one * other).sum() / (one.norm() * other.norm()))
