"""A measure against an effect: every stage-1 seed a dot, every cell a colour and shape, with its mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metaocl.design.cells import CELL
from metaocl.design.contrasts import CONTRASTS
from metaocl.errors import UserError
from metaocl.figures.gaps import COLORS, MARKERS
from metaocl.figures.style import PAGE_WIDTH, SMALL, short_names, styled
from metaocl.statistics.relations import spearman

MEASURE = "alignment"
EFFECTS = ("question_loss_paired", "meta_ocl_paired")
LABELS = {
    "alignment": "cos, reliable − unreliable tag",
    "question_loss_paired": "loss of questions, reliable − unreliable",
    "meta_ocl_paired": "exact match, reliable − unreliable",
}


def draw_relations(gaps: pd.DataFrame) -> Figure:
    """Gradient alignment against the paired effect in the loss of questions and in exact match, as far as there are.

    gaps: one row per cell, measure, contrast and stage-1 seed. Raises UserError where no cell has both.
    """
    main = gaps[gaps["measure"].isin(["exact_match", *(c.measure for c in CONTRASTS.values() if c.measure)])]
    wide = main.pivot_table(index=[*CELL, "seed"], columns="contrast", values="gap", sort=False)
    wide = wide.reindex(columns=[MEASURE, *EFFECTS])
    effects = [effect for effect in EFFECTS if len(wide[[MEASURE, effect]].dropna())]
    if not effects:
        raise UserError(
            f"the gaps have no cell with {MEASURE} and {' or '.join(EFFECTS)}: ask for paired: true and alignment"
        )
    looks = _looks(list(dict.fromkeys(wide.index.droplevel("seed"))))
    with styled():
        figure = Figure((PAGE_WIDTH, 2.9), layout="constrained")
        for axes, effect in zip(figure.subplots(1, len(effects), squeeze=False)[0], effects, strict=True):
            _draw_panel(axes, wide[[MEASURE, effect]].dropna(), effect, looks)
        _add_legend(figure)
    return figure


def _add_legend(figure: Figure) -> None:
    """Names of the cells below the panels, in as many columns as the figure is wide enough for, up to three."""
    drawn: dict[str, Artist] = {}
    for axes in figure.axes:
        drawn |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    for columns in range(min(len(drawn), 3), 0, -1):
        legend = figure.legend(list(drawn.values()), list(drawn), loc="outside lower center", ncols=columns)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            break
        legend.remove()


def _looks(cells: list[tuple[str, ...]]) -> dict[tuple[str, ...], dict[str, Any]]:
    """Of each cell the same name, colour and shape in all panels."""
    names = short_names(cells)
    return {
        cell: {"label": names[cell], "color": COLORS[place % len(COLORS)], "marker": MARKERS[place % len(MARKERS)]}
        for place, cell in enumerate(cells)
    }


def _draw_panel(axes: Axes, points: pd.DataFrame, effect: str, looks: dict[tuple[str, ...], dict[str, Any]]) -> None:
    """Seeds as small dots, cells' means as large ones; ρ inside the cells, as their mean, and over their means."""
    inside = []
    for cell, seeds in points.groupby(CELL, sort=False):
        x, y = (seeds[name].to_numpy() for name in (MEASURE, effect))
        axes.plot(x, y, linestyle="none", markersize=3, alpha=0.5, **looks[cell] | {"label": None})
        axes.plot(x.mean(), y.mean(), linestyle="none", markersize=7, **looks[cell])
        inside.append(float(spearman(x, y)))
    means = points.groupby(CELL, sort=False).mean()
    over = float(spearman(means[MEASURE].to_numpy(), means[effect].to_numpy()))
    known = [rho for rho in inside if not np.isnan(rho)]
    texts = [f"ρ inside cells {np.mean(known):z.2f}"] if known else []
    texts += [] if np.isnan(over) else [f"over {len(means)} cells {over:z.2f}"]
    axes.set_title(", ".join(texts), fontsize=SMALL + 1)
    axes.set_xlabel(LABELS[MEASURE])
    axes.set_ylabel(LABELS[effect])
