"""Judge claims by kept studies of a configuration: those whose gaps.parquet lies in a folder, by study."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_table
from metaocl.commands import command_parser, run_command
from metaocl.config.claims import read_claims
from metaocl.config.layers import load_config
from metaocl.errors import UserError
from metaocl.planning.cells import axis_values
from metaocl.reports.verdicts import judge_all

CLAIMS = Path(__file__).parents[2] / "config/claims.yaml"


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("config", type=Path, help="the configuration that the studies were run with")
    parser.add_argument("kept", type=Path, help="a folder for each study; claims.csv and claims.md are written beside")
    arguments = parser.parse_args()

    config = load_config(arguments.config)
    gaps = {path.parent.name: read_table(path).to_pandas() for path in sorted(arguments.kept.glob("*/gaps.parquet"))}
    if not gaps or (unknown := gaps.keys() - config.studies.keys()):
        what = f"has the studies {', '.join(sorted(unknown))}" if gaps else "has no */gaps.parquet"
        raise UserError(f"{arguments.kept}: {what}; those of {arguments.config} are {', '.join(config.studies)}")
    models = set().union(*(table["model"] for table in gaps.values()))
    if gone := models - config.models.keys():
        there = ", ".join(config.models)
        raise UserError(
            f"{arguments.kept}: has the models {', '.join(sorted(gone))}; those of {arguments.config} are {there}"
        )
    axes = {name: axis_values(config.studies[name], config) for name in gaps if config.studies[name].axis}
    files = [Path(file) for file in config.claims] if config.claims else [CLAIMS]
    claims = [claim for claim in read_claims(files) if claim.study in config.studies]
    if not claims:
        names = ", ".join(map(str, files))
        raise UserError(f"{names}: no claim is tested by a study of {arguments.config}: {', '.join(config.studies)}")
    table, page = judge_all(claims, gaps, axes, {name: model.in_words() for name, model in config.models.items()})
    with published(arguments.kept / "claims.csv", arguments.kept / "claims.md") as (table_place, page_place):
        table.to_csv(table_place, index=False)
        page_place.write_text(page, encoding="utf-8")
    for row in table.itertuples():
        print(f"{row.claim} by {row.study}: {row.verdict}")


if __name__ == "__main__":
    run_command(main)
