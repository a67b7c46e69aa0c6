"""Gaps against what a study varies: α, model size, batch size, data amount, word order, stage plans."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product
from typing import TypedDict

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import NullFormatter

from metaocl.design.cells import CELL
from metaocl.design.contrasts import CONTRASTS, HEADLINES
from metaocl.design.measures import MAIN_MEASURE, MEASURES
from metaocl.errors import UserError
from metaocl.figures.style import PAGE_WIDTH, SMALL, Look, count_seeds, styled
from metaocl.statistics.intervals import mean_interval


class StudyAxis(TypedDict):
    """What a study varies, as a parameter: label and log are those of `metaocl.design.axes`.

    values: the number or text of each cell, by "dataset/define_type/model/plan".
    Numbers stand on a scale (log or not) and are joined by a line; if any value is a text, all are categories, in
    the order of their first appearance.
    """

    label: str
    log: bool
    values: Mapping[str, float | str]


# Okabe and Ito's colours but yellow. Of 28 lines no two share colour and style, of 56 no two colour and marker.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#000000", "#56B4E9", "#E69F00", "#CC79A7")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
STYLES = ("-", "--", "-.", ":")
CHARACTER = 0.06  # inches, of a tick label
DODGE = 0.02  # between lines at the same place, as a share of the axis; a category has more room


@dataclass(frozen=True)
class Line:
    """The cells of a study that one line joins.

    x: where each cell stands, a little aside for the lines not to cover each other. x_seeds: where its single seeds
    stand, beside that. look: its label ends in the number of seeds. most_seeds: of any of its gaps.
    """

    x: pd.Series
    x_seeds: pd.Series
    look: Look
    most_seeds: int


def draw_gaps(gaps: pd.DataFrame, axis: StudyAxis) -> Figure:
    """OCL and meta-OCL against an axis: means over stage-1 seeds with 95 % t intervals, and single seeds as faint dots.

    gaps: one row per cell, measure, contrast and stage-1 seed. A row of panels per measure of answers, and a further
    panel for entity attribution where there is any; what was measured of mechanisms is not shown. One line for each
    combination of slugs that the axis leaves open. A cell of the axis without a gap is marked ×. Raises UserError for a
    gap of a cell that is not on the axis, and for values that a log scale cannot show.
    """
    points = _points(axis)
    panels = _panels(gaps.dropna(subset="gap"), points, axis)
    measures, contrasts = (list(dict.fromkeys(part)) for part in zip(*panels, strict=True))
    seeds = pd.concat([per_seed.count(axis="columns") for per_seed in panels.values()])
    lines = _lines(points, seeds, axis)
    with styled():
        row_height = rcParams["figure.figsize"][1]
        figure = Figure((PAGE_WIDTH, row_height * len(measures) + 0.15 + _label_height(axis)), layout="constrained")
        grid = figure.subplots(len(measures), len(contrasts), sharex=True, squeeze=False)
        for (row, measure), (column, contrast) in product(enumerate(measures), enumerate(contrasts)):
            axes = grid[row, column]
            if (measure, contrast) not in panels:
                axes.set_axis_off()
                continue
            limits = CONTRASTS[contrast].limits(MEASURES[measure])
            _draw_panel(axes, panels[measure, contrast], limits, lines)
            _scale_axis(axes, points, axis, width=PAGE_WIDTH / len(contrasts) - 0.6)
            axes.set_title(CONTRASTS[contrast].short if row == 0 else "")
            axes.set_ylabel(f"gap in {MEASURES[measure].label}" if column == 0 else "")
        figure.supxlabel(axis["label"] + (f" ({lines[0].look.label})" if len(lines) == 1 else ""), fontsize=8)
        _add_legend(figure, lines, missing=bool((seeds == 0).any()))
    return figure


def _is_categorical(axis: StudyAxis) -> bool:
    return any(isinstance(value, str) for value in axis["values"].values())


def _points(axis: StudyAxis) -> pd.DataFrame:
    """One row per cell of the axis: its slugs, its value, its place x on the axis, and the name of its line."""
    values = list(axis["values"].values())
    points = pd.DataFrame([cell.split("/") for cell in axis["values"]], columns=CELL, index=list(axis["values"]))
    if _is_categorical(axis):
        values = [str(value) for value in values]
        points["x"] = pd.factorize(np.array(values))[0].astype(float)
    else:
        points["x"] = np.array(values, dtype=float)
        if axis["log"] and (points["x"] <= 0).any():
            raise UserError(f"axis '{axis['label']}': {points['x'].min():g} cannot stand on a log scale; expected > 0")
    points["value"] = values
    left_open = _slugs_left_open(points)
    points["line"] = points[left_open].agg(", ".join, axis="columns") if left_open else ""
    return points


def _slugs_left_open(points: pd.DataFrame) -> list[str]:
    """The slugs that tell lines apart: those that vary, without the ones that the value of a cell follows from.

    With data sets × models against model size, the value follows from the model, and each data set has a line.
    """
    varying = [slug for slug in CELL if points[slug].nunique() > 1]
    if points["x"].nunique() == 1:
        return varying
    for size in range(1, len(varying)):
        sets = [list(chosen) for chosen in combinations(varying, size)]
        decisive = [chosen for chosen in sets if (points.groupby(chosen)["x"].nunique() == 1).all()]
        if decisive:
            return [slug for slug in varying if slug not in chain(*decisive)]
    return []


def _panels(gaps: pd.DataFrame, points: pd.DataFrame, axis: StudyAxis) -> dict[tuple[str, str], pd.DataFrame]:
    """For each measure and contrast to show: a row per cell of the axis, a column per seed; nan where there is none."""
    cells = [f"{a}/{b}/{c}/{d}" for a, b, c, d in gaps[CELL].itertuples(index=False)]
    if unknown := sorted(set(cells) - set(points.index)):
        raise UserError(f"axis '{axis['label']}': has no value for the cell {unknown[0]}; expected one for each cell")
    gaps = gaps.assign(cell=cells)
    there = set(gaps["measure"])
    # A contrast of mechanisms is taken in a measure of its own, in which the contrasts that are shown have no gap.
    measures = [m.name for m in MEASURES.values() if m.analysed and m.name in there] or [MAIN_MEASURE.name]
    panels = {}
    for measure, contrast in product(measures, [contrast.name for contrast in CONTRASTS.values() if contrast.short]):
        chosen = gaps[(gaps["measure"] == measure) & (gaps["contrast"] == contrast)]
        if len(chosen) or contrast in HEADLINES:
            panels[measure, contrast] = chosen.pivot(index="cell", columns="seed", values="gap").reindex(points.index)
    return panels


def _lines(points: pd.DataFrame, seeds: pd.Series, axis: StudyAxis) -> list[Line]:
    """Lines in the order of the axis. seeds: the number of seeds of each cell, once per panel."""
    groups = list(points.groupby("line", sort=False))
    lines = []
    for number, (name, cells) in enumerate(groups):
        counts = seeds[seeds.index.isin(cells.index) & (seeds > 0)].tolist()
        color, marker = COLORS[number % 7], MARKERS[number % 8]
        style = "" if _is_categorical(axis) else STYLES[number % 4]
        label = f"{name} ({count_seeds(counts)})" if name else count_seeds(counts)
        # With a single value the axis is as wide as `_scale_axis` makes it.
        width = np.ptp(_scaled(points["x"], axis)) or 1.0
        step = min(0.8 / len(groups), 0.2) if _is_categorical(axis) else DODGE * width
        aside = step * (number - (len(groups) - 1) / 2)
        x, x_seeds = (_moved(cells["x"].sort_values(kind="stable"), by, axis) for by in (aside, aside - 0.4 * step))
        lines.append(Line(x, x_seeds, Look(label, color, style, marker), max(counts, default=0)))
    return lines


def _scaled(x: pd.Series, axis: StudyAxis) -> pd.Series:
    """Places in proportion to their distances on paper."""
    return np.log(x) if axis["log"] and not _is_categorical(axis) else x


def _moved(x: pd.Series, by: float, axis: StudyAxis) -> pd.Series:
    return x * np.exp(by) if axis["log"] and not _is_categorical(axis) else x + by


def _draw_panel(axes: Axes, per_seed: pd.DataFrame, limits: tuple[float, float], lines: Sequence[Line]) -> None:
    """limits: the least and the largest gap that there can be."""
    axes.axhline(0, color="black", linestyle="--", linewidth=0.8, zorder=1)
    for line in lines:
        found = per_seed.loc[line.x.index].dropna(how="all")
        x, color = line.x[found.index], line.look.color
        for seed in found:
            axes.plot(line.x_seeds[found.index], found[seed], "o", color=color, alpha=0.35, mew=0, markersize=1.8)
        mean, counts = found.mean(axis="columns"), found.count(axis="columns")
        low, high = mean_interval(found.to_numpy(dtype=float), limits)
        axes.errorbar(x, mean, [mean - low, high - mean], elinewidth=0.9, **line.look.options())
        tops = np.fmax(found.max(axis="columns"), high)
        for cell in counts.index[counts < line.most_seeds]:
            note = axes.annotate(f"n={counts[cell]}", (x[cell], tops[cell]), (0, 2), textcoords="offset points")
            note.set(ha="center", fontsize=SMALL, color=color)
            note.set_path_effects([withStroke(linewidth=1.5, foreground="white")])
        missing = line.x.drop(found.index)
        axes.plot(
            missing, [0.03] * len(missing), "x", color=color, label="no result", transform=axes.get_xaxis_transform()
        )


def _scale_axis(axes: Axes, points: pd.DataFrame, axis: StudyAxis, width: float) -> None:
    """Ticks at the values themselves, on a panel of `width` inches."""
    places = points.drop_duplicates("x").sort_values("x").set_index("x")["value"]
    if _is_categorical(axis):
        room = int(width / len(places) / CHARACTER)
        wrapped = [textwrap.fill(name, max(room, 1), break_long_words=False) for name in places]
        if all(len(part) <= room for name in wrapped for part in name.split("\n")):
            axes.set_xticks(places.index, wrapped)
        else:
            axes.set_xticks(places.index, places, rotation=35, ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.5, len(places) - 0.5)
        return
    axes.set_xscale("log" if axis["log"] else "linear")
    scaled = _scaled(places.index.to_series(), axis).tolist()
    span = scaled[-1] - scaled[0] or 1.0
    named = [0]  # the ticks that have room for a number; the others have none
    for number in range(1, len(scaled)):
        if scaled[number] - scaled[named[-1]] > 6 * CHARACTER / width * span:
            named.append(number)
    axes.set_xticks(places.index[named], [_show_number(value) for value in places.iloc[named]])
    axes.set_xticks(places.index, minor=True)
    axes.xaxis.set_minor_formatter(NullFormatter())
    edges = pd.Series([scaled[0] - 0.08 * span, scaled[-1] + 0.08 * span])
    axes.set_xlim(*(np.exp(edges) if axis["log"] else edges))


def _label_height(axis: StudyAxis) -> float:
    """Inches that names of categories may need below the panels."""
    return 0.5 * CHARACTER * max(map(len, map(str, axis["values"].values()))) if _is_categorical(axis) else 0.0


def _show_number(value: float) -> str:
    """A number in few characters: 70M and 2.8B as models are named, 32k for 32,768 as batch sizes are."""
    if value >= 1e6:
        size, letter = (1e9, "B") if value >= 1e9 else (1e6, "M")
        return f"{float(f'{value / size:.2g}'):g}{letter}"
    if value >= 1024 and value % 1024 == 0:
        return f"{value / 1024:g}k"
    return f"{value / 1000:g}k" if value >= 10_000 else f"{value:g}"


def _add_legend(figure: Figure, lines: Sequence[Line], missing: bool) -> None:
    """Above the panels, what tells lines apart and what a missing result looks like; nothing where neither is there."""
    handles = [Line2D([], [], label=line.look.label, **line.look.options()) for line in lines if len(lines) > 1]
    if missing:
        handles.append(Line2D([], [], color="black", linestyle="", marker="x", label="no result"))
    if handles:
        longest = max(len(str(handle.get_label())) for handle in handles)
        columns = max(1, min(len(handles), 120 // (longest + 6)))
        figure.legend(handles=handles, loc="outside upper center", ncols=columns)
        figure.set_figheight(figure.get_figheight() + 0.15 * -(-len(handles) // columns))
