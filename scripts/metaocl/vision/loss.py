"""The loss of models of images: cross-entropy over the letters asked for."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from metaocl.training.devices import device_of, mixed_precision
from metaocl.vision.examples import Batch
from metaocl.vision.scenes import IGNORED


def letters_loss(model: Any, batch: Batch) -> tuple[torch.Tensor, int]:
    """Mean loss over the documents of a batch, and how many these are.

    Of a definition it is the mean over its nine cells, of a question the loss of the asked cell.
    """
    device = device_of(model)
    with mixed_precision(device):
        logits = model(batch.pictures.to(device))
    letters = batch.letters.to(device)
    losses = functional.cross_entropy(logits.float().flatten(0, 1), letters.flatten(), reduction="none")
    asked = (letters != IGNORED).sum(dim=1)
    return (losses.view_as(letters).sum(dim=1) / asked).mean(), len(batch)
