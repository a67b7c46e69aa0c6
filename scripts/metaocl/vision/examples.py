"""Training examples as scenes, of which each epoch draws pictures of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from metaocl.facts.grids import CELLS
from metaocl.randomness import random_stream
from metaocl.vision.drawing import draw_pictures
from metaocl.vision.scenes import Scenes


@dataclass(frozen=True)
class Batch:
    """Pictures, float32 (n, height, width), and the letters asked for, int64 (n, 9) with IGNORED; on the CPU."""

    pictures: torch.Tensor
    letters: torch.Tensor

    def split(self, size: int) -> list[Batch]:
        """The same rows in batches of at most `size`."""
        return [Batch(*part) for part in zip(self.pictures.split(size), self.letters.split(size), strict=True)]

    def __len__(self) -> int:
        return len(self.letters)


@dataclass
class Examples:
    """Training examples; which handwriting one shows is a function of seeds, epoch and place.

    images: float32 (10, images of a digit, side, side). seeds: of the stage.
    """

    scenes: Scenes
    images: np.ndarray
    seeds: Sequence[int]
    _chosen: tuple[int, np.ndarray] = field(init=False, repr=False, default=(-1, np.empty(0)))

    def batch(self, places: Sequence[int], epoch: int) -> Batch:
        """The examples at these places, in the handwriting of the epoch."""
        rows = np.asarray(places)
        pictures = draw_pictures(self.scenes, rows, self.images, self._handwriting(epoch)[rows])
        return Batch(torch.from_numpy(pictures), torch.from_numpy(self.scenes.letters[rows]))

    def __len__(self) -> int:
        return len(self.scenes.letters)

    def _handwriting(self, epoch: int) -> np.ndarray:
        """Which image of its digit each cell of each example shows in an epoch; drawn once for all its batches."""
        if self._chosen[0] != epoch:
            random = random_stream("handwriting of an epoch", *self.seeds, epoch)
            self._chosen = epoch, random.integers(self.images.shape[1], size=(len(self), CELLS))
        return self._chosen[1]
