"""Files that may be gzipped, whatever their names say."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import BinaryIO, cast


def open_unzipped(path: Path) -> BinaryIO:
    """The bytes of a file, plain or gzipped. Raises OSError; reading what is cut off or damaged raises others."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path)) if zipped else path.open("rb")
