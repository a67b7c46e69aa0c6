"""Collect the metrics of all runs of a study into one long table."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pyarrow as pa
from pyarrow import csv

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import write_table
from metaocl.commands import command_parser, run_command
from metaocl.planning.study_arguments import add_study_arguments
from metaocl.statistics.study_tables import collect_metrics


def main() -> None:
    parser = command_parser(__doc__)
    add_study_arguments(parser)
    parser.add_argument("--parquet", type=Path, required=True, help="table to write")
    parser.add_argument("--csv", type=Path, required=True, help="the same table, to write as CSV")
    arguments = parser.parse_args()

    metrics = collect_metrics(arguments.study, arguments.stages, arguments.results, arguments.branches)
    with published(arguments.parquet, arguments.csv) as (parquet_place, csv_place):
        write_table(metrics, parquet_place)
        csv.write_csv(metrics, csv_place, csv.WriteOptions(quoting_style=_quoting(metrics), quoting_header="none"))


def _quoting(table: pa.Table) -> Literal["none", "needed"]:
    """No quotes, unless a text would end its cell: pyarrow then quotes all texts, and without quotes writes nothing."""
    coded = [column for column in table.columns if pa.types.is_dictionary(column.type)]
    texts = "".join(word for column in coded for word in column.unique().to_pylist())
    return "needed" if set(',"\r\n') & set(texts) else "none"


if __name__ == "__main__":
    run_command(main)
