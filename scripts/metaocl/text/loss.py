"""The loss of language models: cross-entropy over the labelled tokens of a batch."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from metaocl.text.examples import IGNORED, Batch
from metaocl.text.forward import causal_logits, without_cache


def completion_loss(model: Any, batch: Batch, outputs: torch.Tensor | None) -> tuple[torch.Tensor, int]:
    """Mean cross-entropy over the labelled tokens of a batch, and how many these are.

    outputs: int64 (n,), sorted, the tokens among which the model chooses, or None for the whole vocabulary.

    For a causal model logits are computed at the labelled places only, over `outputs` only, where the model allows it.
    """
    # On the CPU, as one would have to wait for a GPU to know how many there are.
    labels = batch.labels.flatten()
    scored = (labels != IGNORED).nonzero().squeeze(1)
    places, targets = _send(scored, model.device), _send(labels[scored], model.device)
    inputs = _send(batch.inputs, model.device)
    if model.config.is_encoder_decoder:
        mask, written = _send(batch.mask, model.device), _send(batch.labels, model.device)
        logits = (
            model(input_ids=inputs, attention_mask=mask, labels=written).logits.flatten(0, 1).index_select(0, places)
        )
        logits = logits if outputs is None else logits[:, outputs]
    else:
        positions = {} if batch.positions is None else {"position_ids": _send(batch.positions, model.device)}

        def at_places(states: torch.Tensor) -> torch.Tensor:
            return states.flatten(0, 1).index_select(0, places)

        logits, _ = causal_logits(model, at_places, outputs, input_ids=inputs, **positions, **without_cache(model))
    targets = targets if outputs is None else torch.searchsorted(outputs, targets)
    return functional.cross_entropy(logits.float(), targets), len(scored)


def _send(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor on the device, without waiting until a GPU has done what it was given before."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor
