"""Independent random streams that depend on nothing but a seed and a purpose."""

from __future__ import annotations

import hashlib

import numpy as np


def random_stream(purpose: str, *seeds: int) -> np.random.Generator:
    """A generator for one purpose: drawing more for one never shifts what another draws.

    The purpose enters by its SHA-256, not by Python's `hash`, which differs between processes.
    """
    digest = hashlib.sha256(purpose.encode()).digest()
    return np.random.default_rng([int.from_bytes(digest[:8], "big"), *seeds])
