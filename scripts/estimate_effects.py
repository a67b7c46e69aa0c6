"""Estimate the effects of a study: contrasts between subsets, with intervals and tests over stage-1 seeds."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_table, write_table
from metaocl.commands import command_parser, run_command
from metaocl.statistics.effects import estimate_effects
from metaocl.statistics.gaps import seed_gaps


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--metrics", type=Path, required=True, help="table of metrics of the study")
    parser.add_argument("--parquet", type=Path, required=True, help="table to write: one row per cell and contrast")
    parser.add_argument("--csv", type=Path, required=True, help="the same table, to write as CSV")
    parser.add_argument(
        "--gaps-parquet", type=Path, required=True, help="table to write: one row per cell, contrast and stage-1 seed"
    )
    parser.add_argument("--gaps-csv", type=Path, required=True, help="the same table, to write as CSV")
    arguments = parser.parse_args()

    # Column by column, each leaving Arrow's memory for pandas': of a large study the table is not held twice.
    metrics = read_table(arguments.metrics).to_pandas(split_blocks=True, self_destruct=True)
    gaps = seed_gaps(metrics)
    effects = estimate_effects(gaps)
    targets = arguments.parquet, arguments.csv, arguments.gaps_parquet, arguments.gaps_csv
    with published(*targets) as (effects_parquet, effects_csv, gaps_parquet, gaps_csv):
        write_table(pa.Table.from_pandas(effects, preserve_index=False), effects_parquet)
        effects.to_csv(effects_csv, index=False)
        write_table(pa.Table.from_pandas(gaps, preserve_index=False), gaps_parquet)
        gaps.to_csv(gaps_csv, index=False)


if __name__ == "__main__":
    run_command(main)
