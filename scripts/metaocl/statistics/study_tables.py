"""Metrics of runs: what a stage measures after each epoch, and one tidy table of a whole study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from metaocl.artifacts.publishing import ArtifactError, read_table
from metaocl.config.entries import Study
from metaocl.design.measures import MEASURES
from metaocl.design.subsets import STAGE2_POOL
from metaocl.planning.cells import Cell, aliases_folder, stage_folders, study_cells

PER_QUESTION = [measure.name for measure in MEASURES.values() if measure.per_question]
SCORES = ["positive_scores", "negative_scores"]


def collect_metrics(study: Study, stages: Mapping[str, int], results: Path) -> pd.DataFrame:
    """One row per run, stage, epoch, test set and subset of a study: the cell's columns, questions, and the measures.

    Exact match and token F1 are means over questions; `auc` is the area under the ROC curve of two-way questions.
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
    return table[[*asdict(cell), "stage", "epoch", "test_set", "subset", "questions", *PER_QUESTION, "auc"]]


def subset_metrics(by_alias: pd.DataFrame, subset_of: pd.Series) -> pd.DataFrame:
    """Measures over the questions of each subset, test set and epoch.

    by_alias: the table that `metaocl.text.evaluation.mean_by_alias` makes. subset_of: the subset of each stage-2 alias,
    by alias; which one it is depends on the stage-2 seed, so a stage's own metrics can't say.
    """
    pooled = by_alias["subset"] == STAGE2_POOL
    subset = by_alias["subset"].astype(str).mask(pooled, by_alias["alias"].map(subset_of))
    if (missing := by_alias["alias"][subset.isna()]).any():
        raise ArtifactError(
            f"the stage-2 alias {missing.iloc[0]} has metrics but no subset; delete the run and repeat it"
        )
    groups = [by_alias["epoch"], by_alias["test_set"].astype(str), subset.rename("subset")]
    sums = by_alias[PER_QUESTION].mul(by_alias["questions"], axis="index").assign(questions=by_alias["questions"])
    table = sums.groupby(groups).sum()
    table[PER_QUESTION] = table[PER_QUESTION].div(table["questions"], axis="index")
    scored = by_alias[SCORES].groupby(groups)
    table["auc"] = [area_under_curve(*(rows[name].dropna() for name in SCORES)) for _, rows in scored]
    return table.reset_index()


def area_under_curve(positive: Iterable[Sequence[float]], negative: Iterable[Sequence[float]]) -> float:
    """How often a score of a positive question exceeds one of a negative (ties count half); nan without both.

    Scores come in groups, one per alias; all are compared with all.
    """
    above, below = (np.concatenate([[], *groups]) for groups in (positive, negative))
    if not len(above) or not len(below):
        return float("nan")
    return float(stats.mannwhitneyu(above, below).statistic / (len(above) * len(below)))


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise ArtifactError(f"{path}: missing; run snakemake to make it")
    return read_table(path).to_pandas()
