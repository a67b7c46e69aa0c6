"""Metrics of runs: what a stage measures after each epoch, and one long table of a whole study."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import pyarrow as pa

from metaocl.artifacts.publishing import ArtifactError
from metaocl.artifacts.tables import read_table
from metaocl.config.studies import Study
from metaocl.design.cells import CELL, SEEDS, Cell
from metaocl.design.measures import MEASURES, UNREACHABLE
from metaocl.design.subsets import STAGE2_POOL
from metaocl.planning.cells import study_cells, twins_of
from metaocl.planning.places import aliases_folder, measurement_file, stage_folders
from metaocl.statistics.measured import measured_metrics, pair_aliases, weighted_means

PER_QUESTION = [measure.name for measure in MEASURES.values() if measure.per_question]
ALL_SUBSETS = "all"  # the subset, in the table, of what is measured over all questions
SCORES = ["positive_scores", "negative_scores"]
# Texts that come again and again are numbers here, of two bytes each: a study has millions of rows.
WORD = pa.dictionary(pa.int16(), pa.string())
SCHEMA = pa.schema(
    [
        *((name, WORD) for name in CELL),
        *((name, pa.int64()) for name in SEEDS),
        ("stage", pa.int32()),
        ("epoch", pa.int32()),
        *((name, WORD) for name in ("test_set", "subset", "measure")),
        ("n", pa.int32()),
        ("value", pa.float64()),
    ]
)


def collect_metrics(
    study: Study, stages: Mapping[str, int], results: Path, branches: Mapping[str, str] | None = None
) -> pa.Table:
    """One row per run, stage, epoch, test set, subset and measure of a study, with the columns of SCHEMA.

    n: the questions behind the value. What was not measured has no row. Where no model can be right about the gold
    answers of some questions, their share is a further measure of the last epoch, over all subsets.
    stages: the number of stages of each plan. branches: the plan that a branch shares its earlier stages with, by
    branch. Raises ArtifactError for a run whose metrics are missing or unreadable.
    """
    tables = []
    for cell in study_cells(study):
        folders, *twins = (
            [results / each for each in stage_folders(run, stages[cell.plan], (branches or {}).get(run.plan))]
            for run in (cell, *twins_of(cell, study))
        )
        last_twins = [folders[-1] for folders in twins]
        tables += _cell_metrics(cell, folders, last_twins, study.measurements, results)
    return pa.concat_tables(tables).unify_dictionaries()


def _cell_metrics(
    cell: Cell, folders: Sequence[Path], twins: Sequence[Path], measurements: Sequence[str], results: Path
) -> list[pa.Table]:
    """The table of each of a cell's stages, and of what was measured of its models.

    folders: of the stages. twins: the last stage with swapped tags, if there is one.
    """
    subset_of = read_run_table(results / aliases_folder(cell) / "aliases.parquet").set_index("alias")["subset"]
    tables = []
    for number, folder in enumerate(folders, start=1):
        by_alias = read_run_table(folder / "metrics.parquet")
        metrics = [subset_metrics(by_alias, subset_of)]
        lost = _unreachable_golds(folder / "run.json")
        if len(lost):
            metrics.append(lost.assign(epoch=metrics[0]["epoch"].max()))
        for twin in twins if number == len(folders) else []:
            metrics.append(paired_metrics(by_alias, read_run_table(twin / "metrics.parquet"), subset_of))
        tables.append(pd.concat(metrics).assign(stage=number))
    for measurement in measurements:
        tables.append(_measured(folders, twins, measurement, tables))
    cells = [table.assign(**asdict(cell))[SCHEMA.names] for table in tables]
    return [pa.Table.from_pandas(table, SCHEMA, preserve_index=False) for table in cells]


def _measured(
    folders: Sequence[Path], twins: Sequence[Path], measurement: str, stages: Sequence[pd.DataFrame]
) -> pd.DataFrame:
    """A measurement of a cell. What is of the last stage's beginning belongs to the end of the stage before."""
    files = [Path(measurement_file(PurePosixPath(folder), measurement)) for folder in (folders[-1], *twins)]
    found = measured_metrics(read_run_table(files[0]), [read_run_table(file) for file in files[1:] if file.is_file()])
    before = found["epoch"] == 0
    earlier = max(len(folders) - 1, 1)
    epoch = found["epoch"].mask(before, stages[earlier - 1]["epoch"].max())
    stage = pd.Series(len(folders), index=found.index).mask(before, earlier)
    return found.assign(test_set="held_out", epoch=epoch, stage=stage)


