"""Intervals over stage-1 seeds: of a mean, and of an effect size. Tables, pages, figures and claims use these alone.

Why Student's t: in simulated studies (`scripts/benchmarks/intervals.py`) it holds a true gap in 94 % of them or more
at any number of seeds from 2, also of few questions. Percentiles of a bootstrap hold it in half of them with 2 seeds
and in 91 % with 12; a studentised bootstrap has no end with 2 or 3 seeds, and often none with 4. Where chances vary
between seeds about as much as they are away from 0 or 1, gaps are skewed, and t holds 88 to 92 %; of an effect that
only few seeds show, 60 to 70 %. No interval over so few seeds can know of those that it did not see.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special  # not scipy.stats, which takes a job half a second to import

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Moments:
    """Number, mean and variance (n − 1) of the seeds of one series or of many; nan where the seeds cannot give them.

    The variance is exactly 0 where seeds differ by rounding alone.
    """

    n: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    @property
    def error(self) -> np.ndarray:
        """The standard error of the mean; nan without any spread, which is not an error of 0."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.where(self.variance > 0, self.variance, np.nan) / self.n)


def moments(values: np.ndarray) -> Moments:
    """The moments of seeds, which lie along the last axis of `values`; a seed that is nan is left out."""
    present = ~np.isnan(values)
    n = present.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(present, values, 0.0).sum(axis=-1) / n
        off = np.where(present, values - mean[..., None], 0.0)
        variance = (off * off).sum(axis=-1) / (n - 1)
    # Measures are shares of questions: what differs by less is the same share, summed in another order.
    equal = np.abs(off).max(axis=-1, initial=0.0) <= 1e-9 * np.abs(mean) + 1e-12
    return Moments(n, mean, np.where(equal & (n > 1), 0.0, np.where(n > 1, variance, np.nan)))


def mean_interval(values: np.ndarray, limits: tuple[float, float] = (-np.inf, np.inf)) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of the mean over stage-1 seeds by Student's t: its lower and its upper ends.

    values: one number per seed, along the last axis; nan for a seed that a series lacks. limits: the least and the
    largest value that there can be; the interval does not leave them. nan for a single seed, and for seeds that are
    all equal: without any spread nothing can be said of how far off the mean is.
    """
    seeds = moments(np.asarray(values, dtype=float))
    half = special.stdtrit(np.maximum(seeds.n - 1, 1), (1 + CONFIDENCE) / 2) * seeds.error
    low, high = limits
    return np.maximum(seeds.mean - half, low), np.minimum(seeds.mean + half, high)


def effect_size_interval(effect_size: float, n_seeds: int) -> tuple[float, float]:
    """Exact 95 % interval of Cohen's d, for normal differences (Cumming and Finch 2001).

    Its ends are the true effect sizes under which a d as large, or as small, as the observed one has probability 2.5 %.
    """
    if effect_size < 0:
        # Scipy's noncentral t distribution fails far below 0,
        low, high = effect_size_interval(-effect_size, n_seeds)
        return -high, -low
    if effect_size > (most := 1_000):
        # and far above it, where the interval is proportional to the effect size.
        low, high = effect_size_interval(most, n_seeds)
        return effect_size / most * low, effect_size / most * high
    # Only the job that estimates effects gets here; those that draw and judge need no root.
    from scipy import optimize

    root = float(np.sqrt(n_seeds))
    t = effect_size * root

    def excess(noncentrality: float, probability: float) -> float:
        return float(special.nctdtr(n_seeds - 1, noncentrality, t)) - probability

    lower_tail, upper_tail = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
    # For t = 0 the ends are the normal distribution's, ±1.96; for a larger t they lie higher.
    below, above = -2.0, t + 2
    while excess(above, lower_tail) > 0:
        above += above - below
    low = optimize.brentq(excess, below, t + 1, args=(upper_tail,))
    return float(low) / root, float(optimize.brentq(excess, t, above, args=(lower_tail,))) / root
