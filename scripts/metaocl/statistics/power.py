"""How sure a study is to find an effect, and how many seeds that takes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special  # not scipy.stats, which takes a job half a second to import

from metaocl.design.contrasts import SIGNIFICANCE

WANTED_POWER = 0.8
MOST_SEEDS = 1_000_000  # an effect that needs more is as good as none


def t_test_power(effect_size: float, n_seeds: int, significance: float = SIGNIFICANCE) -> float:
    """Power of the one-sided paired t test with `n_seeds` (2 or more), from the noncentral t distribution."""
    critical = special.stdtrit(n_seeds - 1, significance)
    # The upper tail is the lower one of the mirrored distribution, exact where it is small;
    power = float(special.nctdtr(n_seeds - 1, -effect_size * np.sqrt(n_seeds), critical))
    # where it is too small for a number, scipy gives nan.
    return 0.0 if np.isnan(power) and effect_size < 0 else power


def seeds_for_power(effect_size: float) -> int | None:
    """The fewest stage-1 seeds with which that test has a power of 80 %; None if MOST_SEEDS would not do."""
    return fewest_seeds(lambda n_seeds: t_test_power(effect_size, n_seeds) >= WANTED_POWER)


def smallest_effect(n_seeds: int) -> float:
    """The effect size (mean over SD) that the test finds with `n_seeds` (2 or more) and a power of 80 %."""
    # No job of the workflow asks for it.
    from scipy import optimize

    return float(optimize.brentq(lambda size: t_test_power(size, n_seeds) - WANTED_POWER, 0, 100))


def fewest_seeds(enough: Callable[[int], bool]) -> int | None:
    """The least number from 2 up to MOST_SEEDS that is `enough`, as all above it are; None without one."""
    low, high = 1, 2
    while not enough(high):
        if high >= MOST_SEEDS:
            return None
        low, high = high, min(2 * high, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
