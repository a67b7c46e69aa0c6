"""How much of a gap's spread is the base models' and how much the seeds', from a crossed design: every base with every
seed, once.

Two-way random effects without replication: gap = mean + base + seed + rest, whose variances are estimated from mean
squares (Searle, Casella & McCulloch, Variance Components, 1992, ch. 4); a negative estimate is taken for 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special


@dataclass(frozen=True)
class Components:
    """Variances of a gap in its own unit, squared.

    rest: that of a base and a seed together, and of all else. p_base, p_seed: F tests of no variance between them.
    """

    base: float
    seed: float
    rest: float
    p_base: float
    p_seed: float

    def standard_error(self, n_seeds: int, *, own_base: bool) -> float:
        """Of a mean over seeds, each with a base model of its own or all with one."""
        within = self.seed + self.rest
        return float(np.sqrt((self.base + within) / n_seeds if own_base else self.base + within / n_seeds))


def variance_components(gaps: np.ndarray) -> Components:
    """The components from gaps in the shape (bases, seeds), two or more of either, none missing."""
    bases, seeds = gaps.shape
    mean = gaps.mean()
    of_base, of_seed = gaps.mean(axis=1), gaps.mean(axis=0)
    rest = gaps - of_base[:, None] - of_seed[None, :] + mean
    freedom = (bases - 1) * (seeds - 1)
    squares_base, squares_seed = seeds * of_base.var(ddof=1), bases * of_seed.var(ddof=1)
    squares_rest = float((rest**2).sum() / freedom)
    return Components(
        base=max(0.0, float(squares_base - squares_rest) / seeds),
        seed=max(0.0, float(squares_seed - squares_rest) / bases),
        rest=squares_rest,
        p_base=float(special.fdtrc(bases - 1, freedom, squares_base / squares_rest)),
        p_seed=float(special.fdtrc(seeds - 1, freedom, squares_seed / squares_rest)),
    )
