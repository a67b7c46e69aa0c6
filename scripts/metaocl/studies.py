"""A finished study as pandas tables, for notebooks and scripts of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from metaocl.artifacts.publishing import ArtifactError
from metaocl.artifacts.tables import read_json, read_table


@dataclass(frozen=True)
class StudyTables:
    """What a study found.

    metrics: a row per run, stage, epoch, test set, subset and measure, with `n` questions and the `value`. effects: a
    row per cell, measure and contrast: mean over stage-1 seeds, SD, interval, p values, power. gaps: a row per cell,
    measure, contrast and stage-1 seed. summary: the headlines as in the study's JSON.
    """

    metrics: pd.DataFrame
    effects: pd.DataFrame
    gaps: pd.DataFrame
    summary: dict[str, Any]


def read_study(results: Path | str, study: str) -> StudyTables:
    """A study's tables from the folder of a configuration's results (`results`, or what `pathvars` names).

    Raises ArtifactError for a study that is not finished there, or cannot be read.
    """
    folder = Path(results)
    tables, summary = folder / "tables", folder / "summaries" / f"{study}.json"
    if not summary.is_file():
        finished = sorted(path.name for path in tables.glob("*") if (path / "effects.parquet").is_file())
        raise ArtifactError(f"{folder}: has no finished study {study!r}; there are {', '.join(finished) or '(none)'}")
    metrics, effects, gaps = (
        read_table(tables / study / f"{name}.parquet").to_pandas() for name in ("metrics", "effects", "gaps")
    )
    return StudyTables(metrics, effects, gaps, read_json(summary))
