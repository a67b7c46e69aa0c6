"""Judge the paper's claims: a table of verdicts, computed from the per-seed gaps of the studies that were run."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_table
from metaocl.claims.verdicts import Claim, Verdict, judge, parse_claims
from metaocl.commands import command_parser, run_command
from metaocl.config.yaml_files import read_yaml

NOTES = """
A claim is *reproduced* if each of its parts is significant (one-sided paired t test over stage-1 seeds, 5 %; two such
tests where a value must lie within a margin), *contradicted* if a part is significant the other way (5 % divided by
the number of tests). With fewer stage-1 seeds than the claim asks for, or with a control whose 95 % interval excludes
0, it is *inconclusive*. Seeds needed: for a power of 80 % to find all parts at once at the observed effect sizes; –
where an effect points the other way. p: the largest over the parts. Intervals are 95 % by Student's t.
"""


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--claims", type=Path, required=True, help="YAML file of claims")
    parser.add_argument(
        "--gaps", nargs="*", default=[], type=_study_and_path, metavar="STUDY=PATH", help="per-seed gaps of each study"
    )
    parser.add_argument(
        "--axis",
        type=json.loads,
        required=True,
        help='JSON: for each study with an axis the x of its cells, {study: {"dataset/define_type/model/plan": x}}',
    )
    parser.add_argument("--table", type=Path, required=True, help="CSV file to write: one row per claim")
    parser.add_argument("--markdown", type=Path, required=True, help="the same for people, to write")
    arguments = parser.parse_args()

    claims = parse_claims(read_yaml(arguments.claims), str(arguments.claims))
    tables = {study: read_table(path).to_pandas() for study, path in arguments.gaps}
    verdicts = [judge(claim, tables.get(claim.study), arguments.axis.get(claim.study, {})) for claim in claims]
    with published(arguments.table, arguments.markdown) as (table_place, markdown_place):
        table_of(claims, verdicts).to_csv(table_place, index=False)
        markdown_place.write_text(page_of(claims, verdicts), encoding="utf-8")


def table_of(claims: Sequence[Claim], verdicts: Sequence[Verdict]) -> pd.DataFrame:
    """One row per claim: its id, statement, study and minimum of seeds, and what was found."""
    rows = [
        {"claim": claim.id, "statement": claim.statement, "study": claim.study, "minimum_seeds": claim.minimum_seeds}
        | asdict(verdict)
        for claim, verdict in zip(claims, verdicts, strict=True)
    ]
    return pd.DataFrame(rows).astype({"n_seeds": "Int64", "seeds_needed": "Int64"})


def page_of(claims: Sequence[Claim], verdicts: Sequence[Verdict]) -> str:
    """A Markdown table for people."""
    lines = [
        "# The paper's claims\n",
        "| | claim | study | verdict | seeds | needed | p (t) | p (sign flip) | why |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for number, (claim, verdict) in enumerate(zip(claims, verdicts, strict=True), start=1):
        numbers = (verdict.n_seeds, verdict.seeds_needed, verdict.p_value, verdict.p_sign_flip)
        shown = [
            "–" if value is None else f"{value:.2g}" if isinstance(value, float) else str(value) for value in numbers
        ]
        cells = [str(number), claim.statement, claim.study, f"**{verdict.verdict}**", *shown, verdict.reason]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n" + NOTES


def _study_and_path(text: str) -> tuple[str, Path]:
    study, equals, path = text.partition("=")
    if not (study and equals and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not STUDY=PATH")
    return study, Path(path)


if __name__ == "__main__":
    run_command(main)
