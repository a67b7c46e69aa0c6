"""Whether a second run of a study, the same seeds with other random draws, agrees with the first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from metaocl.design.cells import CELL
from metaocl.design.contrasts import PHENOMENA
from metaocl.design.measures import MAIN_MEASURE
from metaocl.statistics.intervals import mean_interval, moments
from metaocl.statistics.significance import holm, t_statistic, t_test_p


def compare_runs(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """One row per cell and phenomenon that both runs have, over the seeds that both have.

    Columns: those of the cell, contrast, n_seeds, equal_seeds (whose two gaps are the same to the last digit), first
    and second (means over seeds), difference (second − first) with ci_low and ci_high (95 %, t), p_value (paired t,
    two-sided), p_holm (corrected for all rows). Where no seed's gap changed there is nothing to test: p is nan.
    first, second: gaps of seeds, as `metaocl.statistics.gaps.seed_gaps` makes them; a cell that several studies share
    may come more than once. A difference covers what was drawn again for each seed: a base model that all seeds share
    is a single draw, and its cells do not belong here.
    """
    paired = pd.merge(*(_phenomena(gaps) for gaps in (first, second)), on=[*CELL, "contrast", "seed"])
    rows = []
    for key, seeds in paired.groupby([*CELL, "contrast"]):
        off = (seeds["gap_y"] - seeds["gap_x"]).to_numpy()
        means = float(seeds["gap_x"].mean()), float(seeds["gap_y"].mean())
        interval = (float(end) for end in mean_interval(off))
        p = 2 * float(t_test_p(np.abs(t_statistic(off)), len(off)))
        rows.append([*key, len(off), int((off == 0).sum()), *means, float(moments(off).mean), *interval, p])
    found = ["first", "second", "difference", "ci_low", "ci_high", "p_value"]
    table = pd.DataFrame(rows, columns=[*CELL, "contrast", "n_seeds", "equal_seeds", *found])
    tested = table["p_value"].notna()
    return table.assign(p_holm=pd.Series(holm(table.loc[tested, "p_value"]), index=table.index[tested], dtype=float))


def _phenomena(gaps: pd.DataFrame) -> pd.DataFrame:
    """The gap of each cell, contrast and seed, once."""
    chosen = gaps[(gaps["measure"] == MAIN_MEASURE.name) & gaps["contrast"].isin(PHENOMENA)]
    keys = [*CELL, "contrast", "seed"]
    return chosen.drop_duplicates(keys)[[*keys, "gap"]]
