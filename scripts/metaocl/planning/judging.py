"""What is judged, and by which studies: files of claims, and of hypotheses, as planning sees them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from metaocl.config.claims import read_claims
from metaocl.config.configuration import Config
from metaocl.config.entry import ConfigError
from metaocl.config.hypotheses import read_hypotheses

Kind = Literal["claims", "hypotheses"]


def check_judged_files(config: Config, origin: str) -> None:
    """Raises ConfigError for a file of claims or of hypotheses that is not in the folder in which Snakemake runs, and
    for a mistake in one."""
    kinds: tuple[Kind, ...] = ("claims", "hypotheses")
    for kind in kinds:
        files = getattr(config, kind) or ()
        for file in files:
            if not Path(file).is_file():
                raise ConfigError(f"{origin}: {kind} has {file!r}; {Path.cwd()} has no such file")
        _studies_named(kind, files)


def judged_studies(kind: Kind, files: Sequence[str], config: Config) -> list[str]:
    """The studies of a configuration that the claims, or the hypotheses, of some files are tested by.

    Raises ConfigError for a mistake in a file.
    """
    named = _studies_named(kind, files)
    return [study for study in config.studies if study in named]


def _studies_named(kind: Kind, files: Sequence[str]) -> set[str]:
    paths = [Path(file) for file in files]
    if kind == "claims":
        return {claim.study for claim in read_claims(paths)}
    return {prediction.study for each in read_hypotheses(paths) for prediction in each.predictions}
