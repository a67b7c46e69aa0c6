"""Numbers that are not finite end a run: a loss, a gradient norm or a weight; what they lead to is no finding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from metaocl.errors import UserError
from metaocl.training.history import History

NAMED = 8  # documents of a batch that a message names


class NotFiniteError(UserError):
    """A loss, gradient norm or weight that is not finite; the message names the step or the folder."""


@dataclass(frozen=True)
class Step:
    """An optimizer step: its number (1, 2, …), its learning rate, and its batch.

    places: of the batch among the examples. tokens: how many of the batch's the loss is the mean over.
    """

    number: int
    rate: float
    places: Sequence[int]
    tokens: int

    def __str__(self) -> str:
        named = ", ".join(map(str, self.places[:NAMED]))
        more = f" and {len(self.places) - NAMED} more" if len(self.places) > NAMED else ""
        return f"step {self.number}, at a learning rate of {self.rate:g}, on the documents at {named}{more} (from 0)"


class Watch:
    """Looks at every step's loss and gradient norm, and notes them; raises NotFiniteError at one that is not finite.

    On a GPU a step is looked at when the next one has been handed over, as the GPU would have nothing to do while this
    process waits for its numbers. So `look` before anything is kept of the last step.
    """

    def __init__(self) -> None:
        self.history = History()
        self.waiting: tuple[Step, torch.Tensor, torch.cuda.Event] | None = None

    def see(self, step: Step, loss: torch.Tensor, norm: torch.Tensor) -> None:
        """Take a step's numbers; those of the step before are looked at now, and on a CPU these, too."""
        numbers = torch.stack([loss.detach().float(), norm.detach().float()])
        self.look()
        if not numbers.is_cuda:
            self._note(step, numbers)
            return
        copy = torch.empty(2, pin_memory=True).copy_(numbers, non_blocking=True)
        copied = torch.cuda.Event()
        copied.record()
        self.waiting = step, copy, copied

    def look(self) -> None:
        """Look at the step that waits for it, if one does."""
        if self.waiting is not None:
            (step, copy, copied), self.waiting = self.waiting, None
            copied.synchronize()
            self._note(step, copy)

    def _note(self, step: Step, numbers: torch.Tensor) -> None:
        loss, norm = numbers.tolist()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise NotFiniteError(f"{step}: the loss is {loss:g} and the gradient norm {norm:g}; they must be finite")
        self.history.add(step=step.number, loss=loss, gradient_norm=norm, learning_rate=step.rate, tokens=step.tokens)


def check_weights(model: Any, where: object) -> None:
    """Raises NotFiniteError for a weight that is not finite; `where` says to a person which model it is."""
    for name, weight in model.state_dict().items():
        # The least and the greatest of them: no other numbers need memory.
        if weight.is_floating_point() and weight.numel() and not torch.stack(weight.aminmax()).isfinite().all():
            raise NotFiniteError(f"{where}: the weight {name} holds numbers that are not finite")
