"""The task of images: documents as pictures, the loss over letters, and a network's answers to questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from metaocl.documents.records import Document
from metaocl.vision.evaluation import Evaluator
from metaocl.vision.examples import Batch, Examples
from metaocl.vision.handwriting import Handwriting, read_handwriting
from metaocl.vision.loss import letters_loss
from metaocl.vision.models import Network
from metaocl.vision.scenes import Scenes, VisionError, draw_patterns, read_scenes


@dataclass(frozen=True)
class VisionTask:
    """What the training loop asks of a network that reads pictures.

    patterns: of each tag, float32 PATTERN. seeds: of the stage; they and the epoch choose the handwriting.
    """

    model: Network
    handwriting: Handwriting
    patterns: dict[str, np.ndarray]
    seeds: Sequence[int]

    def examples(self, documents: Sequence[Document]) -> Examples:
        """Training examples, one per document, in order."""
        return Examples(self._scenes(documents), self.handwriting.training, self.seeds)

    def loss(self, model: Network, batch: Batch) -> tuple[torch.Tensor, int]:
        """Mean loss over the documents of a batch, and how many these are."""
        return letters_loss(model, batch)

    def evaluator(self, documents: Sequence[Document]) -> Evaluator:
        """Test questions, one per document, in order."""
        return Evaluator(self._scenes(documents), self.handwriting.tests, self.seeds)

    def _scenes(self, documents: Sequence[Document]) -> Scenes:
        return read_scenes(documents, self.patterns, self.model.settings.letters)


def make_vision_task(model: Network, documents: Sequence[Document], seeds: Sequence[int]) -> VisionTask:
    """The task of all documents of a stage's cell.

    Raises VisionError for documents that cannot be drawn, and for other handwriting than the network was made for.
    """
    settings = model.settings.handwriting
    handwriting = read_handwriting(settings)
    if model.handwriting_sha256 not in ("", handwriting.sha256()):
        raise VisionError(
            f"handwriting {settings.model_dump_json()}: is not what the network was made for; make it again"
        )
    return VisionTask(model, handwriting, draw_patterns(documents), seeds)
