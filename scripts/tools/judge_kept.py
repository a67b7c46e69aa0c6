"""Judge the paper's claims by kept studies of a configuration: those whose gaps.parquet lies in a folder, by study."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.artifacts.tables import read_table
from metaocl.claims.entries import parse_claims
from metaocl.claims.verdicts import judge
from metaocl.commands import command_parser, run_command
from metaocl.config.parsing import parse_config
from metaocl.config.yaml_files import read_yaml
from metaocl.errors import UserError
from metaocl.planning.cells import axis_values
from metaocl.reports.verdicts import page_of, table_of

CLAIMS = Path(__file__).parents[2] / "config/claims.yaml"


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("config", type=Path, help="the configuration that the studies were run with")
    parser.add_argument("kept", type=Path, help="a folder for each study; claims.csv and claims.md are written beside")
    arguments = parser.parse_args()

    config = parse_config(read_yaml(arguments.config), str(arguments.config))
    gaps = {path.parent.name: read_table(path).to_pandas() for path in sorted(arguments.kept.glob("*/gaps.parquet"))}
    if not gaps or (unknown := gaps.keys() - config.studies.keys()):
        what = f"has the studies {', '.join(sorted(unknown))}" if gaps else "has no */gaps.parquet"
        raise UserError(f"{arguments.kept}: {what}; those of {arguments.config} are {', '.join(config.studies)}")
    axes = {name: axis_values(config.studies[name], config) for name in gaps if config.studies[name].axis}
    claims = [c for c in parse_claims(read_yaml(CLAIMS), str(CLAIMS)) if c.study in config.studies]
    verdicts = [judge(claim, gaps.get(claim.study), axes.get(claim.study, {})) for claim in claims]
    models = {study: sorted(set(table["model"])) for study, table in gaps.items()}
    words = {name: model.in_words() for name, model in config.models.items()}
    table_of(claims, verdicts, models).to_csv(arguments.kept / "claims.csv", index=False)
    (arguments.kept / "claims.md").write_text(page_of(claims, verdicts, models, words), encoding="utf-8")
    for claim, verdict in zip(claims, verdicts, strict=True):
        print(f"{claim.id} by {claim.study}: {verdict.verdict}")


if __name__ == "__main__":
    run_command(main)
