"""Independent random streams that depend on nothing but a seed and a purpose."""

from __future__ import annotations

import hashlib

import numpy as np


def random_stream(purpose: str, *seeds: int) -> np.random.Generator:
    """A generator for one purpose: drawing more for one never shifts what another draws.

    The purpose enters by its SHA-256, not by Python's `hash`, which differs between processes. Zeros behind the other
    seeds count for nothing to NumPy, so stage-2 seed 0 draws what is drawn for the stage-1 seed alone for that purpose:
    definitions of new aliases are worded by the draws of those of stage 1, which are about other aliases.
    """
    digest = hashlib.sha256(purpose.encode()).digest()
    return np.random.default_rng([int.from_bytes(digest[:8], "big"), *seeds])
