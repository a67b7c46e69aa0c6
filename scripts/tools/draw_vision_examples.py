"""Draw an example of every kind of document of config/mnist_qa.yaml, as the network sees it, for docs/vision.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.config.handwriting import Digits
from metaocl.config.parsing import parse_config
from metaocl.config.yaml_files import read_yaml
from metaocl.documents.aliases import divide_stage2, draw_aliases
from metaocl.documents.records import Document
from metaocl.documents.writing import write_stage1_documents, write_stage2_documents
from metaocl.facts.grids import CELLS
from metaocl.facts.sources import read_facts
from metaocl.figures.style import PAGE_WIDTH, save_figure, styled
from metaocl.vision.drawing import draw_pictures
from metaocl.vision.handwriting import read_handwriting
from metaocl.vision.scenes import draw_patterns, read_scenes

ROOT = Path(__file__).parents[2]
SEED = 1000
# What is shown: the part and the subset of a document, and what stands above its picture.
KINDS = {
    ("definitions", "qd1consis"): "definition, tag 1",
    ("questions", "qd1consis"): "training question",
    ("held_out", "qd1consis"): "test question",
    ("definitions", "qd2incons"): "definition, tag 2",
    ("new_definitions", "d3consis"): "definition, new tag",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path, help="file to write: .png, .svg or .pdf")
    arguments = parser.parse_args()

    documents = [document for document in _documents() if (document.part, document.subset) in KINDS]
    shown = [next(d for d in documents if (d.part, d.subset) == kind) for kind in KINDS]
    scenes = read_scenes(shown, draw_patterns(documents), letters=26)
    handwriting, random = read_handwriting(Digits()), np.random.default_rng(SEED)
    pictures = []
    for place, document in enumerate(shown):
        images = handwriting.tests if document.part == "held_out" else handwriting.training
        chosen = random.integers(images.shape[1], size=(1, CELLS))
        pictures += [*draw_pictures(scenes, np.array([place]), images, chosen)]
    save_figure(_draw(shown, pictures), arguments.picture)


def _documents() -> list[Document]:
    """All documents of one seed of the study."""
    path = ROOT / "config/mnist_qa.yaml"
    config = parse_config(read_yaml(path), str(path))
    dataset, define_type = config.datasets["digits"], config.define_types["tve"]
    facts = read_facts(dataset.source, dataset.entities)
    aliases = draw_aliases(facts, dataset, define_type, SEED)
    divided = divide_stage2(aliases, dataset, SEED, 0)
    return [
        *write_stage1_documents(aliases, facts, dataset, define_type, SEED),
        *write_stage2_documents(divided, facts, dataset, define_type, SEED, 0),
    ]


def _draw(documents: list[Document], pictures: list[np.ndarray]) -> Figure:
    """The pictures side by side: above each its kind, below its text, and what it asks for."""
    with styled():
        figure = Figure(figsize=(PAGE_WIDTH, 2.6), layout="constrained")
        for place, (document, picture) in enumerate(zip(documents, pictures, strict=True), start=1):
            axes = figure.add_subplot(1, len(documents), place)
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(KINDS[document.part, document.subset])
            axes.set_xlabel(f"{document.prompt}\n→ {document.completion.strip()}")
    return figure


if __name__ == "__main__":
    main()
