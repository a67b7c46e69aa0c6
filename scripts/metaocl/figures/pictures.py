"""Pictures that a network sees, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from metaocl.figures.style import PAGE_WIDTH, styled

HEIGHT = 2.6  # inches


def draw_side_by_side(pictures: Sequence[np.ndarray], titles: Sequence[str], texts: Sequence[str]) -> Figure:
    """Grey pictures, from 0 (black) to 1: above each its title, below it its text."""
    with styled():
        figure = Figure((PAGE_WIDTH, HEIGHT), layout="constrained")
        for place, (picture, title, text) in enumerate(zip(pictures, titles, texts, strict=True), start=1):
            axes = figure.add_subplot(1, len(pictures), place)
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set(xticks=[], yticks=[], title=title, xlabel=text)
            axes.spines[:].set_visible(False)
    return figure
