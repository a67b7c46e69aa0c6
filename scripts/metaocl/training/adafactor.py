"""Adafactor with a fixed rate, as in transformers, but without a loop over the parameters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import torch

DECAY = 0.8
SMALLEST_SQUARE = 1e-30
LARGEST_UPDATE = 1.0  # root mean square, before the rate
# Numbers that are copied side by side at once; larger matrices go by themselves. More leave a CPU's cache: with
# 2**23 a step for SmolLM2-135M takes 1.7 times as long. A GPU wants few calls (not measured yet).
MOST_STACKED = {"cpu": 2**20, "cuda": 2**23}


class Adafactor(torch.optim.Optimizer):
    """Adafactor (Shazeer & Stern 2018, arXiv 1804.04235) without momentum, warm-up and scaling by the parameters.

    Does what transformers' Adafactor does with scale_parameter=False and relative_step=False, and keeps the same of
    each parameter, but takes parameters of one shape together, for a GPU that is told of every one by itself waits for
    the telling. On one CPU thread a step takes 0.6 (SmolLM2-135M) and 0.7 (set inclusion's model) of its time.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float) -> None:
        super().__init__(groups, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for parameters in self._stacks(group["params"]):
                self._update(parameters, group["lr"])

    def _stacks(self, parameters: Iterable[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
        """Those that have a gradient, in lists of one shape and one number of steps that are not too large."""
        alike: defaultdict[tuple[torch.Size, int], list[torch.Tensor]] = defaultdict(list)
        for parameter in parameters:
            if parameter.grad is not None:
                state = self.state[parameter]
                if not state:
                    state |= {"step": 0} | _first_averages(parameter)
                state["step"] += 1
                alike[parameter.shape, state["step"]].append(parameter)
        for (shape, _), found in alike.items():
            size = max(1, MOST_STACKED[found[0].device.type] // shape.numel())
            yield from (found[start : start + size] for start in range(0, len(found), size))

    def _update(self, parameters: list[torch.Tensor], rate: float) -> None:
        """A step of parameters of one shape, each as if it were alone."""
        states = [self.state[parameter] for parameter in parameters]
        gradients = torch.stack([parameter.grad for parameter in parameters if parameter.grad is not None])
        new_share = states[0]["step"] ** -DECAY
        squares = gradients.square()
        if parameters[0].ndim > 1:
            rows = _average(states, "exp_avg_sq_row", squares.mean(dim=-1), new_share)
            columns = _average(states, "exp_avg_sq_col", squares.mean(dim=-2), new_share)
            row_factors = (rows / rows.mean(dim=-1, keepdim=True)).rsqrt_().unsqueeze(-1)
            updates = torch.mul(gradients, row_factors, out=squares).mul_(columns.unsqueeze(-2).rsqrt())
        else:
            updates = _average(states, "exp_avg_sq", squares, new_share).rsqrt().mul_(gradients)
        sizes = updates.flatten(1).norm(dim=1) / parameters[0].numel() ** 0.5
        scales = rate / (sizes / LARGEST_UPDATE).clamp_(min=1.0)
        updates.mul_(scales.view(-1, *[1] * parameters[0].ndim))
        torch._foreach_sub_(parameters, list(updates.unbind()))


def _first_averages(parameter: torch.Tensor) -> dict[str, torch.Tensor]:
    if parameter.ndim == 1:
        return {"exp_avg_sq": torch.zeros_like(parameter)}
    shape = parameter.shape
    rows, columns = parameter.new_zeros(shape[:-1]), parameter.new_zeros(shape[:-2] + shape[-1:])
    return {"exp_avg_sq_row": rows, "exp_avg_sq_col": columns}


def _average(states: list[dict[str, Any]], key: str, new: torch.Tensor, new_share: float) -> torch.Tensor:
    """The moving averages, side by side, after new mean squares have gone into them."""
    kept = [state[key] for state in states]
    torch._foreach_lerp_(kept, list(new.add_(SMALLEST_SQUARE).unbind()), new_share)
    return torch.stack(kept)
