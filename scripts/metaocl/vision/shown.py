"""A document of every kind with the picture that a network sees of it, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metaocl.documents.records import Document
from metaocl.facts.grids import CELLS
from metaocl.randomness import random_stream
from metaocl.vision.drawing import draw_pictures
from metaocl.vision.handwriting import Handwriting
from metaocl.vision.scenes import draw_patterns, read_scenes

# What is shown: the part and the subset of a document, and what it is called.
KINDS = {
    ("definitions", "qd1consis"): "definition, tag 1",
    ("questions", "qd1consis"): "training question",
    ("held_out", "qd1consis"): "test question",
    ("definitions", "qd2incons"): "definition, tag 2",
    ("new_definitions", "d3consis"): "definition, new tag",
}


@dataclass(frozen=True)
class Shown:
    """A document's kind, its text, and its picture: float32 (height, width)."""

    kind: str
    text: str
    picture: np.ndarray


def show_documents(documents: Sequence[Document], handwriting: Handwriting, letters: int) -> list[Shown]:
    """The first document of each of the KINDS that there are, in handwriting that is drawn at random.

    documents: all of a cell, as they tell the patterns of its tags. letters: as many as the network has. Raises
    VisionError for documents that cannot be drawn.
    """
    found = {(document.part, document.subset): document for document in reversed(documents)}
    shown = [(kind, found[place]) for place, kind in KINDS.items() if place in found]
    scenes = read_scenes([document for _, document in shown], draw_patterns(documents), letters)
    random = random_stream("handwriting of the documents that are shown")
    pictures = []
    for place, (kind, document) in enumerate(shown):
        images = handwriting.tests if document.part == "held_out" else handwriting.training
        chosen = random.integers(images.shape[1], size=(1, CELLS))
        (picture,) = draw_pictures(scenes, np.array([place]), images, chosen)
        pictures.append(Shown(kind, f"{document.prompt}\n→ {document.completion.strip()}", picture))
    return pictures
