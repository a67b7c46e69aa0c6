"""IDX files, in which MNIST comes: a big-endian header of 32-bit numbers, then a byte for each pixel or label."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np

from metaocl.vision.scenes import VisionError

IMAGES, LABELS = 2051, 2049  # magic numbers: unsigned bytes in three dimensions, and in one


def read_images(path: Path, side: int) -> np.ndarray:
    """uint8 (images, side, side). Raises VisionError for what is no such file, or not of that size."""
    pixels = _read(path, IMAGES, dimensions=3)
    if pixels.shape[1:] != (side, side):
        rows, columns = pixels.shape[1:]
        raise VisionError(f"{path}: its images are of {rows} × {columns} pixels; expected {side} × {side}")
    return pixels


def read_labels(path: Path, classes: int) -> np.ndarray:
    """uint8 (images,), from 0. Raises VisionError as `read_images` does, and for a label beyond the `classes`."""
    labels = _read(path, LABELS, dimensions=1)
    if wrong := np.flatnonzero(labels >= classes).tolist():
        raise VisionError(
            f"{path}: label {wrong[0]} (from 0) is {labels[wrong[0]]}; expected the digits 0 to {classes - 1}"
        )
    return labels


def _read(path: Path, magic: int, dimensions: int) -> np.ndarray:
    content = _content(path)
    if content[:4] != magic.to_bytes(4, "big"):
        found = int.from_bytes(content[:4], "big")
        raise VisionError(f"{path}: begins with {found}; an IDX file of this kind begins with the magic number {magic}")
    length = 4 * (1 + dimensions)
    if len(content) < length:
        raise VisionError(f"{path}: has {len(content)} bytes; its header promises more")
    shape = tuple(np.frombuffer(content[4:length], dtype=">u4").tolist())
    if len(content) != length + prod(shape):
        raise VisionError(f"{path}: has {len(content)} bytes; its header promises {length + prod(shape)}")
    return np.frombuffer(content, dtype=np.uint8, offset=length).reshape(shape)


def _content(path: Path) -> bytes:
    """The bytes of a file, unpacked."""
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise VisionError(f"{path}: cannot be unpacked: {error}") from None
