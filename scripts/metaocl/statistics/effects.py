"""From metrics to effects: contrasts between subsets, with the stage-1 seed as the unit of analysis.

Questions are pooled inside a run, stage-2 seeds are averaged inside a stage-1 seed, and only then is anything tested:
runs that share a stage-1 model are not independent, and counting them apart would overstate the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from scipy import optimize, stats

from metaocl.design.contrasts import CONTRASTS, PHENOMENA, Contrast
from metaocl.design.measures import MEASURES
from metaocl.planning.cells import CELL, SEEDS

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05  # of a one-sided test
WANTED_POWER = 0.8
MOST_SEEDS = 1_000_000  # an effect that needs more is as good as none
BOOTSTRAP_RESAMPLES = 9_999
EXACT_UP_TO = 16  # seeds; 2^16 sign flips are enumerated, more are sampled
SAMPLED_FLIPS = 99_999


@dataclass(frozen=True)
class Effect:
    """One contrast of one cell over its seeds.

    mean, sd: of the per-seed differences (sd with n - 1).
    ci_low, ci_high: 95 % studentised bootstrap interval of the mean.
    p_value: paired t test, one-sided for mean > 0; p_sign_flip: exact sign-flip test, likewise.
    effect_size: Cohen's d for paired samples, mean / sd; effect_size_low, effect_size_high: its exact 95 % interval.
    power: of that t test at 5 %, were the true effect size the observed one ("observed power"). It is a function of
    the p value, so it says nothing new about this study; it tells how sure a repetition is to be significant.
    seeds_needed: stage-1 seeds for a power of 80 % at the observed effect size.
    What the seeds cannot give (an sd of one seed, a test of differences that are all equal, the seeds needed for an
    effect that is not positive or so small that a million would not do) is None.
    """

    n_seeds: int
    mean: float
    sd: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    p_sign_flip: float | None = None
    effect_size: float | None = None
    effect_size_low: float | None = None
    effect_size_high: float | None = None
    power: float | None = None
    seeds_needed: int | None = None


def estimate_effect(seeds: Sequence[float] | Sequence[Sequence[float]]) -> Effect:
    """The statistics of one difference per stage-1 seed, or of a list of differences per stage-1 seed.

    In the lists are a seed's stage-2 seeds; their mean is the seed's difference, and only the bootstrap looks inside.
    Raises ValueError without any seed.
    """
    runs = [np.atleast_1d(np.asarray(seed, dtype=float)) for seed in seeds]
    if not runs:
        raise ValueError("an effect needs at least one seed")
    values = np.array([seed.mean() for seed in runs])
    n, mean = len(values), float(values.mean())
    if n < 2:
        return Effect(n, mean)
    sd = float(values.std(ddof=1))
    if np.allclose(values, values[0]):
        return Effect(n, mean, sd, mean, mean, p_sign_flip=sign_flip_p(values))
    effect_size = mean / sd
    ci_low, ci_high = bootstrap_interval(runs)
    effect_size_low, effect_size_high = effect_size_interval(effect_size, n)
    return Effect(
        n,
        mean,
        sd,
        ci_low,
        ci_high,
        float(stats.ttest_1samp(values, 0, alternative="greater").pvalue),
        sign_flip_p(values),
        effect_size,
        effect_size_low,
        effect_size_high,
        t_test_power(effect_size, n),
        seeds_for_power(effect_size),
    )


def bootstrap_interval(runs: Sequence[np.ndarray]) -> tuple[float, float] | tuple[None, None]:
    """Studentised bootstrap interval of the mean (Efron and Tibshirani 1993, chapter 12); None below 4 seeds or so.

    runs: the differences of each stage-1 seed, one per stage-2 seed. Stage-1 seeds are resampled, then stage-2 seeds
    inside them (Davison and Hinkley 1997, section 3.8). The simpler percentile and BCa intervals are too narrow here:
    with 12 normal values they cover the mean in 91 % of cases, this one in 95 %. Studentised, the second level does
    not widen the interval by counting the spread of stage-2 seeds twice, as each resample is measured by its own
    standard error. With very few values resamples without any spread make it unbounded.
    """
    values = np.array([seed.mean() for seed in runs])
    resamples = _resampled_seed_means(runs)
    # A resample of one value again and again has no spread, whatever rounding makes of it.
    errors = np.where(np.ptp(resamples, axis=1) > 0, stats.sem(resamples, axis=1), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (resamples.mean(axis=1) - values.mean()) / errors
    t_low, t_high = np.quantile(t, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], method="inverted_cdf")
    interval = values.mean() - t_high * stats.sem(values), values.mean() - t_low * stats.sem(values)
    return (float(interval[0]), float(interval[1])) if np.isfinite(interval).all() else (None, None)


def _resampled_seed_means(runs: Sequence[np.ndarray]) -> np.ndarray:
    """Bootstrap resamples, one a row, of the means of stage-1 seeds over their stage-2 seeds."""
    random = np.random.default_rng(0)
    chosen = random.integers(len(runs), size=(BOOTSTRAP_RESAMPLES, len(runs)))
    sizes = np.array([len(seed) for seed in runs])
    if sizes.max() == 1:
        return np.concatenate(runs)[chosen]
    padded = np.zeros((len(runs), sizes.max()))
    for row, seed in zip(padded, runs, strict=True):
        row[: len(seed)] = seed
    places = random.integers(sizes[chosen][..., None], size=(*chosen.shape, sizes.max()))
    drawn = padded[chosen[..., None], places]
    # A seed with fewer stage-2 seeds than another draws no more than it has.
    counted = np.arange(sizes.max()) < sizes[chosen][..., None]
    return (drawn * counted).sum(axis=2) / sizes[chosen]


def sign_flip_p(values: np.ndarray) -> float:
    """One-sided p of the mean under random signs: exact up to EXACT_UP_TO seeds."""
    flips = 2 ** len(values) if len(values) <= EXACT_UP_TO else SAMPLED_FLIPS
    test = stats.permutation_test(
        (values,),
        np.mean,
        permutation_type="samples",
        alternative="greater",
        n_resamples=flips,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    return float(test.pvalue)


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
    root = float(np.sqrt(n_seeds))
    t = effect_size * root

    def excess(noncentrality: float, probability: float) -> float:
        return float(stats.nct.cdf(t, n_seeds - 1, noncentrality)) - probability

    lower_tail, upper_tail = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
    # For t = 0 the ends are the normal distribution's, ±1.96; for a larger t they lie higher.
    below, above = -2.0, t + 2
    while excess(above, lower_tail) > 0:
        above += above - below
    low = optimize.brentq(excess, below, t + 1, args=(upper_tail,))
    return float(low) / root, float(optimize.brentq(excess, t, above, args=(lower_tail,))) / root


def t_test_power(effect_size: float, n_seeds: int) -> float:
    """Power of the one-sided paired t test at 5 % with `n_seeds` (2 or more), from the noncentral t distribution."""
    critical = stats.t.isf(SIGNIFICANCE, n_seeds - 1)
    return float(stats.nct.sf(critical, n_seeds - 1, effect_size * np.sqrt(n_seeds)))


def seeds_for_power(effect_size: float, power: float = WANTED_POWER) -> int | None:
    """The fewest stage-1 seeds with which that test has `power`; None if MOST_SEEDS would not do."""
    return fewest_seeds(lambda n_seeds: t_test_power(effect_size, n_seeds) >= power)


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


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: rejecting what is at most 5 % errs at all in at most 5 % of studies (Holm 1979)."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(np.minimum(1, p[order] * np.arange(len(p), 0, -1)))
    return corrected.tolist()


def estimate_effects(metrics: pd.DataFrame) -> pd.DataFrame:
    """All contrasts of all cells, one row each: the cell, measure, contrast, when, the fields of Effect, and p_holm.

    metrics: as `metaocl.statistics.study_tables.collect_metrics` makes them. A contrast whose subsets are not in a cell
    gives no row, nor does a measure that its questions don't have. p_holm: p_value after Holm's correction over
    PHENOMENA in all cells of the study, for each measure apart; none for other contrasts.
    """
    gaps = run_gaps(metrics)
    keys = ["measure", "contrast", "when", *CELL]
    rows = [
        dict(zip(keys, key, strict=True))
        | vars(estimate_effect([seed.to_list() for _, seed in rows.groupby("seed", sort=False)["gap"]]))
        for key, rows in gaps.groupby(keys, sort=False)
    ]
    columns = [*CELL, "measure", "contrast", "when", *(field.name for field in fields(Effect))]
    effects = pd.DataFrame(rows, columns=columns).assign(p_holm=np.nan)
    tested = effects[effects["contrast"].isin(PHENOMENA) & effects["p_value"].notna()]
    for _, family in tested.groupby("measure"):
        effects.loc[family.index, "p_holm"] = holm(family["p_value"])
    return effects


def seed_gaps(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per cell, measure, contrast and stage-1 seed: its gap, averaged over the stage-2 seeds.

    Columns: those of the cell, seed, measure, contrast, when, gap. This is what is drawn and judged.
    """
    keys = [*CELL, "seed", "measure", "contrast", "when"]
    return run_gaps(metrics).groupby(keys, sort=False)["gap"].mean().reset_index()


