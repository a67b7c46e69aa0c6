"""Prompts as tensors that stay in memory, in groups that are answered together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch

from metaocl.text.groups import Prompt, Prompts, Reading, pad, padding_side
from metaocl.text.trials import pick_reading


def group_prompts(
    model: Any, prompts: Sequence[Sequence[int]], limits: Sequence[int], tokens_at_once: int
) -> list[Prompts]:
    """Groups of tokenised prompts; the rests of a group, of similar length, are at most so many tokens with padding.

    limits: the most tokens of each prompt's answer.

    A model that allows no padding gets groups of one length, with no beginnings. Raises ModelError for a model that has
    no positions for the longest prompt and its answer.
    """
    tokens = [tuple(prompt) for prompt in prompts]
    if not tokens:
        return []
    reading = pick_reading(model, max(tokens, key=len), max(limits))
    share = reading.padded and not model.config.is_encoder_decoder
    shared = _shared_lengths(tokens) if share else [0] * len(tokens)
    groups: list[list[int]] = []
    lengths = [len(prompt) - length for prompt, length in zip(tokens, shared, strict=True)]
    # Within a length, equal beginnings side by side: the fewer a group has, the better.
    for row in sorted(range(len(tokens)), key=lambda row: (lengths[row], tokens[row])):
        fits = groups and (len(groups[-1]) + 1) * lengths[row] <= tokens_at_once
        if not fits or not (reading.padded or lengths[groups[-1][0]] == lengths[row]):
            groups.append([])
        groups[-1].append(row)
    return [_make_group(model, rows, tokens, shared, limits, reading) for rows in groups]


def _shared_lengths(prompts: Sequence[Prompt]) -> list[int]:
    """With how many tokens each prompt begins as at least one in fifty does; its last token is never among them.

    One in fifty makes the beginnings few, so that reading them costs little.
    """
    least = max(2, len(prompts) // 50)
    lengths = [0] * len(prompts)
    alike, length = list(range(len(prompts))), 0
    while alike:
        length += 1
        counts = Counter(prompts[row][:length] for row in alike)
        alike = [row for row in alike if len(prompts[row]) > length and counts[prompts[row][:length]] >= least]
        for row in alike:
            lengths[row] = length
    return lengths


def _make_group(
    model: Any,
    rows: Sequence[int],
    prompts: Sequence[Prompt],
    shared: Sequence[int],
    limits: Sequence[int],
    reading: Reading,
) -> Prompts:
    side, device = padding_side(model), model.device
    parts = [(prompts[row][: shared[row]], prompts[row][shared[row] :]) for row in rows]
    beginnings = {beginning: place for place, beginning in enumerate(dict.fromkeys(b for b, _ in parts))}
    begins_with = torch.tensor([beginnings[beginning] for beginning, _ in parts], device=device)
    rests = pad([rest for _, rest in parts], side, device)
    most = torch.tensor([limits[row] for row in rows], device=device)
    return Prompts(torch.tensor(rows), rests, pad(beginnings, side, device), begins_with, most, reading)
