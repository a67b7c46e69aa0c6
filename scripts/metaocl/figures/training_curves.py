"""Training curves: all measures over all epochs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from metaocl.design.cells import CELL
from metaocl.design.measures import MEASURES
from metaocl.design.test_sets import TEST_SET_TITLES, TestSet
from metaocl.errors import UserError
from metaocl.figures.style import PAGE_WIDTH, SMALL, Look, count_seeds, short_names, styled
from metaocl.statistics.intervals import mean_interval

# How the paper writes each subset (dot: tag 1, bar: tag 2, tilde: the new tag of stage 2), and how it is drawn.
# Okabe and Ito's colours keep apart for colour-blind readers: blue is tag 1, orange and red are tag 2, greys have no
# definition. Line styles and markers (open: tag 2) keep apart in grey. The swapped questions of d2incons have no line.
LINES = {
    "q_no_replacement_baseline": Look(r"$\hat{\mathrm{QA}}_4$", "#000000", "-", "x"),
    "qd1consis": Look(r"$\dot{\mathrm{D}}_1^{\mathrm{cons}}\mathrm{QA}_1$", "#0072B2", "-", "o"),
    "qd2consis": Look(r"$\bar{\mathrm{D}}_2^{\mathrm{cons}}\mathrm{QA}_2$", "#D55E00", "-", "o", filled=False),
    "qd4consis": Look(r"$\mathrm{D}_{\mathrm{rand}}^{\mathrm{cons}}\mathrm{QA}$", "#CC79A7", "-", "p"),
    "q": Look(r"$\mathrm{QA}_3$", "#999999", "-", "D"),
    "qd1incons": Look(r"$\dot{\mathrm{D}}_1^{\mathrm{incons}}\mathrm{QA}_1$", "#0072B2", ":", "v"),
    "qd2incons": Look(r"$\bar{\mathrm{D}}_2^{\mathrm{incons}}\mathrm{QA}_2$", "#D55E00", ":", "v", filled=False),
    "d1consis": Look(r"$\dot{\mathrm{D}}_5^{\mathrm{cons}}$", "#56B4E9", "--", "s"),
    "d3consis": Look(r"$\tilde{\mathrm{D}}^{\mathrm{cons}}$", "#009E73", "--", "^"),
    "d2consis": Look(r"$\bar{\mathrm{D}}_6^{\mathrm{cons}}$", "#E69F00", "--", "P", filled=False),
    "no_qd_baseline": Look(r"$\mathrm{QA}_7$", "#555555", "-.", "*"),
}
# The same answers, scored against the entity that the inconsistent definition names.
AS_DEFINED = {
    subset: replace(
        LINES[subset],
        label=rf"${LINES[subset].label[1:].partition('^')[0]}^{{\mathrm{{incons}}}}$ as defined",
        line=(0, (4, 1, 1, 1, 1, 1)),
        marker="d",
    )
    for subset in ("qd1incons", "qd2incons")
}


@dataclass(frozen=True)
class Panel:
    """What one panel of training curves shows: a measure, on which test sets, in which looks."""

    label: str
    measure: str
    lines: tuple[tuple[TestSet, dict[str, Look]], ...]

    def rows(self, metrics: pd.DataFrame) -> pd.DataFrame:
        """The rows of the metrics that the panel has a line for."""
        drawn = [
            (metrics["test_set"] == test_set) & metrics["subset"].isin(list(looks)) for test_set, looks in self.lines
        ]
        return metrics[(metrics["measure"] == self.measure) & np.logical_or.reduce(drawn)]


ATTRIBUTION: tuple[tuple[TestSet, dict[str, Look]], ...] = (
    ("attribution", LINES),
    ("attribution_as_defined", AS_DEFINED),
)
PANELS = (
    Panel(MEASURES["exact_match"].label, "exact_match", (("held_out", LINES),)),
    Panel(TEST_SET_TITLES["attribution"], "exact_match", ATTRIBUTION),
    Panel(MEASURES["auc"].label, "auc", (("held_out", LINES),)),
)


def draw_training_curves(metrics: pd.DataFrame) -> Figure:
    """All measures over all epochs: for each cell a panel per measure, a line per subset with its 95 % band.

    Measures are exact match on held-out questions and, where the metrics have them, entity attribution and the area
    under the ROC curve. The band is a t interval over the stage-1 seeds, stage-2 seeds averaged inside them first.
    Dashed lines part stages. A cell is a row of panels; with one measure cells stand side by side. Raises UserError for
    a table without rows to show.
    """
    cells = list(metrics.groupby(CELL, sort=False, observed=True))
    shown = [panel for panel in PANELS if len(panel.rows(metrics))]
    if not shown:
        raise UserError("the table of metrics has no rows that training curves show; expected one run at least")
    places = [(cell, runs, panel) for cell, runs in cells for panel in shown]
    rows = len(cells) if len(shown) > 1 else -(-len(cells) // 3)
    columns = -(-len(places) // rows)
    names = short_names([cell for cell, _ in cells])
    with styled():
        column_width, row_height = rcParams["figure.figsize"]
        figure = Figure((PAGE_WIDTH if columns > 1 else column_width, row_height * rows), layout="constrained")
        share: Literal["col", "all"] = "col" if len(shown) > 1 else "all"
        grid = figure.subplots(rows, columns, sharey=share, squeeze=False)
        for axes in grid.flat[len(places) :]:
            axes.set_axis_off()
        for number, (axes, (cell, runs, panel)) in enumerate(zip(grid.flat, places, strict=False)):
            _draw_panel(axes, panel, runs, last_row=number + columns >= len(places))
            if len(shown) > 1 or axes in grid[:, 0]:
                axes.set_ylabel(panel.label)
            if panel is shown[0]:
                # A name may run on over the other panels of its own cell, but not over its neighbour's.
                width = 90 if len(shown) > 1 else {1: 32, 2: 42, 3: 27}[columns]
                seeds = count_seeds([runs["seed"].nunique()]).replace(" ", "\N{NO-BREAK SPACE}")
                axes.set_title(textwrap.fill(f"{names[cell]} ({seeds})", width), pad=10)
        _add_legend(figure, grid.flat)
    return figure


def _draw_panel(axes: Axes, panel: Panel, runs: pd.DataFrame, last_row: bool) -> None:
    lengths = runs.groupby("stage")["epoch"].max()
    starts = lengths.cumsum() - lengths
    runs = panel.rows(runs.assign(epoch=runs["epoch"] + runs["stage"].map(starts)))
    if runs.empty:
        axes.set_axis_off()
        axes.text(0.5, 0.5, f"{panel.label}:\nnot measured", transform=axes.transAxes, ha="center", fontsize=SMALL)
        return
    measure = MEASURES[panel.measure]
    for look, per_seed in _lines(panel, runs):
        mean = per_seed.mean(axis="columns")
        low, high = mean_interval(per_seed.to_numpy(), (measure.lowest, measure.highest))
        # Markers are counted from the end, where readers compare.
        marks = [len(mean) - 1 - number for number in range(0, len(mean), max(1, len(mean) // 6))]
        axes.plot(mean.index, mean, label=look.label, markevery=marks, **look.options())
        axes.fill_between(mean.index, low, high, color=look.color, alpha=0.2, linewidth=0)
    _mark_stages(axes, starts, lengths)
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    axes.set_xlabel("epoch" if last_row else "")


def _lines(panel: Panel, runs: pd.DataFrame) -> Iterator[tuple[Look, pd.DataFrame]]:
    """For each line of a panel its look, and its values: a row per epoch, a column per stage-1 seed."""
    for test_set, looks in panel.lines:
        for subset, look in looks.items():
            chosen = runs[(runs["test_set"] == test_set) & (runs["subset"] == subset)]
            if len(chosen):
                yield look, chosen.groupby(["epoch", "seed"])["value"].mean().unstack()


def _mark_stages(axes: Axes, starts: pd.Series, lengths: pd.Series) -> None:
    """Dashed lines between stages, and their numbers above the panel; nothing for a plan of one stage."""
    if len(starts) == 1:
        return
    for number, stage in enumerate(starts.index):
        if number:
            axes.axvline(starts[stage] + 0.5, color="black", linestyle="--", linewidth=0.8)
        middle = starts[stage] + (1 + lengths[stage]) / 2
        # Later stages are often too narrow for the word.
        name = f"{stage}" if number else f"stage {stage}"
        axes.text(middle, 1.02, name, transform=axes.get_xaxis_transform(), ha="center", fontsize=SMALL)


def _add_legend(figure: Figure, panels: Iterable[Axes]) -> None:
    handles = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    order = [look.label for look in [*LINES.values(), *AS_DEFINED.values()] if look.label in handles]
    figure.legend([handles[label] for label in order], order, loc="outside right center")
    figure.set_figheight(max(figure.get_figheight(), 0.19 * len(order)))
