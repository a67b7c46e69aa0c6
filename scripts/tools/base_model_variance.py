"""Print how much of a gap's spread is base models' and how much seeds', from a study that crosses them.

Of each data set, define type and plan on its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.artifacts.tables import read_table
from metaocl.commands import command_parser, run_command
from metaocl.design.cells import CELL
from metaocl.design.contrasts import HEADLINES
from metaocl.design.measures import MAIN_MEASURE
from metaocl.errors import UserError
from metaocl.statistics.crossed import variance_components


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument(
        "gaps", type=Path, help="gaps.parquet of a study of several base models, all with the same seeds"
    )
    arguments = parser.parse_args()

    gaps = read_table(arguments.gaps).to_pandas()
    gaps = gaps[gaps["measure"] == MAIN_MEASURE.name]
    if gaps.empty:
        raise UserError(f"{arguments.gaps}: has no gap in {MAIN_MEASURE.title}")
    for others, of_cells in gaps.groupby([column for column in CELL if column != "model"], sort=False):
        for contrast in HEADLINES:
            crossed = of_cells[of_cells["contrast"] == contrast].pivot(index="model", columns="seed", values="gap")
            name = f"{'/'.join(others)}: {contrast}"
            if min(crossed.shape) < 2 or crossed.isna().any(axis=None):
                raise UserError(
                    f"{arguments.gaps}: {name} is not there for two base models or more, each with all seeds"
                )
            tell(name, crossed)


def tell(name: str, crossed: pd.DataFrame) -> None:
    """Print the components of one gap, a row per base model and a column per seed."""
    found = variance_components(crossed.to_numpy())
    print(f"{name}: mean {crossed.to_numpy().mean():.3f}; SD between")
    print(
        f"  base models {found.base**0.5:.3f} (p = {found.p_base:.2g}), means {crossed.mean(axis=1).min():.3f} to"
        f" {crossed.mean(axis=1).max():.3f}"
    )
    print(f"  seeds {found.seed**0.5:.3f} (p = {found.p_seed:.2g}), rest {found.rest**0.5:.3f}")
    for n_seeds in (10, 12):
        one, own = (found.standard_error(n_seeds, own_base=each) for each in (False, True))
        print(f"  standard error of a mean over {n_seeds} seeds: {own:.4f} with a base model each, {one:.4f} with one")


if __name__ == "__main__":
    run_command(main)
