"""The history of a study's cells: loss and measures of answers by epoch, as lines with bands over stage-1 seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from metaocl.design.cells import CELL
from metaocl.design.measures import MEASURES
from metaocl.design.subsets import SUBSET_TITLES, SWAPPED
from metaocl.design.test_sets import TEST_SET_TITLES
from metaocl.reports.answers import StageOfCell
from metaocl.statistics.intervals import mean_interval
from metaocl.statistics.study_tables import read_run_table

# Of a line: epochs, counted through all stages, and there the mean and the ends of its 95 % interval.
Line = dict[str, Any]


def cell_histories(metrics: pd.DataFrame, stages: Sequence[StageOfCell]) -> list[dict[str, Any]]:
    """For each cell of a study what its charts show, as JSON can hold it.

    `cell`: its slugs. `seeds`: the number of its stage-1 seeds. `starts`: the epochs before each of its stages.
    `charts`: the loss, then each measure of answers on each test set, with a `title`, the `highest` value that there
    can be (null for a loss) and `lines`, each with `epochs`, `mean`, `low` and `high` (null without an interval).
    metrics: the study's table. stages: those whose steps are read. Raises ArtifactError for a history that is missing
    or unreadable.
    """
    losses = epoch_losses(stages)
    histories = []
    for cell, runs in metrics.groupby(CELL, sort=False, observed=True):
        lengths = runs.groupby("stage")["epoch"].max()
        starts = lengths.cumsum() - lengths
        own = losses[(losses[CELL] == list(cell)).all(axis="columns")]
        loss = line_of(_through(own, starts), (0, math.inf))
        charts = [
            {"title": "training loss", "highest": None, "lines": [{"name": "loss"} | loss]},
            *_charts(_through(runs, starts)),
        ]
        seeds = int(runs["seed"].nunique())
        histories.append({"cell": list(cell), "seeds": seeds, "starts": starts.tolist(), "charts": charts})
    return histories


def epoch_losses(stages: Sequence[StageOfCell]) -> pd.DataFrame:
    """The mean training loss of each epoch of stages, over tokens: columns of CELL, seed, stage, epoch and value."""

    @cache  # stage-2 seeds share the stages before the last
    def of_folder(folder: Path) -> pd.DataFrame:
        steps = read_run_table(folder / "history.parquet")
        sums = (steps["loss"].astype(float) * steps["tokens"]).groupby(steps["epoch"]).sum()
        return (sums / steps.groupby("epoch")["tokens"].sum()).rename("value").reset_index()

    found = [of_folder(stage.folder).assign(**vars(stage.cell), stage=stage.number) for stage in stages]
    return pd.concat(found)


def line_of(rows: pd.DataFrame, limits: tuple[float, float] = (-math.inf, math.inf)) -> Line:
    """A line through the means over stage-1 seeds, stage-2 seeds averaged first.

    rows: epoch, seed and value. limits: the least and the largest value that there can be.
    """
    per_seed = rows.groupby(["epoch", "seed"])["value"].mean().unstack()
    low, high = mean_interval(per_seed.to_numpy(), limits)
    ends = {"mean": per_seed.mean(axis="columns"), "low": low, "high": high}
    return {"epochs": per_seed.index.tolist(), **{name: _rounded(values) for name, values in ends.items()}}


def _charts(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """A chart for each measure of answers and test set of a cell, a line per subset, but for swapped questions.

    A test set without any other subset has no chart.
    """
    charts = []
    for (name, test_set), rows in runs.groupby(["measure", "test_set"], sort=False, observed=True):
        measure = MEASURES.get(name)
        if measure is None or not measure.analysed:
            continue
        of_subset = dict(iter(rows.groupby("subset", observed=True)))
        limits = (measure.lowest, measure.highest)
        lines = [
            {"name": subset} | line_of(of_subset[subset], limits)
            for subset in SUBSET_TITLES
            if subset in of_subset and subset != SWAPPED
        ]
        if lines:
            title = f"{measure.title}, {TEST_SET_TITLES[test_set]}"
            charts.append({"title": title, "highest": measure.highest, "lines": lines})
    return charts


def _through(rows: pd.DataFrame, starts: Mapping[int, int] | pd.Series) -> pd.DataFrame:
    """Rows with epochs counted through all stages."""
    return rows.assign(epoch=rows["epoch"] + rows["stage"].map(starts))


def _rounded(values: np.ndarray | pd.Series) -> list[float | None]:
    """Numbers as JSON knows them, as exact as a chart can show."""
    return [float(f"{value:.4g}") if math.isfinite(value) else None for value in values]
