"""From gaps to one number per stage-1 seed, however a claim compares cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from metaocl.config.claims import COLUMN_OF, Cells, Comparison
from metaocl.config.entry import ConfigError
from metaocl.design.cells import CELL
from metaocl.design.contrasts import CONTRASTS
from metaocl.design.measures import MAIN_MEASURE, MEASURES, Measure
from metaocl.statistics.intervals import mean_interval


@dataclass(frozen=True)
class Series:
    """A comparison's numbers, one per stage-1 seed that has all its cells; `incomplete` seeds lack one.

    limits: the least and the largest number that there can be.
    """

    name: str
    values: np.ndarray
    incomplete: int = 0
    limits: tuple[float, float] = (-np.inf, np.inf)

    def __str__(self) -> str:
        low, high = mean_interval(self.values, self.limits)
        spread = "in every seed" if np.isnan(low) else f"[{low:z.3f}, {high:z.3f}]"
        return f"{self.name} is {self.values.mean():z.3f} {spread}"


def measure(comparison: Comparison, gaps: pd.DataFrame, axis: Mapping[str, float | str]) -> Series | None:
    """A comparison's number for each seed; None where the table lacks what it compares."""
    wide = _by_seed(gaps, comparison.contrast)
    if comparison.less:
        wide = (wide - _by_seed(gaps, comparison.less)).dropna(axis="columns", how="all")
    chosen = _select(wide, comparison.cells, axis)
    # A seed that lacks one of the cells has no number: over fewer cells it would mean another thing.
    by_seed = chosen.mean(axis="columns", skipna=False)
    if comparison.against:
        by_seed = by_seed - _select(wide, comparison.against, axis).mean(axis="columns", skipna=False)
    elif comparison.slope_along and not chosen.empty:
        by_seed = _slopes(chosen, comparison, axis)
    complete = by_seed.dropna()
    if complete.empty:
        return None
    values = complete.to_numpy(dtype=float)
    return Series(in_words(comparison), values, len(by_seed) - len(complete), _limits(comparison))


def in_words(comparison: Comparison) -> str:
    """A comparison in a few words."""
    text = comparison.contrast + (f" − {comparison.less}" if comparison.less else "")
    if comparison.slope_along:
        text = f"slope of {text}" + (", with each doubling" if comparison.scale == "log" else "")
    where = _cells_in_words(comparison.cells)
    if comparison.against:
        where = f"{where or 'all cells'} against {_cells_in_words(comparison.against) or 'all cells'}"
    return f"{text} ({where})" if where else text


def seeds_left_out(count: int) -> str:
    """What a verdict says at its end of the seeds that lack a cell; nothing without any."""
    if not count:
        return ""
    return f"; {count} seeds that lack a cell are left out" if count > 1 else "; 1 seed that lacks a cell is left out"


def seeds_and_cells(contrast: str, cells: Cells, gaps: pd.DataFrame, axis: Mapping[str, float | str]) -> pd.DataFrame:
    """A contrast in the cells that are meant, a row per seed and a column per cell."""
    return _select(_by_seed(gaps, contrast), cells, axis)


def _cells_in_words(cells: Cells) -> str:
    """The conditions that cells meet; empty without any."""
    parts = [" + ".join(getattr(cells, key)) for key in COLUMN_OF if getattr(cells, key)]
    if cells.x_range:
        low, high = cells.x_range
        parts.append(f"x = {low:g}" if low == high else f"x from {low:g} to {high:g}")
    if cells.x_end:
        parts.append(f"{cells.x_end} x")
    return ", ".join(parts)


def _limits(comparison: Comparison) -> tuple[float, float]:
    """The least and the largest number that a comparison can give a seed."""
    if comparison.slope_along:
        return -np.inf, np.inf
    low, high = CONTRASTS[comparison.contrast].limits(_measure_of(comparison.contrast))
    if comparison.less:
        less_low, less_high = CONTRASTS[comparison.less].limits(_measure_of(comparison.less))
        low, high = low - less_high, high - less_low
    return (low - high, high - low) if comparison.against else (low, high)


def _measure_of(contrast: str) -> Measure:
    """The measure that a contrast is judged in."""
    return MEASURES[CONTRASTS[contrast].measure or MAIN_MEASURE.name]


def _by_seed(gaps: pd.DataFrame, contrast: str) -> pd.DataFrame:
    """A contrast's gaps in its own or the main measure, a row per seed and a column per cell; empty where it was not
    measured."""
    rows = gaps[(gaps["contrast"] == contrast) & (gaps["measure"] == _measure_of(contrast).name)]
    return rows.pivot(index="seed", columns=CELL, values="gap")


def _select(wide: pd.DataFrame, cells: Cells, axis: Mapping[str, float | str]) -> pd.DataFrame:
    """The columns of the cells that are meant, and the seeds that any of them has.

    No columns if a slug that is named has none: a comparison without one of its sides would be another comparison.
    """
    kept = [
        cell
        for cell in wide
        if all(
            getattr(cells, key) is None or cell[CELL.index(column)] in getattr(cells, key)
            for key, column in COLUMN_OF.items()
        )
    ]
    if cells.x_range:
        kept = [cell for cell in kept if cells.x_range[0] <= _x(cell, axis) <= cells.x_range[1]]
    if cells.x_end and kept:
        end = {"smallest": min, "largest": max}[cells.x_end](_x(cell, axis) for cell in kept)
        kept = [cell for cell in kept if _x(cell, axis) == end]
    for key, column in COLUMN_OF.items():
        if not set(getattr(cells, key) or []) <= {cell[CELL.index(column)] for cell in kept}:
            kept = []
    return wide[kept].dropna(how="all")


def _slopes(chosen: pd.DataFrame, comparison: Comparison, axis: Mapping[str, float | str]) -> pd.Series:
    """Least-squares slope of each seed on x, with an intercept for cells that differ in more than what x stands for.

    Not-a-number where no two such cells differ in x, and for a seed that lacks a cell.
    """
    x = pd.Series([_x(cell, axis) for cell in chosen], index=chosen.columns)
    x = np.log2(x) if comparison.scale == "log" else x
    others = [column for key, column in COLUMN_OF.items() if key != comparison.slope_along]
    series = x.groupby(level=others)
    if series.nunique().max() < 2:
        return pd.Series(np.nan, index=chosen.index)
    # Centring x alone is enough: it is at right angles to every intercept.
    centred = x - series.transform("mean")
    return chosen.mul(centred / (centred**2).sum(), axis="columns").sum(axis="columns", skipna=False)


def _x(cell: tuple[str, ...], axis: Mapping[str, float | str]) -> float:
    x = axis.get(_key(cell))
    if not isinstance(x, (int, float)):
        numbers = [f"{key}: {value}" for key, value in axis.items()]
        raise ConfigError(f"the axis has no number for the cell {_key(cell)}; it has {', '.join(numbers) or 'nothing'}")
    return x


def _key(cell: tuple[str, ...]) -> str:
    return "/".join(cell)
