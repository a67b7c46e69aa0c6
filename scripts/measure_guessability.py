"""Measure how well each answer of a data set can be guessed from the entity's other answers."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_rows
from metaocl.commands import command_parser, run_command
from metaocl.facts.fact import Fact
from metaocl.facts.guessability import measure_guessability


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--facts", type=Path, required=True, help="facts of the data set")
    parser.add_argument("--table", type=Path, required=True, help="CSV to write: one row per attribute")
    arguments = parser.parse_args()

    table = measure_guessability(read_rows(arguments.facts, Fact))
    with published(arguments.table) as (place,):
        table.to_csv(place, index=False)


if __name__ == "__main__":
    run_command(main)
