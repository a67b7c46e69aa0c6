"""Relate gradient alignment to the effect of the tag over the aliases inside each seed of a study of pairs."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.commands import command_parser, run_command
from metaocl.planning.study_arguments import add_study_arguments
from metaocl.statistics.alias_relations import relate_aliases


def main() -> None:
    parser = command_parser(__doc__)
    add_study_arguments(parser)
    parser.add_argument("--measurements", nargs=2, required=True, help="names: of alignment, of questions' losses")
    parser.add_argument("--table", type=Path, required=True, help="CSV file to write: one row per cell")
    arguments = parser.parse_args()

    settings = (arguments.study, arguments.stages, arguments.branches, arguments.results)
    table = relate_aliases(*settings, *arguments.measurements)
    with published(arguments.table) as (place,):
        table.to_csv(place, index=False)


if __name__ == "__main__":
    run_command(main)
