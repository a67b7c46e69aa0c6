"""All studies of a configuration on one page: a row per cell, its gaps with their intervals."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaocl.design.cells import CELL
from metaocl.design.contrasts import CONTRASTS, HEADLINES
from metaocl.design.measures import MAIN_MEASURE
from metaocl.errors import UserError
from metaocl.figures.style import PAGE_WIDTH, SMALL, count_seeds, styled

SHOWN = (*HEADLINES, "attribution_meta_ocl")
ROW = 0.15  # inches, of a cell or of a study's name
COLOR = "#0072B2"


def draw_studies(effects: Mapping[str, pd.DataFrame]) -> Figure:
    """Mean gaps in exact match over stage-1 seeds with 95 % t intervals, a panel for each of SHOWN that is there.

    effects: of each study, a row per cell, measure and contrast. A cell is named by what its study varies. Raises
    UserError where there is no gap.
    """
    found = {study: table[table["measure"] == MAIN_MEASURE.name] for study, table in effects.items()}
    there = set().union(*(set(table.dropna(subset="mean")["contrast"]) for table in found.values()))
    panels = [name for name in SHOWN if name in there]
    if not panels:
        raise UserError("the studies have no gap: there is nothing to draw")
    rows = [row for study, table in found.items() for row in _rows(study, table)]
    with styled():
        figure = Figure((PAGE_WIDTH, ROW * len(rows) + 0.7), layout="constrained")
        grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, name in zip(grid, panels, strict=True):
            for place, (_, cell) in enumerate(rows):
                if cell is not None:
                    _draw(axes, place, cell[cell["contrast"] == name])
            axes.axvline(0, color="black", linestyle="--", linewidth=0.6)
            axes.set(xlabel=CONTRASTS[name].short, ylim=(len(rows) - 0.4, -0.6))
            axes.tick_params(axis="y", length=0)
        grid[0].set_yticks(range(len(rows)), [label for label, _ in rows], fontsize=SMALL)
        for label, (_, cell) in zip(grid[0].get_yticklabels(), rows, strict=True):
            label.set_fontweight("bold" if cell is None else "normal")
    return figure


def _rows(study: str, table: pd.DataFrame) -> list[tuple[str, pd.DataFrame | None]]:
    """The name of a study, without effects, and below it its cells."""
    varied = [column for column in CELL if table[column].nunique() > 1] or ["model"]
    cells = table.groupby(CELL, sort=False, observed=True)
    named = [(" × ".join(dict(zip(CELL, cell, strict=True))[c] for c in varied), part) for cell, part in cells]
    return [(f"{study}, {count_seeds(table['n_seeds'])}", None), *named]


def _draw(axes: Axes, place: int, effect: pd.DataFrame) -> None:
    for row in effect.dropna(subset="mean").itertuples():
        axes.plot([row.ci_low, row.ci_high], [place, place], color=COLOR, linewidth=1)
        axes.plot(row.mean, place, "o", color=COLOR, markersize=2.5)
