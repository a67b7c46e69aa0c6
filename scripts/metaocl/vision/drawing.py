"""Pictures of scenes: a tag of blocks above a grid of handwritten digits, and a frame around the asked cell."""

from __future__ import annotations

import numpy as np

from metaocl.vision.scenes import NO_FRAME, PATTERN, Scenes

ROWS = COLUMNS = 3


def draw_pictures(scenes: Scenes, places: np.ndarray, images: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The pictures of the scenes at n places, float32 (n, 4 side, 3 side) from 0 (black) to 1.

    images: float32 (10, images of a digit, side, side). chosen: int64 (n, 9), which image of its digit each cell shows.

    The rows of the tag are as high as a digit. A frame is one pixel wide and lies over its digit.
    """
    side, count = images.shape[-1], len(places)
    cells = images[scenes.digits[places], chosen]
    asked = scenes.framed[places]
    rows = np.flatnonzero(asked != NO_FRAME)
    for edge in (np.s_[:, 0], np.s_[:, -1], np.s_[:, :, 0], np.s_[:, :, -1]):
        framed = cells[rows, asked[rows]]
        framed[edge] = 1.0
        cells[rows, asked[rows]] = framed
    pictures = np.empty((count, (ROWS + 1) * side, COLUMNS * side), dtype=np.float32)
    block = side // PATTERN[0]
    pictures[:, :side] = scenes.tags[places].repeat(block, axis=1).repeat(block, axis=2)
    grid = cells.reshape(count, ROWS, COLUMNS, side, side).swapaxes(2, 3)
    pictures[:, side:] = grid.reshape(count, ROWS * side, COLUMNS * side)
    return pictures
