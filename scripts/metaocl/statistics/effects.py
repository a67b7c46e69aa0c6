"""From gaps to effects: the mean of each contrast over stage-1 seeds, the unit of analysis, and what is sure of it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from metaocl.design.cells import CELL
from metaocl.design.contrasts import CONTRASTS, PHENOMENA
from metaocl.design.measures import MEASURES
from metaocl.statistics.intervals import effect_size_interval, mean_interval, moments
from metaocl.statistics.power import seeds_for_power, t_test_power
from metaocl.statistics.significance import holm, sign_flip_p, t_statistic, t_test_p


@dataclass(frozen=True)
class Effect:
    """One contrast of one cell over its seeds.

    mean, sd: of the per-seed differences (sd with n - 1).
    ci_low, ci_high: 95 % t interval of the mean, inside what the contrast can be.
    p_value: paired t test, one-sided for mean > 0; p_sign_flip: exact sign-flip test, likewise.
    effect_size: Cohen's d for paired samples, mean / sd; effect_size_low, effect_size_high: its exact 95 % interval.
    power: of that t test at 5 %, were the true effect size the observed one ("observed power"). It is a function of
    the p value, so it says nothing new about this study; it tells how sure a repetition is to be significant.
    seeds_needed: stage-1 seeds for a power of 80 % at the observed effect size.
    What the seeds cannot give (an sd of one seed, an interval or a t test of differences that are all equal, the seeds
    needed for an effect that is not positive or so small that a million would not do) is None.
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


def estimate_effect(values: np.ndarray, limits: tuple[float, float] = (-np.inf, np.inf)) -> Effect:
    """The statistics of one difference per stage-1 seed; `limits` are the least and the largest that can be.

    Raises ValueError without any seed.
    """
    n = len(values)
    if not n:
        raise ValueError("an effect needs at least one seed")
    seeds = moments(values)
    mean, sd = float(seeds.mean), float(np.sqrt(seeds.variance))
    if n < 2:
        return Effect(n, mean)
    if sd == 0:
        return Effect(n, mean, sd, p_sign_flip=sign_flip_p(values))
    ci_low, ci_high = mean_interval(values, limits)
    effect_size = mean / sd
    effect_size_low, effect_size_high = effect_size_interval(effect_size, n)
    return Effect(
        n,
        mean,
        sd,
        float(ci_low),
        float(ci_high),
        float(t_test_p(t_statistic(values), n)),
        sign_flip_p(values),
        effect_size,
        effect_size_low,
        effect_size_high,
        t_test_power(effect_size, n),
        seeds_for_power(effect_size),
    )


def estimate_effects(gaps: pd.DataFrame) -> pd.DataFrame:
    """All contrasts of all cells, one row each: the cell, measure, contrast, when, the fields of Effect, and p_holm.

    gaps: as `metaocl.statistics.gaps.seed_gaps` makes them. p_holm: p_value after Holm's correction over PHENOMENA in
    all cells of the study, for each measure apart; none for other contrasts.
    """
    keys = ["measure", "contrast", "when", *CELL]
    rows = []
    for key, seeds in gaps.groupby(keys, sort=False):
        named = dict(zip(keys, key, strict=True))
        limits = CONTRASTS[named["contrast"]].limits(MEASURES[named["measure"]])
        rows.append(named | vars(estimate_effect(seeds["gap"].to_numpy(), limits)))
    columns = [*CELL, "measure", "contrast", "when", *(field.name for field in fields(Effect))]
    effects = pd.DataFrame(rows, columns=columns).assign(p_holm=np.nan)
    tested = effects[effects["contrast"].isin(PHENOMENA) & effects["p_value"].notna()]
    for _, family in tested.groupby("measure"):
        effects.loc[family.index, "p_holm"] = holm(family["p_value"])
    return effects
