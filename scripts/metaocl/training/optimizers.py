"""Optimizers and learning-rate schedules of stages and base models."""

from __future__ import annotations

from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR

from metaocl.config.plans import Stage
from metaocl.errors import UserError
from metaocl.training.adafactor import Adafactor


def linear_schedule(optimizer: torch.optim.Optimizer, steps: int, warmup: int, final: float = 0.0) -> LambdaLR:
    """Linear warm-up to the peak in `warmup` steps, then linear decay to `final`, a share of the peak, at `steps`."""

    def share_of_peak(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return final + (1 - final) * max(0, steps - step) / max(1, steps - warmup)

    return LambdaLR(optimizer, share_of_peak)


def check_warm_up(stage: Stage, examples: int) -> None:
    """Raises UserError for a stage that ends with its warm-up or before: it would never reach its learning rate."""
    steps = stage.epochs * -(-examples // stage.batch_size)
    if stage.warmup_steps >= steps:
        raise UserError(f"warmup_steps is {stage.warmup_steps}; it must be below the stage's {steps} steps")


def stage_optimizer(model: Any, stage: Stage) -> torch.optim.Optimizer:
    """The optimizer of a stage, for all of the model's parameters that are to be trained."""
    embedding_rate = stage.embedding_learning_rate or stage.learning_rate
    if stage.optimizer == "adamw":
        return adamw(model, stage.learning_rate, embedding_rate, stage.betas, weight_decay=0.0)
    groups = _embeddings_apart(model, stage.learning_rate, embedding_rate)
    if stage.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=stage.learning_rate)
    return Adafactor(groups, lr=stage.learning_rate)


def adamw(
    model: Any, rate: float, embedding_rate: float, betas: tuple[float, float], weight_decay: float
) -> torch.optim.Optimizer:
    """AdamW, with a rate of its own for token embeddings."""
    groups = _embeddings_apart(model, rate, embedding_rate)
    return torch.optim.AdamW(groups, lr=rate, betas=betas, weight_decay=weight_decay, fused=True)


def _embeddings_apart(model: Any, rate: float, embedding_rate: float) -> list[dict[str, Any]]:
    """Parameter groups: the rest, and token embeddings, if any (with the output matrix, where it is tied to them)."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    embeddings = model.get_input_embeddings().weight if hasattr(model, "get_input_embeddings") else None
    if embeddings is None or not embeddings.requires_grad:
        return [{"params": trained, "lr": rate}]
    rest = [parameter for parameter in trained if parameter is not embeddings]
    return [{"params": rest, "lr": rate}, {"params": [embeddings], "lr": embedding_rate}]
