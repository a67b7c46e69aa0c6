"""What is judged, and by which studies: files of claims, and of hypotheses, as planning sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from metaocl.config.claims import COLUMN_OF, Cells, Comparison, read_claims
from metaocl.config.configuration import Config
from metaocl.config.entry import ConfigError
from metaocl.config.hypotheses import read_hypotheses
from metaocl.config.plans import swapped_plan
from metaocl.design.axes import AXES

Kind = Literal["claims", "hypotheses"]


def judged_files(kind: Kind, config: Config, repository: Path) -> list[str]:
    """The files of claims, or of hypotheses: the user's, or the project's own, which lie in `repository`."""
    return getattr(config, kind) or [str(repository / f"config/{kind}.yaml")]


def check_judged_files(config: Config, origin: str, repository: Path) -> None:
    """Raises ConfigError for a file of claims or of hypotheses that is not in the folder in which Snakemake runs, for a
    mistake in one, for cells of entries that there are not, and for what asks for numbers that a study's axis has not.

    repository: as `judged_files` takes it. The cells of the project's own files are not looked at: a study of the
    user's may have the name of one there, and other entries.
    """
    kinds: tuple[Kind, ...] = ("claims", "hypotheses")
    for kind in kinds:
        given, files = getattr(config, kind), judged_files(kind, config, repository)
        for file in files:
            if not Path(file).is_file():
                raise ConfigError(f"{origin}: {kind} has {file!r}; {Path.cwd()} has no such file")
        for name, study, comparison in _comparisons(kind, files):
            if study not in config.studies:
                continue
            for side in _sides(comparison) if given else []:
                _check_slugs(config, side, f"{origin}: {kind} {name}")
            if key := _key_about_axis(comparison):
                otherwise = (
                    "" if given else f"; or call the study otherwise, or give {kind}, files in place of {files[0]}"
                )
                _check_axis(config, study, f"{origin}: {kind} {name}: {key}", otherwise)


def judged_studies(kind: Kind, files: Sequence[str], config: Config) -> list[str]:
    """The studies of a configuration that the claims, or the hypotheses, of some files are tested by.

    Raises ConfigError for a mistake in a file.
    """
    named = {study for _, study, _ in _comparisons(kind, files)}
    return [study for study in config.studies if study in named]


def _comparisons(kind: Kind, files: Sequence[str]) -> Iterator[tuple[str, str, Comparison]]:
    """What is compared: the claim or prediction, the study that tests it, and the comparison."""
    paths = [Path(file) for file in files]
    if kind == "claims":
        for claim in read_claims(paths):
            yield from ((claim.id, claim.study, each) for each in (*claim.parts, *claim.controls))
    else:
        for hypothesis in read_hypotheses(paths):
            yield from ((each.id, each.study, each) for each in hypothesis.predictions)


def _sides(comparison: Comparison) -> list[Cells]:
    return [side for side in (comparison.cells, comparison.against) if side]


def _check_slugs(config: Config, cells: Cells, where: str) -> None:
    """A study may lack a cell for now, but what is no entry at all is a slip."""
    for section in COLUMN_OF:
        known = set(getattr(config, section))
        if section == "plans":
            known |= set(map(swapped_plan, known))
        if unknown := [name for name in getattr(cells, section) or () if name not in known]:
            there_are = ", ".join(sorted(known))
            raise ConfigError(f"{where}: {section} has {', '.join(unknown)}; the configuration has {there_are}")


def _key_about_axis(comparison: Comparison) -> str | None:
    """The key by which a comparison asks for numbers on the study's axis."""
    if comparison.slope_along:
        return "slope_along"
    return next((key for side in _sides(comparison) for key in ("x_range", "x_end") if getattr(side, key)), None)


def _check_axis(config: Config, study: str, where: str, otherwise: str) -> None:
    """otherwise: what may be done but to give the study such an axis."""
    axis = config.studies[study].axis
    if axis is None or AXES[axis].names:
        numbers = ", ".join(name for name, each in AXES.items() if not each.names)
        raise ConfigError(
            f"{where} needs numbers on the axis of study {study}, which is {axis or 'not given'}; those with numbers "
            f"are {numbers}{otherwise}"
        )
