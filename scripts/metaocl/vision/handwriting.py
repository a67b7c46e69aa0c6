"""Handwritten digits, divided into images that training may use and images that are kept for tests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from metaocl.config.handwriting import Digits, Images, Mnist
from metaocl.randomness import random_stream
from metaocl.vision.idx_files import read_images, read_labels
from metaocl.vision.scenes import VisionError

DIGITS = 10
FOR_TRAINING, FOR_TESTS = 140, 34  # of scikit-learn's images of each digit; the rarest has 174
BRIGHTEST_OF_DIGITS, BRIGHTEST = 16, 255
MODES = ("1", "L", "RGB")  # of PNG files: black and white, grey, colours; not what has transparent places or 16 bits


@dataclass(frozen=True)
class Handwriting:
    """Images of digits, float32 from 0 (black) to 1: (10, images of a digit, side, side); no image is in both."""

    training: np.ndarray
    tests: np.ndarray

    def sha256(self) -> str:
        """Of all images, in hexadecimal."""
        digest = hashlib.sha256(str((self.training.shape, self.tests.shape)).encode())
        for images in (self.training, self.tests):
            digest.update(np.ascontiguousarray(images).data)
        return digest.hexdigest()


def read_handwriting(settings: Digits | Mnist | Images) -> Handwriting:
    """The handwriting of a network. Of every digit as many images are used as there are of the rarest.

    Raises VisionError for files that are not what was expected, and OSError.
    """
    match settings:
        case Mnist(folder=str(folder)):
            return _read_mnist(Path(folder), settings.side)
        case Mnist():
            raise VisionError(f"handwriting.url is {settings.url!r}; give the folder that fetch_data.py has filled")
        case Images():
            return _read_folder(Path(settings.folder), settings.side, float(settings.tests_share))
    return _read_digits(settings.side)


@cache
def _read_digits(side: int) -> Handwriting:
    """scikit-learn's digits: the test set of UCI's "Optical Recognition of Handwritten Digits".

    The division is drawn at random, once and for all seeds.
    """
    from sklearn.datasets import load_digits  # a second, which other handwriting saves

    pixels, labels = load_digits(return_X_y=True)
    order = random_stream("handwriting that is kept for tests").permutation(len(labels))
    pixels, labels = pixels[order].astype(np.float32) / BRIGHTEST_OF_DIGITS, labels[order]
    images = np.stack([pixels[labels == digit][: FOR_TRAINING + FOR_TESTS] for digit in range(DIGITS)])
    images = images.reshape(DIGITS, -1, side, side)
    return Handwriting(images[:, :FOR_TRAINING], images[:, FOR_TRAINING:])


@cache
def _read_mnist(folder: Path, side: int) -> Handwriting:
    parts = []
    for part in ("train", "t10k"):
        images, labels = (_plain_or_packed(folder, f"{part}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
        pixels, digits = read_images(images, side), read_labels(labels, DIGITS)
        if len(pixels) != len(digits):
            raise VisionError(f"{labels}: has {len(digits)} labels; {images} has {len(pixels)} images")
        parts.append(_as_many_of_each([pixels[digits == digit] for digit in range(DIGITS)], labels))
    return Handwriting(*parts)


def _plain_or_packed(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise VisionError(f"{folder / name}: is not there, nor is {name}.gz")


@cache
def _read_folder(folder: Path, side: int, tests_share: float) -> Handwriting:
    training, tests = [], []
    for digit in range(DIGITS):
        paths = sorted((folder / str(digit)).glob("*.[pP][nN][gG]"))
        if len(paths) < 2:
            raise VisionError(
                f"{folder / str(digit)}: holds {len(paths)} PNG files; expected two at least, to train on and to test"
            )
        kept = min(max(round(tests_share * len(paths)), 1), len(paths) - 1)
        order = random_stream(f"images of {digit} that are kept for tests").permutation(len(paths))
        images = np.stack([_read_png(paths[place], side) for place in order.tolist()])
        training.append(images[kept:])
        tests.append(images[:kept])
    return Handwriting(_as_many_of_each(training, folder), _as_many_of_each(tests, folder))


def _read_png(path: Path, side: int) -> np.ndarray:
    """uint8 (side, side)."""
    try:
        with Image.open(path, formats=["PNG"]) as image:
            mode, size = image.mode, image.size
            pixels = np.asarray(image.convert("L"))
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise VisionError(f"{path}: cannot be read as PNG: {error}") from None
    if size != (side, side):
        raise VisionError(f"{path}: is of {size[1]} × {size[0]} pixels; expected {side} × {side}, or another `side`")
    if mode not in MODES:
        raise VisionError(f"{path}: is an image of mode {mode}; expected one of {', '.join(MODES)}")
    return pixels


def _as_many_of_each(images: list[np.ndarray], where: Path) -> np.ndarray:
    """Images of each digit, uint8, as float32 (10, as many as of the rarest, side, side)."""
    fewest = min(map(len, images))
    if fewest == 0:
        digit = next(digit for digit, found in enumerate(images) if len(found) == 0)
        raise VisionError(f"{where}: has no image of the digit {digit}; every digit needs one")
    return np.stack([found[:fewest] for found in images]).astype(np.float32) / BRIGHTEST
