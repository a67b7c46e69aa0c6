"""Tabulate T-REx: the different triples of its JSON files that tell something about creative works."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.checksums import check_hash, file_hash
from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import write_json
from metaocl.commands import command_parser, run_command
from metaocl.facts.trex import CREDIT, tabulate_trex


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder, or zip, of T-REx's JSON files")
    parser.add_argument("--sha256", nargs="?", help="what the zip's SHA-256 must be; nothing: any")
    parser.add_argument("--triples", type=Path, required=True, help="parquet to write: one row per triple")
    parser.add_argument("--manifest", type=Path, required=True, help="JSON to write: counts, credit, hash")
    arguments = parser.parse_args()

    check_hash(arguments.data, arguments.sha256)
    with published(arguments.triples, arguments.manifest) as (triples_place, manifest_place):
        counts = tabulate_trex(arguments.data, triples_place)
        write_json({"credit": CREDIT, **counts, "sha256": file_hash(triples_place)}, manifest_place)


if __name__ == "__main__":
    run_command(main)
