"""From metrics to gaps: contrasts between subsets at the ends of stages, one number per stage-1 seed.

Questions are pooled inside a run and stage-2 seeds are averaged inside a stage-1 seed: runs that share a stage-1 model
are not independent, and counting them apart would overstate the evidence. Gaps are what is tested, drawn and judged.
"""

from __future__ import annotations

import pandas as pd

from metaocl.design.cells import CELL, SEEDS
from metaocl.design.contrasts import CONTRASTS, Contrast
from metaocl.design.measures import MEASURES, Measure


def seed_gaps(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row per cell, measure, contrast and stage-1 seed: its gap, averaged over the stage-2 seeds.

    Columns: those of the cell, seed, measure, contrast, when, gap. metrics: as
    `metaocl.statistics.study_tables.collect_metrics` makes them. A run that lacks one side of a contrast, or the
    measure, gives no row.
    """
    ends = _ends(metrics[metrics["measure"].isin(MEASURES)])
    tables = [
        _run_gaps(ends[contrast.when], contrast, measure).assign(
            measure=measure.name, contrast=contrast.name, when=contrast.when
        )
        for measure in MEASURES.values()
        for contrast in CONTRASTS.values()
        if contrast.measure == measure.name or (contrast.measure is None and measure.analysed)
    ]
    keys = [*CELL, "seed", "measure", "contrast", "when"]
    return pd.concat(tables, ignore_index=True).groupby(keys, sort=False)["gap"].mean().reset_index()


def _ends(metrics: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows at each end of a part of the plan that a contrast may be taken at."""
    last_stage = metrics.groupby(CELL, observed=True)["stage"].transform("max")
    at_end = metrics["epoch"] == metrics.groupby([*CELL, "stage"], observed=True)["epoch"].transform("max")
    ends = {
        "stage1": metrics[at_end & (metrics["stage"] == (last_stage - 1).clip(lower=1))],
        "before_stage2": metrics[at_end & (metrics["stage"] == last_stage - 1)],
        "stage2": metrics[at_end & (metrics["stage"] == last_stage)],
    }
    # Few rows are left: plain texts, as categories would come in the tables of other cells too.
    return {when: end.astype(dict.fromkeys(CELL, str)) for when, end in ends.items()}


def _run_gaps(end: pd.DataFrame, contrast: Contrast, measure: Measure) -> pd.DataFrame:
    """A contrast in each run that has it; `end` holds the metrics at the end of the contrast's part of the plan."""
    measured = end[end["measure"] == measure.name]

    def pooled(subsets: tuple[str, ...], test_set: str) -> pd.Series:
        chosen = measured[measured["subset"].isin(subsets) & (measured["test_set"] == test_set)]
        runs = chosen.assign(weighted=chosen["value"] * chosen["n"]).groupby([*CELL, *SEEDS], sort=False)
        return runs["weighted"].sum() / runs["n"].sum()

    gap = plus = pooled(contrast.plus, contrast.test_set)
    if contrast.minus:
        minus = pooled(contrast.minus, contrast.minus_test_set or contrast.test_set)
        gap = plus - minus
        if contrast.relative:
            gap = gap.where(gap == 0, gap / (plus + minus))
    return gap.dropna().rename("gap").reset_index()
