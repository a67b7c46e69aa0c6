"""Does a measure go with the effect of the tag over the aliases of a seed, and what of the effect remains given it?

Both are differences between the reliable and the unreliable tag on the same alias: its gradient alignment before its
definition, and the loss of its questions after it, in a run and in the run's twin with swapped tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from metaocl.config.studies import Study
from metaocl.design.cells import CELL, Cell
from metaocl.planning.cells import study_cells, twins_of
from metaocl.planning.places import measurement_file, stage_folders
from metaocl.statistics.measured import SIDES
from metaocl.statistics.relations import relate_within_seeds, remaining_effect
from metaocl.statistics.study_tables import read_run_table

MEASURE, PLACE, EFFECT = "cosine", "all", "question_loss"


def relate_aliases(
    study: Study, stages: Mapping[str, int], branches: Mapping[str, str], results: Path, alignment: str, losses: str
) -> pd.DataFrame:
    """One row per cell: seeds and aliases behind it, Spearman's ρ inside seeds with its interval and p values, the
    effect, and what of it remains given the measure (means over seeds).

    alignment, losses: names of measurements. stages, branches: as `collect_metrics` takes them. Raises ArtifactError
    for a table that is missing or unreadable.
    """
    pairs = []
    for cell in study_cells(study):
        own, twin = (
            PurePosixPath(results, stage_folders(run, stages[cell.plan], branches.get(run.plan))[-1])
            for run in (cell, *twins_of(cell, study))
        )
        after = [read_run_table(Path(measurement_file(folder, losses))) for folder in (own, twin)]
        pairs.append(_pairs(cell, read_run_table(Path(measurement_file(own, alignment))), pd.concat(after)))
    return pd.DataFrame([_relate(aliases) for _, aliases in pd.concat(pairs).groupby(CELL, sort=False)])


def _pairs(cell: Cell, alignment: pd.DataFrame, losses: pd.DataFrame) -> pd.DataFrame:
    """Each alias that has both differences, as measure and effect, with what tells its run."""
    aligned = alignment[(alignment["measure"] == MEASURE) & (alignment["place"] == PLACE)]
    last = aligned[aligned["epoch"] == aligned["epoch"].max()]
    differences = {"measure": _difference(last), "effect": _difference(losses[losses["measure"] == EFFECT])}
    return pd.DataFrame(differences).dropna().assign(**asdict(cell))


def _difference(rows: pd.DataFrame) -> pd.Series:
    """Of each alias, the value with the reliable less that with the unreliable tag."""
    # Aliases with the unseen tag have it in the twin too.
    sides = rows[rows["tag"].isin(SIDES)]
    by_tag = sides.pivot(index="alias", columns="tag", values="value").reindex(columns=list(SIDES))
    return by_tag[SIDES[0]] - by_tag[SIDES[1]]


def _relate(aliases: pd.DataFrame) -> dict[str, object]:
    """The row of a cell. Its stage-2 seeds divide the same aliases anew, so they are pooled inside the stage-1 seed."""
    seeds = [seed for _, seed in aliases.groupby("seed")]
    measures, effects = ([seed[name].to_numpy() for seed in seeds] for name in ("measure", "effect"))
    effect, left = np.mean([remaining_effect(*each) for each in zip(effects, measures, strict=True)], axis=0)
    return (
        {column: aliases[column].iloc[0] for column in CELL}
        | {"measure": f"{MEASURE}:{PLACE}", "effect_in": EFFECT, "n_aliases": len(aliases)}
        | asdict(relate_within_seeds(measures, effects))
        | {"effect": float(effect), "remaining_effect": float(left)}
    )
