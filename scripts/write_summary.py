"""Write the summary of a study: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_table, write_json
from metaocl.commands import command_parser, run_command
from metaocl.reports.summaries import summarize_for_people, summarize_for_programs


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("--metrics", type=Path, required=True, help="table of metrics of the study")
    parser.add_argument("--effects", type=Path, required=True, help="table of effects of the study")
    parser.add_argument(
        "--one-for-all-seeds",
        nargs="*",
        default=[],
        metavar="MODEL",
        help="models whose seeds start from the same weights",
    )
    parser.add_argument(
        "--tags", type=json.loads, default={}, help="JSON: the tags of each plan's new definitions, {plan: tags}"
    )
    parser.add_argument("--markdown", type=Path, required=True, help="page to write")
    parser.add_argument("--json", type=Path, required=True, help="numbers to write")
    arguments = parser.parse_args()

    metrics, effects = (read_table(path).to_pandas() for path in (arguments.metrics, arguments.effects))
    summary = summarize_for_programs(arguments.study, effects)
    with published(arguments.markdown, arguments.json) as (markdown_place, json_place):
        page = summarize_for_people(summary, metrics, arguments.one_for_all_seeds, arguments.tags)
        markdown_place.write_text(page, encoding="utf-8")
        write_json(summary, json_place)


if __name__ == "__main__":
    run_command(main)
