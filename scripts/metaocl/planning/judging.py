"""What is judged, and by which studies: files of claims, and of hypotheses, as planning sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Literal

from metaocl.config.claims import COLUMN_OF, Cells, Comparison, read_claims
from metaocl.config.configuration import Config
from metaocl.config.entry import ConfigError
from metaocl.config.hypotheses import Prediction, read_hypotheses
from metaocl.config.plans import swapped_plan
from metaocl.design.axes import AXES
from metaocl.planning.cells import axis_values

Kind = Literal["claims", "hypotheses"]
FEWEST_CELLS = 4  # of a relation over cells: 3 have 6 orders, and no p below 1/6


def judged_files(kind: Kind, config: Config, repository: Path) -> list[str]:
    """The files of claims, or of hypotheses: the user's, or the project's own, which lie in `repository`."""
    return getattr(config, kind) or [str(repository / f"config/{kind}.yaml")]


def check_judged_files(config: Config, origin: str, repository: Path) -> None:
    """Raises ConfigError for a file of claims or of hypotheses that is not in the folder in which Snakemake runs, for a
    mistake in one, for cells of entries that there are not, for what asks for numbers that a study's axis has not, and
    for a relation over fewer than FEWEST_CELLS.

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
            where = f"{origin}: {kind} {name}"
            otherwise = "" if given else f"; or call the study otherwise, or give {kind}, files in place of {files[0]}"
            for side in _sides(comparison) if given else []:
                _check_slugs(config, side, where)
            if key := _key_about_axis(comparison):
                _check_axis(config, study, f"{where}: {key}", otherwise)
            if comparison.slope_along:
                _check_slope(config, study, comparison, where, otherwise)
            if given and isinstance(comparison, Prediction) and comparison.over == "cells":
                _check_relation(config, study, comparison, where)


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


def _check_slope(config: Config, study: str, comparison: Comparison, where: str, otherwise: str) -> None:
    """otherwise: as `_check_axis` takes it."""
    axis = config.studies[study].axis
    if axis and comparison.slope_along != AXES[axis].section:
        raise ConfigError(
            f"{where}: slope_along is {comparison.slope_along}; what lies on the axis of study {study}, {axis}, is "
            f"{AXES[axis].section}{otherwise}"
        )
    least = min(map(float, _meant(config, study, comparison.cells).values()), default=1)
    if comparison.scale == "log" and least <= 0:
        raise ConfigError(
            f"{where}: scale: log needs an axis above 0; study {study} has {least:g} on its axis, {axis}{otherwise}"
        )


def _check_relation(config: Config, study: str, prediction: Prediction, where: str) -> None:
    meant = _meant(config, study, prediction.cells)
    if len(meant) < FEWEST_CELLS:
        raise ConfigError(
            f"{where}: over: cells needs {FEWEST_CELLS} cells or more to be significant; of study {study} it has "
            f"{', '.join(meant) or 'none'}"
        )


def _meant(config: Config, study: str, cells: Cells) -> dict[str, float | str]:
    """The cells of a study that meet the conditions on their slugs and x, with where they lie on its axis."""
    sections = [
        [slug for slug in getattr(config.studies[study], section) if slug in (getattr(cells, section) or [slug])]
        for section in COLUMN_OF
    ]
    values = axis_values(config.studies[study], config)
    meant = {cell: values[cell] for cell in map("/".join, product(*sections))}
    if cells.x_range:
        low, high = cells.x_range
        meant = {cell: x for cell, x in meant.items() if low <= float(x) <= high}
    return meant
