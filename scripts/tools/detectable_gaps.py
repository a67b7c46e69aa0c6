"""Print the smallest gaps that a study would find, from the spread of a pilot's: run it before the seeds that count."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.artifacts.tables import read_table
from metaocl.commands import command_parser, run_command
from metaocl.design.cells import CELL
from metaocl.design.contrasts import ON_PAGE
from metaocl.design.measures import MAIN_MEASURE
from metaocl.errors import UserError
from metaocl.statistics.power import WANTED_POWER, smallest_effect


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("gaps", type=Path, help="gaps.parquet of a pilot, with a seed's gap in each row")
    parser.add_argument("--seeds", type=int, default=10, help="seeds that the study will have (default: 10)")
    arguments = parser.parse_args()
    if arguments.seeds < 2:
        raise UserError(f"--seeds is {arguments.seeds}; a test needs 2 or more")

    gaps = read_table(arguments.gaps).to_pandas()
    gaps = gaps[(gaps["measure"] == MAIN_MEASURE.name) & gaps["contrast"].isin([each.name for each in ON_PAGE])]
    found = gaps.groupby([*CELL, "contrast"], sort=False)["gap"].agg(["count", "mean", "std"])
    found[f"found with {arguments.seeds} seeds"] = found["std"] * smallest_effect(arguments.seeds)
    print(found.round(4).to_string())
    print(f"The last column is found with a power of {WANTED_POWER:.0%} (one-sided paired t test, 5 %).")


if __name__ == "__main__":
    run_command(main)
