"""Write a study's page for a browser: one file in which its answers are searched, and its history and effects seen."""

from __future__ import annotations

import json
from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_table
from metaocl.commands import command_parser, run_command
from metaocl.config.claims import read_claims
from metaocl.planning.folders import SECTIONS
from metaocl.planning.study_arguments import add_study_arguments
from metaocl.reports.answers import stages_of
from metaocl.reports.pages import Tables, page_content, render_page


def main() -> None:
    parser = command_parser(__doc__)
    add_study_arguments(parser)
    parser.add_argument("--name", required=True, help="name of the study")
    parser.add_argument("--settings", type=json.loads, required=True, help="the configuration of the study, as JSON")
    for table in ("metrics", "effects", "gaps"):
        parser.add_argument(f"--{table}", type=Path, required=True, help=f"table of {table} of the study")
    parser.add_argument("--claims", nargs="+", type=Path, required=True, help="YAML files of claims")
    parser.add_argument(
        "--axis", type=json.loads, required=True, help='JSON: the x of its cells, {"dataset/define_type/model/plan": x}'
    )
    parser.add_argument("--page", type=Path, required=True, help="HTML file to write")
    arguments = parser.parse_args()

    study = arguments.study
    stages = stages_of(study, arguments.stages, arguments.branches, arguments.results)
    tables = Tables(*(read_table(path).to_pandas() for path in (arguments.metrics, arguments.effects, arguments.gaps)))
    settings = {"study": arguments.settings["studies"][arguments.name]}
    settings |= {section: arguments.settings[section] for section in SECTIONS}
    claims = read_claims(arguments.claims)
    content = page_content(arguments.name, settings, stages, tables, claims, arguments.axis)
    with published(arguments.page) as (place,):
        place.write_text(render_page(content), encoding="utf-8")


if __name__ == "__main__":
    run_command(main)
