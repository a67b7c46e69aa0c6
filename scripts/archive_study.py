"""Archive a finished study: one zip, an RO-Crate, with its results, settings, verdicts, cards and environment."""

from __future__ import annotations

import json
from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.commands import command_parser, run_command
from metaocl.config.claims import read_claims
from metaocl.planning.study_arguments import add_study_arguments
from metaocl.reports.archives import FinishedStudy, write_archive


def main() -> None:
    parser = command_parser(__doc__)
    add_study_arguments(parser)
    parser.add_argument("--settings", type=json.loads, required=True, help="the configuration of the study, as JSON")
    parser.add_argument("--models", type=json.loads, required=True, help="JSON: what each model is, in words")
    parser.add_argument("--axis", type=json.loads, required=True, help="JSON: the x of each of its cells")
    parser.add_argument("--files", nargs="+", type=Path, required=True, help="files of the study in the results")
    parser.add_argument("--claims", nargs="+", type=Path, required=True, help="YAML files of claims")
    parser.add_argument("--about", nargs="+", type=Path, required=True, help="files on the code, with CITATION.cff")
    parser.add_argument("--archive", type=Path, required=True, help="zip to write")
    arguments = vars(parser.parse_args())

    claims, about, archive = read_claims(arguments.pop("claims")), arguments.pop("about"), arguments.pop("archive")
    arguments.pop("log")
    with published(archive) as (place,):
        write_archive(FinishedStudy(**arguments), claims, about, place)


if __name__ == "__main__":
    run_command(main)
