"""Does a measure go with an effect? Spearman's correlation over seeds or cells, with the stage-1 seed as the unit.

A correlation over few seeds is rough: with 12 of them |ρ| must reach about .5 to be told from none. Noise in either
variable makes ρ smaller than that of what is measured (attenuation), and it makes a measure explain less of an effect
than what it measures does.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from metaocl.statistics.intervals import CONFIDENCE

RESAMPLED = 2_000
FEWEST_SEEDS = 5  # of an interval: of 4, a third of the draws hold but one or two, and their ρ is ±1 or none
EXACT_UP_TO = 6  # 720 orders are enumerated, more are sampled
PERMUTED = 9_999


@dataclass(frozen=True)
class Relation:
    """Spearman's ρ, its bootstrap interval over seeds, and one-sided p values by permutation, for ρ above and below 0.

    What is not a number without variation (of one seed, or of values that are all equal) is nan, and p then 1. There is
    no interval (nan) where ρ is none, nor of fewer than FEWEST_SEEDS. Where the order is the same whichever seeds are
    drawn, the interval has a width of 0: more than that the bootstrap cannot know.
    """

    rho: float
    ci_low: float
    ci_high: float
    p_above: float
    p_below: float
    n_seeds: int


def relate_over_seeds(measure: np.ndarray, effect: np.ndarray) -> Relation:
    """Of one cell: measure and effect, float (seeds,) each. Seeds are resampled, and permuted against each other."""
    return _relate(measure[:, None], effect[:, None], over_cells=False)


def relate_over_cells(measure: np.ndarray, effect: np.ndarray) -> Relation:
    """Of several cells: float (seeds, cells) each; ρ is that of the cells' means over seeds.

    Seeds are resampled for the interval, cells permuted for the test: with 3 cells no p is below 1/6.
    """
    return _relate(measure, effect, over_cells=True)


def relate_within_seeds(measures: list[np.ndarray], effects: list[np.ndarray]) -> Relation:
    """Over aliases inside seeds: arrays (aliases,) of each seed; ρ is the mean of the seeds' own.

    The bootstrap is nested, seeds and aliases inside them; the test permutes aliases inside each seed.
    """
    random = np.random.default_rng(0)
    pairs = list(zip(measures, effects, strict=True))

    def mean_of(chosen: list[tuple[np.ndarray, np.ndarray]]) -> float:
        return float(np.mean([spearman(one, other) for one, other in chosen]))

    def resampled() -> list[tuple[np.ndarray, np.ndarray]]:
        seeds = [pairs[seed] for seed in random.integers(len(pairs), size=len(pairs))]
        draws = [(pair, random.integers(len(pair[0]), size=len(pair[0]))) for pair in seeds]
        return [(one[drawn], other[drawn]) for (one, other), drawn in draws]

    found = mean_of(pairs)
    shuffled = [mean_of([(one, random.permutation(other)) for one, other in pairs]) for _ in range(RESAMPLED - 1)]
    drawn = np.array([mean_of(resampled()) for _ in range(RESAMPLED)])
    return _judged(found, np.array([found, *shuffled]), drawn, len(pairs))


def remaining_effect(effects: np.ndarray, measures: np.ndarray) -> tuple[float, float]:
    """An effect of the tag, and what of it remains given a measure: its mean, and that of the aliases whose two tags
    have the same measure, as least squares extrapolate (the intercept of effect on measure).

    effects, measures: float (n,), differences between tags of the same aliases, or of seeds. Noise in the measure
    flattens the slope, so what remains is overestimated.
    """
    centred = measures - measures.mean()
    spread = float(centred @ centred)
    slope = float(centred @ effects) / spread if spread else 0.0
    return float(effects.mean()), float(effects.mean() - slope * measures.mean())


def spearman(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Spearman's ρ along the last axis of two arrays (…, n); nan where one of them does not vary."""
    ranks = (_ranks(np.asarray(each)) for each in (one, other))
    x, y = (each - each.mean(axis=-1, keepdims=True) for each in ranks)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x * y).sum(axis=-1) / np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, from 1; equal values share the mean of theirs, and a row with a nan has none."""
    order = values.argsort(axis=-1, kind="stable")
    by_size = np.take_along_axis(values, order, axis=-1)
    first = np.ones(values.shape, dtype=bool)
    first[..., 1:] = by_size[..., 1:] != by_size[..., :-1]
    # Runs of equal values, over all rows one behind the other: each row starts a new one.
    starts = np.flatnonzero(first)
    lengths = np.diff(starts, append=values.size)
    shared = np.repeat(starts % max(values.shape[-1], 1) + (lengths + 1) / 2, lengths)
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, shared.reshape(values.shape), axis=-1)
    return np.where(np.isnan(values).any(axis=-1, keepdims=True), np.nan, ranks)


def _relate(measure: np.ndarray, effect: np.ndarray, over_cells: bool) -> Relation:
    random = np.random.default_rng(0)
    seeds = len(measure)
    drawn = random.integers(seeds, size=(RESAMPLED, seeds))

    def points(table: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """What is correlated, of chosen seeds (…, seeds): the cells' means, or the seeds of the one cell."""
        return table[chosen].mean(axis=-2) if over_cells else table[chosen, 0]

    everyone = np.arange(seeds)
    x, y = points(measure, everyone), points(effect, everyone)
    resampled = spearman(points(measure, drawn), points(effect, drawn))
    return _judged(float(spearman(x, y)), spearman(x, y[_orders(len(y), random)]), resampled, seeds)


def _judged(found: float, null: np.ndarray, resampled: np.ndarray, seeds: int) -> Relation:
    """A correlation with its interval, from those of resampled seeds, and its p values, from those under permutation;
    what differs by rounding alone is equal."""
    none = float("nan")
    if np.isnan(found):
        return Relation(found, none, none, 1.0, 1.0, seeds)
    low, high = _interval(resampled) if seeds >= FEWEST_SEEDS else (none, none)
    above, below = (float(as_extreme.mean()) for as_extreme in (null >= found - 1e-12, null <= found + 1e-12))
    return Relation(found, low, high, above, below, seeds)


def _orders(count: int, random: np.random.Generator) -> np.ndarray:
    """All orders of so many things, or many at random, the given one among them: int (orders, count)."""
    if count <= EXACT_UP_TO:
        return np.array(list(permutations(range(count))))
    return np.vstack([np.arange(count), random.permuted(np.tile(np.arange(count), (PERMUTED, 1)), axis=1)])


def _interval(values: np.ndarray) -> tuple[float, float]:
    """The middle CONFIDENCE of bootstrapped values; nan where none varies."""
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
