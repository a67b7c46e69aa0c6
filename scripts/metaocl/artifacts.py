"""Files that are whole or absent: written beside their place, then renamed into it; and what made them."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, files, version
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as parquet

from metaocl.errors import UserError

Row = TypeVar("Row")
RECORDED_PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "numpy", "pyarrow", "snakemake")


class ArtifactError(UserError):
    """An artifact that is missing, truncated or not what was expected; the message names the file."""


@contextmanager
def published(*targets: Path) -> Iterator[list[Path]]:
    """Temporary places for `targets`, files or folders; they are renamed into place, in order, when the block succeeds.

    If it fails nothing is left behind. The places carry machine and process, so that twins of a job don't disturb each
    other: the last one to finish wins, with one whole result.
    """
    temporary = [target.with_name(f".{platform.node()}-{os.getpid()}-{target.name}") for target in targets]
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        for place, target in zip(temporary, targets, strict=True):
            _replace(place, target)
    finally:
        for place in temporary:
            if place.is_dir():
                shutil.rmtree(place)
            place.unlink(missing_ok=True)


def _replace(place: Path, target: Path) -> None:
    """Rename `place` to `target`, in the stead of what may be there; a folder gives way by a rename of its own."""
    if target.is_dir():
        given_way = place.with_name(f"{place.name}-old")
        os.replace(target, given_way)
        shutil.rmtree(given_way)
    os.replace(place, target)


def write_rows(rows: Sequence[Any], kind: type, path: Path) -> None:
    """Write dataclass instances of `kind` as parquet, one column per field; the same rows give the same bytes."""
    columns = {field.name: [getattr(row, field.name) for row in rows] for field in fields(kind)}
    write_table(pa.table(columns), path)


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """What `write_rows` wrote. Raises ArtifactError."""
    table = read_table(path)
    wanted = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if table.column_names != wanted:
        raise ArtifactError(f"{path}: has columns {', '.join(table.column_names)}; expected {', '.join(wanted)}")
    return [kind(**row) for row in table.to_pylist()]


def write_table(table: pa.Table, path: Path) -> None:
    """Write an Arrow table as parquet."""
    parquet.write_table(table, path, compression="zstd")


def read_table(path: Path) -> pa.Table:
    """Read an Arrow table from parquet. Raises ArtifactError."""
    try:
        # ParquetFile, as read_table would first import pandas.
        return parquet.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(f"{path}: cannot be read as parquet: {error}; delete it and run again") from None


def write_json(content: Any, path: Path) -> None:
    """Write sorted, indented JSON; not-a-number is an error, as other programs could not read it."""
    path.write_text(
        json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def describe_run(settings: dict[str, Any], **measured: Any) -> dict[str, Any]:
    """The content of a run.json: what was asked for, what was measured, and on which software and machine."""
    return {
        "settings": settings,
        "measured": measured,
        "packages": package_versions(),
        "python": platform.python_version(),
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cpus": os.cpu_count()},
        "code": _git_state(),
    }


def package_versions() -> dict[str, str]:
    """The versions of the packages that results depend on."""
    return {name: version(name) for name in RECORDED_PACKAGES}


def _git_state() -> dict[str, Any]:
    """The commit of this code and whether its tree was clean; None where that can't be known."""
    folder = Path(__file__).parent
    try:
        commit, status = (
            subprocess.run(
                ["git", "-C", str(folder), *command], check=True, capture_output=True, text=True
            ).stdout.strip()
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "clean": None}
    return {"commit": commit, "clean": not status}
