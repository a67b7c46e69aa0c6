"""Judge the hypotheses about mechanisms by their predictions, from the per-seed gaps of the studies that were run."""

from __future__ import annotations

import json
from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_table
from metaocl.claims.hypotheses import judge_hypothesis
from metaocl.commands import command_parser, run_command, study_and_path
from metaocl.config.hypotheses import read_hypotheses
from metaocl.reports.hypotheses import findings_page, findings_table


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--hypotheses", nargs="+", type=Path, required=True, help="YAML files of hypotheses")
    parser.add_argument(
        "--gaps", nargs="*", default=[], type=study_and_path, metavar="STUDY=PATH", help="per-seed gaps of each study"
    )
    parser.add_argument("--axis", type=json.loads, required=True, help="JSON: the x of the cells of each study")
    parser.add_argument("--table", type=Path, required=True, help="CSV file to write: one row per prediction")
    parser.add_argument("--markdown", type=Path, required=True, help="the same for people, to write")
    arguments = parser.parse_args()

    hypotheses = read_hypotheses(arguments.hypotheses)
    gaps = {study: read_table(path).to_pandas() for study, path in arguments.gaps}
    findings = [judge_hypothesis(each, gaps, arguments.axis) for each in hypotheses]
    with published(arguments.table, arguments.markdown) as (table_place, markdown_place):
        findings_table(hypotheses, findings).to_csv(table_place, index=False)
        markdown_place.write_text(findings_page(hypotheses, findings), encoding="utf-8")


if __name__ == "__main__":
    run_command(main)
