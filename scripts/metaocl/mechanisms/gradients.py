"""Gradients of single batches, and how they point: dot products, norms and cosines by group of parameters.

Nothing here knows a modality: a model, a loss and batches are all that is asked for. At most two gradients are held at
once, so the memory is that of the model and twice as much again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import torch

from metaocl.mechanisms.parameters import ALIAS_ROW, ALL, ALL_BUT_ROW
from metaocl.training.task import Batch, Loss

Gradient = dict[str, torch.Tensor]


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


def gradient_of(model: Any, loss: Loss, batch: Batch, only: str | None = None) -> Gradient:
    """The gradient of the mean loss of a batch, by parameter; parameters that it does not reach are left out.

    only: the one parameter that is asked for, by name.
    """
    named = {name: parameter for name, parameter in model.named_parameters() if only in (None, name)}
    mean, _ = loss(model, batch)
    found = torch.autograd.grad(mean, list(named.values()), allow_unused=True)
    return {name: gradient for name, gradient in zip(named, found, strict=True) if gradient is not None}


def compare(
    first: Gradient, second: Gradient, groups: Mapping[str, str], row: Row | None = None
) -> dict[str, Comparison]:
    """Two gradients in each group of parameters and in `all` of them.

    groups: the group of each parameter. row: becomes a group `alias_row` of its own, and `all_but_row` the rest.
    """
    sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for name in dict.fromkeys([*first, *second]):  # in one order, as sums are rounded
        products = _products(first.get(name), second.get(name))
        _add(sums[ALL], products)
        if row and name == row.parameter:
            own = _products(*(each[name][row.number] if name in each else None for each in (first, second)))
            _add(sums[ALIAS_ROW], own)
            products = [whole - part for whole, part in zip(products, own, strict=True)]
        _add(sums[groups[name]], products)
        if row:
            _add(sums[ALL_BUT_ROW], products)
    return {group: Comparison(dot, sqrt(max(one, 0.0)), sqrt(max(two, 0.0))) for group, (dot, one, two) in sums.items()}


def _products(first: torch.Tensor | None, second: torch.Tensor | None) -> list[float]:
    """Dot product and squared norms of two tensors; None is zero."""
    one, two = (None if each is None else each.detach().flatten() for each in (first, second))
    dot = 0.0 if one is None or two is None else float(one @ two)
    return [dot, *(0.0 if each is None else float(each @ each) for each in (one, two))]


def _add(sums: list[float], products: list[float]) -> None:
    for place, product in enumerate(products):
        sums[place] += product
