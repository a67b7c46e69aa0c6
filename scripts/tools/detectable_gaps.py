"""Print the smallest gaps that a study would find, from the spread of a pilot's: run it before the seeds that count."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd

from metaocl.artifacts.tables import read_table
from metaocl.commands import command_parser, run_command
from metaocl.design.cells import CELL
from metaocl.design.contrasts import ON_PAGE
from metaocl.design.measures import MAIN_MEASURE
from metaocl.errors import UserError
from metaocl.statistics.intervals import moments
from metaocl.statistics.power import WANTED_POWER, smallest_effect


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("gaps", type=Path, help="gaps.parquet of a pilot, with a seed's gap in each row")
    parser.add_argument("--seeds", type=int, default=10, help="seeds that the study will have (default: 10)")
    arguments = parser.parse_args()
    if arguments.seeds < 2:
        raise UserError(f"--seeds is {arguments.seeds}; a test needs 2 or more")

    seeds = _pilot(arguments.gaps).groupby([*CELL, "contrast"], sort=False)["gap"]
    found = seeds.agg(["count", "mean", "std"])
    # Of seeds that are all equal, but for rounding, the spread is as unknown as that of one.
    spread = seeds.agg(lambda gaps: np.sqrt(moments(gaps.to_numpy()).variance) or np.nan)
    if spread.isna().all():
        raise UserError(
            f"{arguments.gaps}: has one seed, or equal ones, of every contrast; a spread needs 2 that differ"
        )
    found[f"found with {arguments.seeds} seeds"] = spread * smallest_effect(arguments.seeds)
    print(found.round(4).to_string(na_rep="–"))
    print(f"The last column is found with a power of {WANTED_POWER:.0%} (one-sided paired t test, 5 %).")


def _pilot(path: Path) -> pd.DataFrame:
    """The gaps that are told, of a pilot."""
    gaps = read_table(path).to_pandas()
    if missing := {*CELL, "measure", "contrast", "gap"} - set(gaps):
        raise UserError(f"{path}: has no column {', '.join(sorted(missing))}; give a study's gaps.parquet")
    gaps = gaps[(gaps["measure"] == MAIN_MEASURE.name) & gaps["contrast"].isin([each.name for each in ON_PAGE])]
    if gaps.empty:
        raise UserError(f"{path}: has no gap in {MAIN_MEASURE.title} that a summary shows")
    return gaps


if __name__ == "__main__":
    run_command(main)
