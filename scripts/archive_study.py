"""Archive a finished study: one zip, an RO-Crate, with its results, settings, verdicts, cards and environment."""

from __future__ import annotations

import json
from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.claims.entries import read_claims
from metaocl.commands import command_parser, run_command
from metaocl.config.parsing import parse_config
from metaocl.reports.archives import write_archive


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--settings", type=json.loads, required=True, help="configuration of the study, as JSON")
    parser.add_argument("--results", type=Path, required=True, help="folder that holds tables/, figures/ and so on")
    parser.add_argument("--claims", nargs="+", type=Path, required=True, help="YAML files of claims")
    parser.add_argument("--about", nargs="+", type=Path, required=True, help="files on the code, with CITATION.cff")
    parser.add_argument("--archive", type=Path, required=True, help="zip to write")
    arguments = parser.parse_args()

    config = parse_config(arguments.settings, "--settings")
    claims = read_claims(arguments.claims)
    with published(arguments.archive) as (place,):
        write_archive(arguments.settings, config, arguments.results, claims, arguments.about, place)


if __name__ == "__main__":
    run_command(main)
