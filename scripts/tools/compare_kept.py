"""Compare two kept runs of a configuration's studies, as a Markdown table: what a second machine, or a second draw of
base models, found of each gap, and of each claim."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pandas as pd

from metaocl.artifacts.tables import read_table
from metaocl.commands import command_parser, run_command
from metaocl.config.layers import load_config
from metaocl.design.cells import CELL
from metaocl.errors import UserError
from metaocl.statistics.repetition import compare_runs


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("config", type=Path, help="the configuration that the studies were run with")
    parser.add_argument("first", type=Path, help="a folder for each study, with gaps.parquet, and claims.csv beside")
    parser.add_argument("second", type=Path, help="the same of the other run")
    arguments = parser.parse_args()

    models = load_config(arguments.config).models
    drawn_again = [name for name, model in models.items() if not model.one_for_all_seeds]
    compared = compare_runs(*(_gaps(folder, drawn_again) for folder in (arguments.first, arguments.second)))
    if compared.empty:
        raise UserError(
            f"{arguments.first} and {arguments.second}: have no gap of the same cell and seed, of the models of "
            f"{arguments.config} that are drawn for each seed: {', '.join(drawn_again) or 'none'}"
        )
    print("| | contrast | seeds | first | second | difference [95 %] | p | p (Holm) |")
    print("|---|---|---|---|---|---|---|---|")
    for row in compared.itertuples():
        cell = ", ".join(getattr(row, name) for name in CELL)
        numbers = [f"{number:z.3f}" for number in (row.first, row.second, row.difference, row.ci_low, row.ci_high)]
        first, second, off, low, high = (number.replace("-", "−") for number in numbers)
        tested = f"{off} [{low}, {high}] | {row.p_value:.2g} | {row.p_holm:.2g}"
        tested = tested if row.p_value >= 0 else f"{off} | – | –"
        print(f"| {cell} | {row.contrast} | {row.n_seeds} | {first} | {second} | {tested} |")
    same, all_seeds = compared["equal_seeds"].sum(), compared["n_seeds"].sum()
    print(f"\n{same} of {all_seeds} gaps of seeds are the same to the last digit.")
    _print_verdicts(arguments.first / "claims.csv", arguments.second / "claims.csv")


def _gaps(folder: Path, models: Sequence[str]) -> pd.DataFrame:
    """The gaps of all studies that were kept in a folder, on these models."""
    tables = [read_table(path).to_pandas() for path in sorted(folder.glob("*/gaps.parquet"))]
    if not tables:
        raise UserError(f"{folder}: has no */gaps.parquet; it needs a folder for each study that was kept")
    gaps = pd.concat(tables)
    return gaps[gaps["model"].isin(models)]


def _print_verdicts(first: Path, second: Path) -> None:
    """The verdicts of the two runs, where both judged claims."""
    if not (first.is_file() and second.is_file()):
        return
    # Texts, as an id may be "null" or a number.
    tables = [pd.read_csv(path, dtype=str, keep_default_na=False) for path in (first, second)]
    one, other = (table.set_index(["claim", "study"])["verdict"] for table in tables)
    print("\n| claim | study | first | second |\n|---|---|---|---|")
    for claim, study in one.index.intersection(other.index, sort=False):
        print(f"| {claim} | {study} | {one[claim, study]} | {other[claim, study]} |")


if __name__ == "__main__":
    run_command(main)
