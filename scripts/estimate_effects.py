"""Estimate the effects of a study: contrasts between subsets, with intervals and tests over stage-1 seeds."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts import published, read_table
from metaocl.commands import command_parser, run_command
from metaocl.effects import estimate_effects


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--metrics", type=Path, required=True, help="table of metrics of the study")
    parser.add_argument("--parquet", type=Path, required=True, help="table to write: one row per cell and contrast")
    parser.add_argument("--csv", type=Path, required=True, help="the same table, to write as CSV")
    arguments = parser.parse_args()

    effects = estimate_effects(read_table(arguments.metrics).to_pandas())
    with published(arguments.parquet, arguments.csv) as (parquet_place, csv_place):
        effects.to_parquet(parquet_place, index=False)
        effects.to_csv(csv_place, index=False)


if __name__ == "__main__":
    run_command(main)
