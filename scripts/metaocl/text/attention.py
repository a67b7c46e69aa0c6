"""What the tokens of a causal model see: whether padding and other texts in their row leave them alone."""

from __future__ import annotations

import inspect
from typing import Any

import torch


def takes_positions(model: Any) -> bool:
    """Whether a causal model can be told its tokens' positions in the text, where these are not those in the row."""
    return "position_ids" in inspect.signature(model.base_model.forward).parameters


def allows_padding(model: Any, width: int) -> bool:
    """Whether padding may stand before and within a causal model's text, in rows of at most `width` tokens.

    Not where a layer keeps a running state, as Mamba's do, nor where distances in the row, and not in the text, decide
    what a token sees (a window that is narrower than the row) or how well (MPT).
    """
    config = model.config
    attends = {"full_attention", "sliding_attention"}.issuperset(getattr(config, "layer_types", None) or ())
    stateful = getattr(model, "_is_stateful", False)  # transformers' mark of models with a running state
    window = getattr(config, "sliding_window", None) or getattr(config, "window_size", None) or width
    return attends and not stateful and window >= width and takes_positions(model)


def keeps_texts_apart(model: Any) -> bool:
    """Whether texts that share a row do not see each other; transformers parts them by positions, for most models.

    The model itself is tried, as what says so differs from architecture to architecture.
    """
    if not takes_positions(model):
        return False
    first, second = torch.arange(1, 5, device=model.device), torch.arange(4, 0, -1, device=model.device)
    positions = torch.arange(4, device=model.device)
    training = model.training
    model.eval()
    with torch.inference_mode():
        alone = model.base_model(input_ids=second.unsqueeze(0), use_cache=False).last_hidden_state[0]
        row = {"input_ids": torch.cat([first, second]), "position_ids": torch.cat([positions, positions])}
        row = {name: tokens.unsqueeze(0) for name, tokens in row.items()}
        beside = model.base_model(**row, use_cache=False).last_hidden_state[0, 4:]
    model.train(training)
    return bool((alone - beside).abs().max() <= 1e-3 * alone.abs().max())
