"""Handwritten digits, divided into images that training may use and images that are kept for tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from sklearn.datasets import load_digits

from metaocl.randomness import random_stream

SIDE = 8  # pixels
DIGITS = 10
FOR_TRAINING, FOR_TESTS = 140, 34  # images of each digit; the rarest has 174
BRIGHTEST = 16


@dataclass(frozen=True)
class Handwriting:
    """Images of digits, float32 from 0 (black) to 1: (10, images of a digit, SIDE, SIDE); no image is in both."""

    training: np.ndarray
    tests: np.ndarray


@cache
def read_handwriting() -> Handwriting:
    """scikit-learn's digits, 8 × 8 pixels: the test set of UCI's "Optical Recognition of Handwritten Digits".

    The division is drawn at random, once and for all seeds.
    """
    pixels, labels = load_digits(return_X_y=True)
    order = random_stream("handwriting that is kept for tests").permutation(len(labels))
    pixels, labels = pixels[order].astype(np.float32) / BRIGHTEST, labels[order]
    images = np.stack([pixels[labels == digit][: FOR_TRAINING + FOR_TESTS] for digit in range(DIGITS)])
    images = images.reshape(DIGITS, -1, SIDE, SIDE)
    return Handwriting(images[:, :FOR_TRAINING], images[:, FOR_TRAINING:])
