"""Metrics of runs: what a stage measures after each epoch, and one tidy table of a whole study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from metaocl.artifacts import ArtifactError, read_table
from metaocl.cells import Cell, aliases_folder, stage_folders, study_cells
from metaocl.config import Study
from metaocl.subsets import STAGE2_POOL

MEASURES = ["exact_match", "token_f1"]


def collect_metrics(study: Study, stages: Mapping[str, int], results: Path) -> pd.DataFrame:
    """One row per run, stage, epoch and subset of a study: the cell's columns, questions, and the mean of each measure.

    stages: the number of stages of each plan. Raises ArtifactError for a run whose metrics are missing or unreadable.
    """
    cells = [_cell_metrics(cell, stages[cell.plan], results) for cell in study_cells(study)]
    return pd.concat(cells, ignore_index=True)


def _cell_metrics(cell: Cell, stages: int, results: Path) -> pd.DataFrame:
    subset_of = _read(results / aliases_folder(cell) / "aliases.parquet").set_index("alias")["subset"]
    tables = [
        subset_metrics(_read(results / folder / "metrics.parquet"), subset_of).assign(stage=number)
        for number, folder in enumerate(stage_folders(cell, stages), start=1)
    ]
    table = pd.concat(tables, ignore_index=True).assign(**asdict(cell))
    return table[[*asdict(cell), "stage", "epoch", "subset", "questions", *MEASURES]]


def subset_metrics(by_alias: pd.DataFrame, subset_of: pd.Series) -> pd.DataFrame:
    """Means over the questions of each subset and epoch.

    by_alias: one row per epoch and alias with subset, questions and the mean of each measure. subset_of: the subset of
    each stage-2 alias, by alias; which one it is depends on the stage-2 seed, so a stage's own metrics can't say.
    """
    pooled = by_alias["subset"] == STAGE2_POOL
    subset = by_alias["subset"].astype(str).mask(pooled, by_alias["alias"].map(subset_of))
    if (missing := by_alias["alias"][subset.isna()]).any():
        raise ArtifactError(
            f"the stage-2 alias {missing.iloc[0]} has metrics but no subset; delete the run and repeat it"
        )
    sums = by_alias[MEASURES].mul(by_alias["questions"], axis="index").assign(questions=by_alias["questions"])
    sums = sums.groupby([by_alias["epoch"], subset.rename("subset")]).sum().reset_index()
    sums[MEASURES] = sums[MEASURES].div(sums["questions"], axis="index")
    return sums


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise ArtifactError(f"{path}: missing; run snakemake to make it")
    return read_table(path).to_pandas()
