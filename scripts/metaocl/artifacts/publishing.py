"""Files that are whole or absent: written beside their place, then renamed into it."""

from __future__ import annotations

import errno
import filecmp
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from metaocl.errors import UserError


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
