"""Fetch a public file, check it against its SHA-256, and put it where the workflow keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from metaocl.artifacts.checksums import file_hash
from metaocl.artifacts.publishing import ArtifactError, published
from metaocl.commands import command_parser, run_command

SECONDS = 60  # that a server may be silent
BYTES_OF_A_PIECE = 2**20


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--url", required=True, help="where it is")
    parser.add_argument("--sha256", nargs="?", help="what its SHA-256 must be; nothing: any")
    parser.add_argument("--data", type=Path, required=True, help="file to write")
    arguments = parser.parse_args()

    with published(arguments.data) as [place]:
        with place.open("wb") as file:
            file.writelines(_pieces(arguments.url))
        found = file_hash(place)
        if arguments.sha256 and found != arguments.sha256:
            raise ArtifactError(f"{arguments.url}: its SHA-256 is {found}; expected {arguments.sha256}")


def _pieces(url: str) -> Iterator[bytes]:
    """The bytes that lie at an address, in pieces. Raises ArtifactError where they cannot be had whole."""
    # Snakemake's storage plugin would ask the server while it plans already.
    try:
        with urlopen(url, timeout=SECONDS) as response:  # noqa: S310 - a configuration takes http and https alone
            came = 0
            while piece := response.read(BYTES_OF_A_PIECE):
                came += len(piece)
                yield piece
            promised = response.headers["Content-Length"]
            if promised and came != int(promised):
                raise ValueError(f"{came:,} of {int(promised):,} bytes came")
    except (OSError, HTTPException, ValueError) as error:
        raise ArtifactError(f"{url}: cannot be fetched: {' '.join(str(error).split())}") from None


if __name__ == "__main__":
    run_command(main)
