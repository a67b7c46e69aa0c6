"""Gradients of single batches, and how they point: dot products, norms and cosines by group of parameters.

Nothing here knows a modality: a model, a loss and batches are all that is asked for. A gradient that is compared with
held ones is taken parameter by parameter, so that whoever holds two needs the memory of the model and twice as much
again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import sqrt
from typing import Any

import torch

from metaocl.mechanisms.parameters import ALIAS_ROW, ALL, ALL_BUT_ROW
from metaocl.training.task import Batch, Loss

# Of two gradients of one parameter: dot product and squared norms, and those of the row that is a group of its own.
Products = tuple[list[float], list[float] | None]


@dataclass(frozen=True)
class Gradient:
    """The gradient of a mean loss: its part for each parameter that it reaches, and that part's squared norm."""

    parts: dict[str, torch.Tensor]
    squares: dict[str, float]


@dataclass(frozen=True)
class Row:
    """One row of a matrix, which is to be a group of its own: the parameter's name, and the row's number."""

    parameter: str
    number: int


@dataclass(frozen=True)
class Comparison:
    """Two gradients in one group of parameters: their dot product and their norms."""

    dot: float
    first_norm: float
    second_norm: float

    @property
    def cosine(self) -> float:
        """0 where one of the gradients is zero: it points nowhere."""
        norms = self.first_norm * self.second_norm
        return self.dot / norms if norms else 0.0


def gradient_of(model: Any, loss: Loss, batch: Batch) -> Gradient:
    """The gradient of the mean loss of a batch."""
    named = dict(model.named_parameters())
    mean, _ = loss(model, batch)
    found = torch.autograd.grad(mean, list(named.values()), allow_unused=True)
    parts = {name: part for name, part in zip(named, found, strict=True) if part is not None}
    return Gradient(parts, {name: _dot(part, part) for name, part in parts.items()})


def compare_with(
    held: Sequence[Gradient], model: Any, loss: Loss, batch: Batch, groups: Mapping[str, str], row: Row | None = None
) -> list[dict[str, Comparison]]:
    """The gradient of the mean loss of a batch against each of some that are held, in each group of parameters and in
    `all` of them.

    It is never there as a whole: what is asked of a parameter's part is computed as soon as that is there. groups: the
    group of each parameter. row: becomes a group `alias_row` of its own, and `all_but_row` the rest.
    """
    named = dict(model.named_parameters())
    found: dict[str, list[Products]] = {}

    def take(name: str, parameter: torch.Tensor) -> None:
        part, parameter.grad = parameter.grad, None
        square = _dot(part, part)
        whole = [[_dot(part, each.parts.get(name)), square, each.squares.get(name, 0.0)] for each in held]
        own: list[list[float] | None] = [None] * len(held)
        if row and row.parameter == name:
            own = [_products(part, each.parts.get(name), row.number) for each in held]
        found[name] = list(zip(whole, own, strict=True))

    hooks = [each.register_post_accumulate_grad_hook(partial(take, name)) for name, each in named.items()]
    try:
        mean, _ = loss(model, batch)
        mean.backward()
    finally:
        for hook in hooks:
            hook.remove()
    for name in {name for each in held for name in each.parts} - {*found}:  # which it does not reach
        take(name, named[name])
    # In one order, as sums are rounded.
    reached = [name for name in named if name in found]
    return [_by_group({name: found[name][place] for name in reached}, groups, row) for place in range(len(held))]


def _products(first: torch.Tensor | None, second: torch.Tensor | None, row: int) -> list[float]:
    """Dot product and squared norms of a row of two gradients of one parameter; None is zero."""
    one, two = (None if each is None else each[row] for each in (first, second))
    return [_dot(one, two), _dot(one, one), _dot(two, two)]


def _dot(one: torch.Tensor | None, other: torch.Tensor | None) -> float:
    return 0.0 if one is None or other is None else float(one.detach().flatten() @ other.detach().flatten())


def _by_group(products: Mapping[str, Products], groups: Mapping[str, str], row: Row | None) -> dict[str, Comparison]:
    sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for name, (whole, own) in products.items():
        _add(sums[ALL], whole)
        if own:
            _add(sums[ALIAS_ROW], own)
            whole = [all_rows - one for all_rows, one in zip(whole, own, strict=True)]
        _add(sums[groups[name]], whole)
        if row:
            _add(sums[ALL_BUT_ROW], whole)
    return {group: Comparison(dot, sqrt(max(one, 0.0)), sqrt(max(two, 0.0))) for group, (dot, one, two) in sums.items()}


def _add(sums: list[float], products: list[float]) -> None:
    for place, product in enumerate(products):
        sums[place] += product
