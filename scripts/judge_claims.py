"""Judge claims: a table of verdicts, computed from the per-seed gaps of the studies that were run."""

from __future__ import annotations

import json
from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_table
from metaocl.commands import command_parser, run_command, study_and_path
from metaocl.config.claims import read_claims
from metaocl.reports.verdicts import judge_all


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--claims", nargs="+", type=Path, required=True, help="YAML files of claims")
    parser.add_argument(
        "--gaps", nargs="*", default=[], type=study_and_path, metavar="STUDY=PATH", help="per-seed gaps of each study"
    )
    parser.add_argument(
        "--axis",
        type=json.loads,
        required=True,
        help='JSON: for each study with an axis the x of its cells, {study: {"dataset/define_type/model/plan": x}}',
    )
    parser.add_argument("--models", type=json.loads, required=True, help="JSON: what each model is, in words")
    parser.add_argument("--table", type=Path, required=True, help="CSV file to write: one row per claim")
    parser.add_argument("--markdown", type=Path, required=True, help="the same for people, to write")
    arguments = parser.parse_args()

    claims = read_claims(arguments.claims)
    gaps = {study: read_table(path).to_pandas() for study, path in arguments.gaps}
    table, page = judge_all(claims, gaps, arguments.axis, arguments.models)
    with published(arguments.table, arguments.markdown) as (table_place, markdown_place):
        table.to_csv(table_place, index=False)
        markdown_place.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    run_command(main)
