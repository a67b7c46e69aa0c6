"""Hashes of files: of one, of all in a folder, of samples; and what a Python package carries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, files, version
from pathlib import Path

from metaocl.artifacts.publishing import ArtifactError, files_of

CHECKSUMS = "SHA256SUMS"
PIECES, BYTES_OF_A_PIECE = 256, 4096


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sampled_hash(paths: Iterable[Path]) -> str:
    """Sixteen hexadecimal digits of files' names, sizes and contents; of a large file only pieces all over it are read.

    It takes milliseconds, and tells other weights or another table from these. An edit between two pieces it does not
    tell. Dates do not count.
    """
    digest = hashlib.sha256()
    for path in paths:
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            for start in range(0, size, max(BYTES_OF_A_PIECE, size // PIECES)):
                file.seek(start)
                digest.update(file.read(BYTES_OF_A_PIECE))
    return digest.hexdigest()[:16]


def weights_hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of weights in a folder of a saved model, as its list of checksums has them."""
    lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    hashes = {name: sha256 for sha256, _, name in (line.partition("  ") for line in lines)}
    return {name: sha256 for name, sha256 in hashes.items() if name.endswith(".safetensors")}


def write_checksums(folder: Path) -> None:
    """Write a list of the SHA-256 of each file in a folder into it, in the form that `sha256sum --check` reads."""
    (folder / CHECKSUMS).write_text("".join(f"{line}\n" for line in _checksums(folder)), encoding="utf-8")


def check_checksums(folder: Path) -> None:
    """Raises ArtifactError for a folder whose files are not as `write_checksums` saw them; OSError without a list."""
    written = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    if changed := sorted(set(written) ^ set(_checksums(folder))):
        raise ArtifactError(f"{folder / changed[0].partition('  ')[2]}: is not as it was written")


def _checksums(folder: Path) -> list[str]:
    names = [name.as_posix() for name in files_of(folder) if name.name != CHECKSUMS]
    return [f"{file_hash(folder / name)}  {name}" for name in names]


def check_hash(path: Path, expected: str | None) -> None:
    """Raises ArtifactError for a file that has another SHA-256 than `expected`, or that cannot be read."""
    if not expected:
        return
    try:
        found = file_hash(path)
    except OSError as error:
        raise ArtifactError(f"{path}: has no SHA-256 to check: {error.strerror}; expected one file") from None
    if found != expected:
        raise ArtifactError(f"{path}: its SHA-256 is {found}; expected {expected}")


def packaged_version(package: str) -> str:
    """The version of a Python package, which is not imported; of one that is not installed, words that say so."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def packaged_file(package: str, name: str) -> Path:
    """Where a file lies that an installed Python package carries; the package is not imported. Raises ArtifactError."""
    try:
        found = [file for file in files(package) or [] if file.name == name]
    except PackageNotFoundError:
        raise ArtifactError(
            f"the package {package}, which carries {name}, is not installed; requirements*.txt name it"
        ) from None
    if not found:
        raise ArtifactError(f"the package {package} holds no file {name}; requirements*.txt name the version that does")
    return Path(str(found[0].locate()))
