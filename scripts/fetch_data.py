"""Check a downloaded public file against its SHA-256, and put it where the workflow keeps it."""

from __future__ import annotations

import shutil
from pathlib import Path

from metaocl.artifacts.checksums import check_hash
from metaocl.artifacts.publishing import published
from metaocl.commands import command_parser, run_command


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--downloaded", type=Path, required=True, help="file as it came")
    parser.add_argument("--sha256", nargs="?", help="what its SHA-256 must be; nothing: any")
    parser.add_argument("--data", type=Path, required=True, help="file to write")
    arguments = parser.parse_args()

    check_hash(arguments.downloaded, arguments.sha256)
    with published(arguments.data) as [place]:
        shutil.copyfile(arguments.downloaded, place)


if __name__ == "__main__":
    run_command(main)
