"""The random streams of a stage."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from metaocl.randomness import random_stream


def seed_training(stage_number: int, seeds: Sequence[int]) -> int:
    """Seed torch's global generator for a stage: for embeddings of new words, and dropout. Returns the seed of the
    order of its examples.

    Every stage and seed has a stream of its own: stage 2 of two seeds must not share its randomness.
    """
    weights_seed, order_seed = random_stream("training", stage_number, *seeds).integers(2**31, size=2).tolist()
    torch.manual_seed(weights_seed)
    return int(order_seed)
