"""Fetch one public file of handwriting, check it against its SHA-256, and put it where the workflow keeps it."""

from __future__ import annotations

import hashlib
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from metaocl.artifacts.publishing import ArtifactError, published
from metaocl.commands import command_parser, run_command

SECONDS = 60  # that a server may be silent


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--url", required=True, help="what stands before the name of the file")
    parser.add_argument("--file", required=True, help="its name there")
    parser.add_argument("--sha256", nargs="?", help="what its SHA-256 must be; nothing: any")
    parser.add_argument("--data", type=Path, required=True, help="file to write")
    arguments = parser.parse_args()

    content = _fetch(f"{arguments.url.rstrip('/')}/{arguments.file}", arguments.sha256)
    with published(arguments.data) as [place]:
        place.write_bytes(content)


def _fetch(url: str, sha256: str | None) -> bytes:
    """What lies at an address. Raises ArtifactError where it cannot be had whole, or has another SHA-256."""
    # Snakemake's storage plugin would ask the server while it plans already, and each time that it does.
    try:
        with urlopen(url, timeout=SECONDS) as response:  # noqa: S310 - a configuration takes http and https alone
            content: bytes = response.read()
    except (OSError, HTTPException, ValueError) as error:
        raise ArtifactError(f"{url}: cannot be fetched: {' '.join(str(error).split())}") from None
    found = hashlib.sha256(content).hexdigest()
    if sha256 and found != sha256:
        raise ArtifactError(f"{url}: its SHA-256 is {found}; expected {sha256}")
    return content


if __name__ == "__main__":
    run_command(main)
