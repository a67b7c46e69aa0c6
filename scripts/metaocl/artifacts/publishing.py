"""Files that are whole or absent: written beside their place, then renamed into it; and what made them."""

from __future__ import annotations

import errno
import filecmp
import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, files, version
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as parquet

from metaocl.errors import UserError

Row = TypeVar("Row")
CHECKSUMS = "SHA256SUMS"
RECORDED_PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "numpy", "pyarrow", "snakemake")


class ArtifactError(UserError):
    """An artifact that is missing, truncated or not what was expected; the message names the file."""


@contextmanager
def published(*targets: Path) -> Iterator[list[Path]]:
    """Temporary places for `targets`, files or folders; they are renamed into place, in order, when the block succeeds.

    If it fails nothing is left behind. The places carry machine and process, so that twins of a job don't disturb each
    other: the last one to finish wins, with one whole result, and leaves alone what is there with the same content.
    Raises ArtifactError, in place of every OSError, for targets that cannot be written.
    """
    temporary = [target.with_name(f".{platform.node()}-{os.getpid()}-{target.name}") for target in targets]
    try:
        for place, target in zip(temporary, targets, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            # In a container a job may have the process number of one that was killed there.
            _remove(place)
        yield temporary
        for place in temporary:
            _flush(place)
        for place, target in zip(temporary, targets, strict=True):
            _replace(place, target)
    except OSError as error:
        raise ArtifactError(f"{', '.join(map(str, targets))}: cannot be written: {error}") from None
    finally:
        for place in temporary:
            _remove(place)


def _replace(place: Path, target: Path) -> None:
    """Rename `place` to `target`, in the stead of what may be there; a folder gives way by a rename of its own."""
    # What is replaced looks new to Snakemake, which would make again all that a twin's result was used for.
    if target.exists() and _is_same(place, target):
        return
    given_way = place.with_name(f"{place.name}-old")
    while True:
        if target.is_dir():
            _remove(given_way)
            with suppress(FileNotFoundError):  # a twin was faster
                os.replace(target, given_way)
        try:
            os.replace(place, target)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # these: a twin has put its folder there meanwhile
                raise
    _remove(given_way)


def _is_same(place: Path, target: Path) -> bool:
    """Whether two files, or two folders, have the same content."""
    names = files_of(place)
    try:
        return names == files_of(target) and all(
            filecmp.cmp(place / name, target / name, shallow=False) for name in names
        )
    except FileNotFoundError:  # a twin is replacing the target
        return False


def _flush(place: Path) -> None:
    """Wait until a file, or all that a folder holds, is on the disk; else a power cut could leave its name alone."""
    for name in files_of(place):
        with (place / name).open("rb") as file:
            os.fsync(file.fileno())


def _remove(place: Path) -> None:
    """Remove a file or folder, if it is there."""
    if place.is_dir():
        shutil.rmtree(place)
    elif place.exists():
        place.unlink()


def files_of(path: Path) -> list[Path]:
    """The files in a folder, as paths from it, sorted, without hidden ones: Snakemake's time stamps are no content.

    Of a file: the empty path.
    """
    if not path.is_dir():
        return [Path()]
    return sorted(
        file.relative_to(path) for file in path.rglob("*") if file.is_file() and not file.name.startswith(".")
    )


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
    """Write an Arrow table as parquet, with checksums: without them a changed byte may read as another text."""
    parquet.write_table(table, path, compression="zstd", write_page_checksum=True)


def read_table(path: Path) -> pa.Table:
    """Read an Arrow table from parquet. Raises ArtifactError."""
    try:
        # ParquetFile, as read_table would first import pandas.
        return parquet.ParquetFile(path, page_checksum_verification=True).read()
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
