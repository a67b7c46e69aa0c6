"""Interventions in training: what is done to gradients before a step, and to weights after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Intervention:
    """Called in every step: when the gradients are there, and when the weights have moved."""

    before_step: Callable[[], None] = _nothing
    after_step: Callable[[], None] = _nothing


NONE = Intervention()


def train_rows_only(model: Any, matrix: torch.nn.Parameter, rows: torch.Tensor) -> Intervention:
    """Nothing moves but some rows (n,) of a matrix."""

    def before_step() -> None:
        for parameter in model.parameters():
            if parameter is not matrix:
                parameter.grad = None
        if matrix.grad is not None:
            kept = torch.zeros_like(matrix.grad)
            kept[rows] = matrix.grad[rows]
            matrix.grad = kept

    return Intervention(before_step)


def train_all_but_rows(matrix: torch.nn.Parameter, rows: torch.Tensor) -> Intervention:
    """Everything moves but some rows (n,) of a matrix."""

    def before_step() -> None:
        if matrix.grad is not None:
            matrix.grad[rows] = 0

    return Intervention(before_step)


def keep_from_directions(matrix: torch.nn.Parameter, rows: torch.Tensor, directions: torch.Tensor) -> Intervention:
    """Rows (n,) of a matrix do not move in some directions (k, width), orthonormal, from where they are now.

    What is taken away is taken from the weights, after the step: an optimizer that scales each number of a gradient by
    itself, such as Adam, would turn a projected gradient back into these directions.
    """
    start = matrix.detach()[rows].clone()

    def after_step() -> None:
        with torch.no_grad():
            moved = matrix[rows] - start
            matrix[rows] -= (moved @ directions.T) @ directions

    return Intervention(after_step=after_step)
