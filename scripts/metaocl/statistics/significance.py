"""Tests over stage-1 seeds, one-sided for a mean above 0: Student's t, exact sign flips; and Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special  # not scipy.stats, which takes a job half a second to import

from metaocl.statistics.intervals import moments

EXACT_UP_TO = 16  # seeds; 2^16 sign flips are enumerated, more are sampled
SAMPLED_FLIPS = 99_999


def t_statistic(values: np.ndarray) -> np.ndarray:
    """Student's t of the seeds along the last axis; nan without any spread, which t cannot judge."""
    seeds = moments(values)
    return seeds.mean / seeds.error


def t_test_p(t: np.ndarray | float, n_seeds: np.ndarray | int) -> np.ndarray:
    """One-sided p of Student's t for a mean above 0; that for a mean below 0 is the p of −t, more exact than 1 − p."""
    return special.stdtr(np.maximum(np.asarray(n_seeds) - 1, 1), -np.asarray(t))


def sign_flip_p(values: np.ndarray) -> float:
    """One-sided p of the mean under random signs: exact up to EXACT_UP_TO seeds."""
    if len(values) <= EXACT_UP_TO:
        return _exact_sign_flip_p(values)
    # Few studies have so many seeds.
    from scipy import stats

    test = stats.permutation_test(
        (values,),
        np.mean,
        permutation_type="samples",
        alternative="greater",
        n_resamples=SAMPLED_FLIPS,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    return float(test.pvalue)


def _exact_sign_flip_p(values: np.ndarray) -> float:
    """The share of all sign flips whose mean is at least the observed one."""
    flipped = np.arange(2 ** len(values)) >> np.arange(len(values))[:, None] & 1
    # One row per seed: all flips add their seeds in the same order.
    means = np.where(flipped, -values[:, None], values[:, None]).mean(axis=0)
    # Means that differ by rounding alone are equal; how far it reaches goes by the seeds, as a mean may be next to 0.
    rounding = 100 * np.finfo(float).eps * np.abs(values).max()
    return float((means >= values.mean() - rounding).mean())


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: rejecting what is at most 5 % errs at all in at most 5 % of studies (Holm 1979)."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(np.minimum(1, p[order] * np.arange(len(p), 0, -1)))
    return corrected.tolist()
