"""Every prediction of the hypotheses: what was found, and where it had to lie."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from metaocl.errors import UserError
from metaocl.figures.style import PAGE_WIDTH, SMALL, styled

COLUMNS = {
    "hypothesis",
    "fate",
    "statement",
    "outcome",
    "quantity",
    "must_be",
    "threshold",
    "estimate",
    "ci_low",
    "ci_high",
}
COLORS = {"supported": "#0072B2", "failed": "#D55E00", "undecided": "#000000"}
ROW, HEAD, PANEL = 0.46, 0.3, 0.14  # heights in inches: of a prediction, of a hypothesis' name, of what is drawn
OUTCOME_AT, PANEL_AT, PANEL_WIDTH = 0.61, 0.64, 0.34  # shares of the page's width
LETTERS = 72  # of a statement in a line


def draw_hypotheses(findings: pd.DataFrame) -> Figure:
    """A row per prediction that was run, under its hypothesis, each on a scale of its own: the estimate with its 95 %
    interval, in the colour of the outcome, and shaded where it was predicted to lie; or "no estimate", as of a relation
    between values that are all equal.

    findings: COLUMNS, as `metaocl.reports.hypotheses.findings_table` makes them. Raises UserError where nothing was
    run.
    """
    run = findings[findings["outcome"] != "not run"]
    if run.empty:
        raise UserError("no prediction was run: there is nothing to draw")
    heads = (~run["hypothesis"].duplicated()).tolist()
    height = ROW * len(run) + HEAD * sum(heads)
    with styled():
        figure = Figure((PAGE_WIDTH, height))
        top = height
        for is_head, found in zip(heads, run.itertuples(), strict=True):
            if is_head:
                _write(figure, 0.01, top - 0.1, f"{found.hypothesis}: {found.fate}", size=SMALL + 2, weight="bold")
                top -= HEAD
            _write(figure, 0.01, top, textwrap.fill(str(found.statement), LETTERS))
            _write(figure, OUTCOME_AT, top, str(found.outcome), ha="right", color=COLORS[str(found.outcome)])
            if np.isnan(found.estimate):
                _write(figure, PANEL_AT, top, "no estimate")
            else:
                _draw(figure.add_axes((PANEL_AT, (top - PANEL) / height, PANEL_WIDTH, PANEL / height)), found)
            top -= ROW
    return figure


def _write(figure: Figure, x: float, top: float, text: str, size: float = SMALL, **look: Any) -> None:
    """x: share of the width. top: inches from below."""
    figure.text(x, top / figure.get_figheight(), text, va="top", fontsize=size, parse_math=False, **look)


def _draw(axes: Axes, found: Any) -> None:
    """The estimate; the dashed line is 0."""
    low, high = np.nanmin([found.ci_low, found.estimate]), np.nanmax([found.ci_high, found.estimate])
    marks = [low, high, 0.0, found.threshold, *([-found.threshold] if found.must_be == "within" else [])]
    span = max(marks) - min(marks) or 1.0
    edges = min(marks) - 0.15 * span, max(marks) + 0.15 * span
    predicted = {
        "above": (found.threshold, edges[1]),
        "below": (edges[0], found.threshold),
        "within": (-found.threshold, found.threshold),
    }[found.must_be]
    axes.axvspan(*predicted, color="0.9", linewidth=0)
    axes.axvline(0, color="black", linestyle="--", linewidth=0.6)
    axes.plot([low, high], [0, 0], color=COLORS[found.outcome], linewidth=1.2)
    axes.plot(found.estimate, 0, "o", color=COLORS[found.outcome], markersize=4)
    axes.set(xlim=edges, yticks=[])
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(labelsize=SMALL, pad=1)
    axes.set_xlabel(found.quantity.replace("_", " "), fontsize=SMALL, labelpad=0)
    axes.spines["left"].set_visible(False)
