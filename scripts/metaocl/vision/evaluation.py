"""Test questions put to a model of images, in handwriting that it has never seen."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from metaocl.facts.grids import CELLS
from metaocl.randomness import random_stream
from metaocl.training.devices import device_of, mixed_precision
from metaocl.vision.drawing import draw_pictures
from metaocl.vision.scenes import IGNORED, Scenes

PICTURES_AT_ONCE = 512  # 1.5 MB of the small ones


class Evaluator:
    """Test questions, each about one cell, to be put to a model as often as needed, always in the same handwriting.

    images: float32 (10, images of a digit, side, side). seeds: of the stage; they choose among the images.
    """

    def __init__(self, scenes: Scenes, images: np.ndarray, seeds: Sequence[int]) -> None:
        self.scenes, self.images = scenes, images
        count = len(scenes.letters)
        self.chosen = random_stream("handwriting of tests", *seeds).integers(images.shape[1], size=(count, CELLS))
        self.cells = (scenes.letters != IGNORED).argmax(axis=1)
        self.golds = scenes.letters[np.arange(count), self.cells]

    def measure(self, model: Any) -> dict[str, np.ndarray]:
        """The letter that the model gives as `answer` to each question, and exact match, float64 (questions,).

        Token F1 of a single letter is the same. Leaves the model in eval mode.
        """
        answers = self.answer(model)
        right = (answers == self.golds).astype(np.float64)
        words = np.array([string.ascii_lowercase[letter] for letter in answers.tolist()], dtype=object)
        return {"answer": words, "exact_match": right, "token_f1": right}

    def answer(self, model: Any) -> np.ndarray:
        """The most likely letter of the asked cell, from 0: int64 (questions,)."""
        model.eval()
        device = device_of(model)
        answers = np.empty(len(self.golds), dtype=np.int64)
        with torch.inference_mode(), mixed_precision(device):
            for start in range(0, len(answers), PICTURES_AT_ONCE):
                rows = np.arange(start, min(start + PICTURES_AT_ONCE, len(answers)))
                pictures = draw_pictures(self.scenes, rows, self.images, self.chosen[rows])
                logits = model(torch.from_numpy(pictures).to(device)).float().cpu().numpy()
                answers[rows] = logits[np.arange(len(rows)), self.cells[rows]].argmax(axis=1)
        return answers
