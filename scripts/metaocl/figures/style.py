"""What all figures share: the style, how a line looks, how cells are named and seeds counted, how a file is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure

from metaocl.design.cells import CELL

STYLE = Path(__file__).parent / "style.mplstyle"
PAGE_WIDTH = 6.75  # inches; the width of a column and the height of a row of panels are the style's figure size
SMALL = 6  # points, of what is written inside a panel


@dataclass(frozen=True)
class Look:
    """How a line is drawn, and its name in the legend."""

    label: str
    color: str
    line: str | tuple[float, tuple[float, ...]]
    marker: str
    filled: bool = True

    def options(self) -> dict[str, Any]:
        """The look as matplotlib's options."""
        face = self.color if self.filled else "white"
        return {"color": self.color, "linestyle": self.line, "marker": self.marker, "markerfacecolor": face}


def short_names(cells: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Cells by what they differ in; a single one by all its slugs."""
    varying = [number for number in range(len(CELL)) if len({cell[number] for cell in cells}) > 1]
    return {cell: ", ".join(cell[number] for number in varying or range(len(CELL))) for cell in cells}


def styled() -> AbstractContextManager[None]:
    """The style of all figures, whatever the user's own matplotlibrc says."""
    return style.context(STYLE, after_reset=True)


def count_seeds(counts: Iterable[int]) -> str:
    """ "5 seeds", or "3–5 seeds" where they differ."""
    least, most = min(counts, default=0), max(counts, default=0)
    return f"{most} seed{'s' if most != 1 else ''}" if least == most else f"{least}–{most} seeds"


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the path's ending; no date enters, so that equal figures give equal bytes."""
    dateless = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix, {})
    # Drawn in memory: on a full disk matplotlib's PDF writer raises what has nothing to do with it.
    drawn = BytesIO()
    with styled():
        figure.savefig(drawn, format=path.suffix[1:], metadata=dateless)
    path.write_bytes(drawn.getvalue())
