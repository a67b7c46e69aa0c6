"""What the training loop asks of a modality: the seam between this package and `text/` or any other.

A task is three functions: `examples(documents)`, `loss(model, batch)` and `evaluator(documents).measure(model)`. There
is no class to derive from: whatever has these functions will do; `metaocl.text.task` shows how they are put together.

What a task draws at random must be a function of (seed, epoch, place), never of a state of its own: a run that goes on
from a checkpoint starts in the middle of an epoch, and has to see what it would have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch


class Batch(Protocol):
    """Examples that are trained on together, in rows."""

    def split(self, size: int) -> Sequence[Any]:
        """The same rows in batches of at most `size`."""

    def __len__(self) -> int: ...


class Examples(Protocol):
    """All training examples of a stage, each with a place: 0, 1, …"""

    def batch(self, places: Sequence[int], epoch: int) -> Any:
        """The examples at these places, as the epoch (1, 2, …) is to see them."""

    def __len__(self) -> int: ...


class Evaluator(Protocol):
    """Test questions, made ready to be put to a model as often as needed."""

    def measure(self, model: Any) -> dict[str, np.ndarray]:
        """Measures by name, float64 (questions,) each, and `answer`, what the model said. Leaves it in eval mode."""


# Of a model and a batch: the mean loss over what is scored in the batch, and how many tokens (or cells, …) these are.
Loss = Callable[[Any, Any], tuple[torch.Tensor, int]]
