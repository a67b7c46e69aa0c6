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

TEXTS = ("hypothesis", "fate", "statement", "outcome", "quantity", "must_be")
NUMBERS = ("threshold", "estimate", "ci_low", "ci_high")
COLORS = {"supported": "#0072B2", "failed": "#D55E00", "undecided": "#000000"}
# Heights in inches: of a prediction, with room for so many lines of its statement and one of its quantity, of a further
# line, of a hypothesis' name, of what is drawn.
ROW, ROOM, LINE, HEAD, PANEL = 0.46, 4, 0.11, 0.3, 0.14
OUTCOME_AT, PANEL_AT, PANEL_WIDTH = 0.61, 0.64, 0.34  # shares of the page's width
LETTERS, QUANTITY_LETTERS = 72, 54  # in a line: of a statement, of the quantity below what is drawn


def draw_hypotheses(findings: pd.DataFrame) -> Figure:
    """A row per prediction that was run, under its hypothesis, each on a scale of its own: the estimate with its 95 %
    interval, in the colour of the outcome, and shaded where it was predicted to lie; or "no estimate", as of a relation
    between values that are all equal.

    findings: TEXTS and NUMBERS, as `metaocl.reports.hypotheses.findings_table` makes them. Raises UserError where
    nothing was run.
    """
    run = findings[findings["outcome"] != "not run"]
    if run.empty:
        raise UserError("no prediction was run: there is nothing to draw")
    letters = {"statement": LETTERS, "quantity": QUANTITY_LETTERS}
    run = run.assign(**{name: [textwrap.fill(text, most) for text in run[name]] for name, most in letters.items()})
    lines = np.maximum(run["statement"].str.count("\n") + 1 - ROOM, run["quantity"].str.count("\n"))
    run = run.assign(height=ROW + LINE * lines.clip(lower=0), is_head=~run["hypothesis"].duplicated())
    height = float(run["height"].sum() + HEAD * run["is_head"].sum())
    with styled():
        figure = Figure((PAGE_WIDTH, height))
        top = height
        for found in run.itertuples():
            if found.is_head:
                _write(figure, 0.01, top - 0.1, f"{found.hypothesis}: {found.fate}", size=SMALL + 2, weight="bold")
                top -= HEAD
            _write(figure, 0.01, top, str(found.statement))
            _write(figure, OUTCOME_AT, top, str(found.outcome), ha="right", color=COLORS[str(found.outcome)])
            if np.isnan(found.estimate):
                _write(figure, PANEL_AT, top, "no estimate")
            else:
                _draw(figure.add_axes((PANEL_AT, (top - PANEL) / height, PANEL_WIDTH, PANEL / height)), found)
            top -= found.height
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
    axes.set_xlabel(found.quantity, fontsize=SMALL, labelpad=0)
    axes.spines["left"].set_visible(False)
