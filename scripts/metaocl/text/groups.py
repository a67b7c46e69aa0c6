"""Prompts that are answered together, as tensors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch

Prompt = tuple[int, ...]


@dataclass(frozen=True)
class Padded:
    """Rows of tokens, int64 (rows, longest), and which of them are real, bool of the same shape."""

    tokens: torch.Tensor
    mask: torch.Tensor


@dataclass(frozen=True)
class Reading:
    """How a model reads prompts and writes answers; the first is the fastest, the last is open to every model.

    padded: prompts of a group differ in length, and a causal model reads beginnings that they share once.
    cached: the model keeps what it has read; else it reads prompt and answer anew for every token.
    """

    padded: bool
    cached: bool


READINGS = Reading(padded=True, cached=True), Reading(padded=False, cached=True), Reading(padded=False, cached=False)


@dataclass(frozen=True)
class Prompts:
    """Prompts that are answered together, each in two parts: a beginning, which others have too, and the rest.

    Beginnings are read once per group. Prompts are of a few wordings around an alias, and what stands before it is
    42 % of all their tokens in the laptop study, and 43 % in that of cities.

    places: int64 (prompts,), where they stand among all prompts; on the CPU.
    rests: a row per prompt; none is empty.
    beginnings: a row per different beginning; any may be empty.
    begins_with: int64 (prompts,), the row of each prompt's beginning.
    limits: int64 (prompts,), the most tokens that each answer may have.
    reading: how they are read; unless it is padded, nothing is masked and all beginnings are empty.
    """

    places: torch.Tensor
    rests: Padded
    beginnings: Padded
    begins_with: torch.Tensor
    limits: torch.Tensor
    reading: Reading = READINGS[0]

    def halves(self) -> list[Prompts]:
        """The same prompts in two groups, each with all beginnings."""
        size = -(-len(self) // 2)
        tokens, masks = self.rests.tokens.split(size), self.rests.mask.split(size)
        rests = [Padded(*part) for part in zip(tokens, masks, strict=True)]
        parts = zip(self.places.split(size), rests, self.begins_with.split(size), self.limits.split(size), strict=True)
        return [replace(self, places=p, rests=r, begins_with=b, limits=limits) for p, r, b, limits in parts]

    def __len__(self) -> int:
        return len(self.places)


def padding_side(model: Any) -> str:
    """On the left, so that all answers of a group begin at one place; for an encoder on the right."""
    return "right" if model.config.is_encoder_decoder else "left"


def pad(rows: Iterable[Prompt], side: str, device: torch.device, width: int = 0) -> Padded:
    """Rows padded on one side, with a token that nobody sees, to the longest of them or to a greater width."""
    lengths = torch.tensor([len(row) for row in rows]).unsqueeze(1)
    longest = max(int(lengths.max()), width)
    places = torch.arange(longest)
    mask = places < lengths if side == "right" else places >= longest - lengths
    tokens = torch.zeros(mask.shape, dtype=torch.int64)
    tokens[mask] = torch.tensor([token for row in rows for token in row], dtype=torch.int64)
    return Padded(tokens.to(device), mask.to(device))
