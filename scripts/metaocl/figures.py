"""Figures, drawn from the tables alone."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from metaocl.effects import CELL, CONFIDENCE

STYLE = Path(__file__).parent / "figures.mplstyle"

# How the paper writes each subset (dot: tag 1, bar: tag 2, tilde: the new tag of stage 2), and how it is drawn.
# Okabe and Ito's colours keep apart for colour-blind readers; line styles and markers keep apart in grey.
LINES = {
    "q_no_replacement_baseline": (r"$\hat{\mathrm{QA}}_4$", "#000000", "-", "x"),
    "qd1consis": (r"$\dot{\mathrm{D}}_1^{\mathrm{cons}}\mathrm{QA}_1$", "#0072B2", "-", "o"),
    "qd2consis": (r"$\bar{\mathrm{D}}_2^{\mathrm{cons}}\mathrm{QA}_2$", "#D55E00", "-", "o"),
    "qd4consis": (r"$\mathrm{D}_{\mathrm{rand}}^{\mathrm{cons}}\mathrm{QA}$", "#F0E442", "-", "p"),
    "q": (r"$\mathrm{QA}_3$", "#999999", "-", "D"),
    "qd1incons": (r"$\dot{\mathrm{D}}_1^{\mathrm{incons}}\mathrm{QA}_1$", "#0072B2", ":", "v"),
    "qd2incons": (r"$\bar{\mathrm{D}}_2^{\mathrm{incons}}\mathrm{QA}_2$", "#D55E00", ":", "v"),
    "d1consis": (r"$\dot{\mathrm{D}}_5^{\mathrm{cons}}$", "#56B4E9", "--", "s"),
    "d3consis": (r"$\tilde{\mathrm{D}}^{\mathrm{cons}}$", "#009E73", "--", "^"),
    "d2consis": (r"$\bar{\mathrm{D}}_6^{\mathrm{cons}}$", "#E69F00", "--", "P"),
    "no_qd_baseline": (r"$\mathrm{QA}_7$", "#CC79A7", "-.", "*"),
}


def draw_training_curves(metrics: pd.DataFrame) -> Figure:
    """Exact match on held-out questions over all epochs, a panel per cell and a line per subset with its 95 % band.

    The band is a t interval over the stage-1 seeds, stage-2 seeds averaged inside them first. Dashed lines part stages.
    """
    cells = list(metrics[metrics["test_set"] == "held_out"].groupby(CELL, sort=False))
    plt.style.use(STYLE)
    width, height = plt.rcParams["figure.figsize"]
    figure, panels = plt.subplots(
        1, len(cells), figsize=(width * len(cells), height), sharey=True, squeeze=False, layout="constrained"
    )
    varying = [name for number, name in enumerate(CELL) if len({cell[number] for cell, _ in cells}) > 1]
    for axes, (cell, runs) in zip(panels[0], cells, strict=True):
        _draw_cell(axes, runs)
        named = dict(zip(CELL, cell, strict=True))
        axes.set_title(", ".join(named[name] for name in varying or CELL))
    panels[0][0].set_ylabel("exact match")
    handles = {
        label: handle for axes in panels[0] for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    order = [label for label, *_ in LINES.values() if label in handles]
    figure.legend([handles[label] for label in order], order, loc="outside right center")
    return figure


def _draw_cell(axes: Axes, runs: pd.DataFrame) -> None:
    epochs_of = runs.groupby("stage")["epoch"].max()
    offset = epochs_of.cumsum() - epochs_of
    runs = runs.assign(epoch=runs["epoch"] + runs["stage"].map(offset))
    for subset, (label, color, line, marker) in LINES.items():
        per_seed = runs[runs["subset"] == subset].groupby(["epoch", "seed"])["exact_match"].mean().unstack()
        if per_seed.empty:
            continue
        mean, margin = per_seed.mean(axis="columns"), _margin(per_seed)
        axes.plot(mean.index, mean, label=label, color=color, linestyle=line, marker=marker, markevery=5)
        axes.fill_between(mean.index, mean - margin, mean + margin, color=color, alpha=0.2, linewidth=0)
    for boundary in offset[offset > 0]:
        axes.axvline(boundary + 0.5, color="black", linestyle="--", linewidth=0.8)
    axes.set_xlabel(
        f"epoch, both stages ({runs['seed'].nunique()} seeds)"
        if len(epochs_of) == 2
        else f"epoch ({runs['seed'].nunique()} seeds)"
    )


def _margin(per_seed: pd.DataFrame) -> pd.Series:
    """Half the width of a t interval over the columns (seeds); 0 for a single seed."""
    seeds = per_seed.shape[1]
    if seeds < 2:
        return pd.Series(0.0, index=per_seed.index)
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, seeds - 1)
    return per_seed.std(axis="columns", ddof=1) * quantile / np.sqrt(seeds)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the path's ending; no date enters, so that equal figures give equal bytes."""
    dateless = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix, {})
    figure.savefig(path, format=path.suffix[1:], metadata=dateless)