def run_gaps(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per cell, measure, contrast, stage-1 seed and stage-2 seed: the gap of that run.

    A run that lacks one side of a contrast gives no row.
    """
    last_stage = metrics.groupby(CELL)["stage"].transform("max")
    at_end = metrics["epoch"] == metrics.groupby([*CELL, "stage"])["epoch"].transform("max")
    ends = {
        "stage1": metrics[at_end & (metrics["stage"] == (last_stage - 1).clip(lower=1))],
        "before_stage2": metrics[at_end & (metrics["stage"] == last_stage - 1)],
        "stage2": metrics[at_end & (metrics["stage"] == last_stage)],
    }
    tables = [
        _gaps(ends[contrast.when], contrast, measure.name).assign(
            measure=measure.name, contrast=contrast.name, when=contrast.when
        )
        for measure in MEASURES.values()
        if measure.analysed
        for contrast in CONTRASTS.values()
    ]
    columns = [*CELL, *SEEDS, "measure", "contrast", "when", "gap"]
    return pd.concat(tables, ignore_index=True)[columns]


def _gaps(end: pd.DataFrame, contrast: Contrast, measure: str) -> pd.DataFrame:
    """A contrast in each run that has it; `end` holds the metrics at the end of the contrast's part of the plan."""

    def pooled(subsets: tuple[str, ...], test_set: str) -> pd.Series:
        chosen = end[end["subset"].isin(subsets) & (end["test_set"] == test_set) & end[measure].notna()]
        weighted = (chosen[measure] * chosen["questions"]).groupby([chosen[key] for key in [*CELL, *SEEDS]], sort=False)
        return weighted.sum() / chosen.groupby([*CELL, *SEEDS], sort=False)["questions"].sum()

    gap = plus = pooled(contrast.plus, contrast.test_set)
    if contrast.minus:
        minus = pooled(contrast.minus, contrast.minus_test_set or contrast.test_set)
        gap = plus - minus
        if contrast.relative:
            gap = gap.where(gap == 0, gap / (plus + minus))
    return gap.dropna().rename("gap").reset_index()