def _unreachable_golds(record: Path) -> pd.DataFrame:
    """The share of each test set's questions whose gold answer the tokenizer of a stage's model cannot give back.

    Rows only for test sets that have such questions.
    """
    try:
        counts = json.loads(record.read_text(encoding="utf-8"))["measured"]["unreachable_golds"]
    except (OSError, KeyError, ValueError) as error:
        raise ArtifactError(f"{record}: tells of no finished stage: {type(error).__name__}: {error}") from None
    rows = [
        (test_set, ALL_SUBSETS, UNREACHABLE, int(count["questions"]), count["share"])
        for test_set, count in counts.items()
        if count["unreachable"]
    ]
    return pd.DataFrame(rows, columns=["test_set", "subset", "measure", "n", "value"])


def subset_metrics(by_alias: pd.DataFrame, subset_of: pd.Series) -> pd.DataFrame:
    """Measures over the questions of each subset, test set and epoch: epoch, test_set, subset, n, measure, value.

    Those of single questions are averaged; `auc` is the area under the ROC curve of two-way questions.
    by_alias: the table that `metaocl.documents.metrics.mean_by_alias` makes. subset_of: the subset of each stage-2
    alias, by alias; which one it is depends on the stage-2 seed, so a stage's own metrics can't say.
    """
    pooled = by_alias["subset"] == STAGE2_POOL
    subset = by_alias["subset"].astype(str).mask(pooled, by_alias["alias"].map(subset_of))
    if (missing := by_alias["alias"][subset.isna()]).any():
        raise ArtifactError(
            f"the stage-2 alias {missing.iloc[0]} has metrics but no subset; delete the run and repeat it"
        )
    groups = [by_alias["epoch"], by_alias["test_set"].astype(str), subset.rename("subset")]
    sums = by_alias[PER_QUESTION].mul(by_alias["questions"], axis="index").assign(n=by_alias["questions"])
    table = sums.groupby(groups).sum()
    table[PER_QUESTION] = table[PER_QUESTION].div(table["n"], axis="index")
    scored = by_alias[SCORES].notna().any(axis="columns")
    areas = {
        key: area_under_curve(*(rows[name].dropna() for name in SCORES))
        for key, rows in by_alias.loc[scored, SCORES].groupby([group[scored] for group in groups])
    }
    table["auc"] = pd.Series(areas, dtype=float)
    long = table.set_index("n", append=True).rename_axis(columns="measure").stack()
    return long.dropna().rename("value").reset_index()


def paired_metrics(own: pd.DataFrame, twin: pd.DataFrame, subset_of: pd.Series) -> pd.DataFrame:
    """As `subset_metrics`, of the new aliases of a run and its twin with swapped tags, by the tag that each has there.

    Logits of two models are on no common scale: the area under the curve is that inside the run and that inside its
    twin, averaged with their questions as weights.
    """
    parts = pair_aliases(own, twin, subset_of)
    together = subset_metrics(pd.concat(parts, ignore_index=True), subset_of)
    apart = pd.concat([subset_metrics(part, subset_of) for part in parts])
    areas = weighted_means(apart[apart["measure"] == "auc"], ["epoch", "test_set", "subset", "measure"])
    return pd.concat([together[together["measure"] != "auc"], areas], ignore_index=True)


def area_under_curve(positive: Iterable[Sequence[float]], negative: Iterable[Sequence[float]]) -> float:
    """How often a score of a positive question exceeds one of a negative (ties count half); nan without both.

    Scores come in groups, one per alias; all are compared with all.
    """
    above, below = (np.concatenate([[], *groups]) for groups in (positive, negative))
    if not len(above) or not len(below) or np.isnan(np.concatenate([above, below])).any():
        return float("nan")
    below.sort()
    twice = np.searchsorted(below, above, "left").sum() + np.searchsorted(below, above, "right").sum()
    return float(twice / 2 / (len(above) * len(below)))


def read_run_table(path: Path) -> pd.DataFrame:
    """A table of a run. Raises ArtifactError where it is missing or unreadable."""
    if not path.is_file():
        raise ArtifactError(f"{path}: missing; run snakemake to make it")
    return read_table(path).to_pandas()
