"""Export what the stages of a study did and measured as event files, for TensorBoard."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_table
from metaocl.commands import command_parser, run_command
from metaocl.planning.study_arguments import add_study_arguments
from metaocl.reports.tracking import write_tracking


def main() -> None:
    parser = command_parser(__doc__)
    add_study_arguments(parser)
    parser.add_argument("--metrics", type=Path, required=True, help="table of metrics of the study")
    parser.add_argument("--tracking", type=Path, required=True, help="folder to write: an event file per stage")
    arguments = parser.parse_args()

    metrics = read_table(arguments.metrics).to_pandas()
    with published(arguments.tracking) as (place,):
        write_tracking(arguments.study, arguments.stages, arguments.results, arguments.branches, metrics, place)


if __name__ == "__main__":
    run_command(main)
