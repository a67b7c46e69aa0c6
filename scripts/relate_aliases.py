"""Relate gradient alignment to the effect of the tag over the aliases inside each seed of a study of pairs."""

from __future__ import annotations

import json
from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.commands import command_parser, run_command
from metaocl.config.studies import Study
from metaocl.statistics.alias_relations import relate_aliases


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--study", type=Study.model_validate_json, required=True, help="settings, as JSON")
    parser.add_argument("--stages", type=json.loads, required=True, help="number of stages of each plan, as JSON")
    parser.add_argument("--branches", type=json.loads, required=True, help="plans that others branch from, as JSON")
    parser.add_argument("--results", type=Path, required=True, help="folder that holds stages/")
    parser.add_argument("--measurements", nargs=2, required=True, help="names: of alignment, of questions' losses")
    parser.add_argument("--table", type=Path, required=True, help="CSV file to write: one row per cell")
    arguments = parser.parse_args()

    settings = (arguments.study, arguments.stages, arguments.branches, arguments.results)
    table = relate_aliases(*settings, *arguments.measurements)
    with published(arguments.table) as (place,):
        table.to_csv(place, index=False)


if __name__ == "__main__":
    run_command(main)
