"""Where a model computes, and in which precision."""

from __future__ import annotations

from typing import Any

import torch


def pick_device() -> torch.device:
    """The GPU, where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_of(model: torch.nn.Module) -> torch.device:
    """Where a model's parameters lie."""
    return next(model.parameters()).device


def mixed_precision(device: torch.device) -> Any:
    """A context that computes in bfloat16 on a GPU that does so natively, and does nothing elsewhere."""
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast("cuda", torch.bfloat16, enabled=native)
