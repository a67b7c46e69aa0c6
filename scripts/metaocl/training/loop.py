"""The training loops: a base model from scratch, and one stage of fine-tuning with an evaluation after every epoch."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa
import torch
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm

from metaocl.config.models import BaseTraining
from metaocl.config.plans import Stage
from metaocl.text.decoding import output_logits
from metaocl.text.examples import IGNORED, Batch, Examples
from metaocl.training.checkpoints import TrainingState
from metaocl.training.devices import mixed_precision
from metaocl.training.optimizers import adamw, linear_schedule, stage_optimizer
from metaocl.training.signals import Saver


@dataclass
class Trainer:
    """A model with what it takes to train it; one `step` is one optimizer step.

    outputs: int64 (n,), sorted, the tokens among which the model chooses, or None for the whole vocabulary.
    micro_batch: most rows of a batch that go through the model at once; it halves when the device runs out of memory.
    """

    model: Any
    outputs: torch.Tensor | None
    optimizer: torch.optim.Optimizer
    schedule: LambdaLR
    gradient_clipping: float
    micro_batch: int

    def step(self, batch: Batch) -> None:
        """Train on one batch."""
        self._accumulate_gradients(batch)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.gradient_clipping)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()

    def _accumulate_gradients(self, batch: Batch) -> None:
        """The gradients of the batch's mean loss, from as few passes as fit into memory."""
        while True:
            try:
                for part in batch.split(self.micro_batch):
                    self._weighted_loss(part, batch).backward()
                return
            except torch.OutOfMemoryError:
                if self.micro_batch == 1:
                    raise
            self.optimizer.zero_grad()
            self.micro_batch = -(-min(self.micro_batch, len(batch)) // 2)
            print(f"out of memory: going on with {self.micro_batch} rows at once", file=sys.stderr)

    def _weighted_loss(self, part: Batch, whole: Batch) -> torch.Tensor:
        """The mean loss over a part's labelled tokens, weighted so that all parts sum to the mean over the whole."""
        with mixed_precision(self.model.device):
            loss = completion_loss(self.model, part, self.outputs)
        return loss if len(part) == len(whole) else loss * (_labelled(part) / _labelled(whole))


def completion_loss(model: Any, batch: Batch, outputs: torch.Tensor | None) -> torch.Tensor:
    """Mean cross-entropy over the labelled tokens of a batch.

    For a causal model logits are computed at the labelled places only, over `outputs` only.
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
        hidden = model.base_model(input_ids=inputs, **positions, use_cache=False).last_hidden_state
        logits = output_logits(model, hidden.flatten(0, 1).index_select(0, places), outputs)
    targets = targets if outputs is None else torch.searchsorted(outputs, targets)
    return functional.cross_entropy(logits.float(), targets)


def _send(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor on the device, without waiting until a GPU has done what it was given before."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def _labelled(batch: Batch) -> int:
    return int((batch.labels != IGNORED).sum())


@dataclass
class Progress:
    """How far a stage has come: epochs done, steps done in the next one, and what that took."""

    epochs: int = 0
    steps: int = 0
    train_seconds: float = 0.0
    evaluate_seconds: float = 0.0


def train_stage(
    model: Any,
    examples: Examples,
    outputs: torch.Tensor | None,
    stage: Stage,
    seed: int,
    measure: Callable[[int], pa.Table],
    saver: Saver,
) -> tuple[pa.Table, Progress]:
    """Train for one stage; returns what `measure` gave for the epochs 1, 2, …, as one table, and the time it took.

    Every epoch visits all examples in a new random order. Uses torch's global generator for dropout. Goes on from the
    saver's checkpoint, if it has one.
    """
    steps_per_epoch = -(-len(examples) // stage.batch_size)
    optimizer = stage_optimizer(model, stage)
    schedule = linear_schedule(optimizer, stage.epochs * steps_per_epoch, stage.warmup_steps)
    trainer = Trainer(model, outputs, optimizer, schedule, stage.gradient_clipping, stage.batch_size)
    state = TrainingState(model, optimizer, schedule, torch.Generator().manual_seed(seed))
    progress, metrics = _resume(saver, state, trainer)
    for epoch in tqdm(range(progress.epochs + 1, stage.epochs + 1), unit="epoch", mininterval=1):
        _train_epoch(trainer, examples, stage.batch_size, state, progress, metrics, saver)
        start = time.perf_counter()
        metrics.append(measure(epoch))
        progress.evaluate_seconds += time.perf_counter() - start
        progress.epochs, progress.steps = epoch, 0
        _save_if_due(saver, state, trainer, progress, metrics)
    return pa.concat_tables(metrics).combine_chunks(), progress


def _train_epoch(
    trainer: Trainer,
    examples: Examples,
    batch_size: int,
    state: TrainingState,
    progress: Progress,
    metrics: list[pa.Table],
    saver: Saver,
) -> None:
    """The steps of one epoch that are not done yet."""
    # A checkpoint within the epoch holds the generator from before the order was drawn, to draw the same again.
    at_start = replace(state, order=state.order.clone_state())
    batches = torch.randperm(len(examples), generator=state.order).split(batch_size)
    trainer.model.train()
    for places in batches[progress.steps :]:
        start = time.perf_counter()
        trainer.step(examples.batch(places.tolist()))
        progress.steps += 1
        if trainer.model.device.type == "cuda" and progress.steps == len(batches):
            torch.cuda.synchronize()  # the seconds are those of the GPU's work
        progress.train_seconds += time.perf_counter() - start
        if progress.steps < len(batches):
            _save_if_due(saver, at_start, trainer, progress, metrics)


def _save_if_due(
    saver: Saver, state: TrainingState, trainer: Trainer, progress: Progress, metrics: list[pa.Table]
) -> None:
    if saver.is_due():
        table = pa.concat_tables(metrics) if metrics else None
        saver.save(state, asdict(progress) | {"micro_batch": trainer.micro_batch}, table)


def _resume(saver: Saver, state: TrainingState, trainer: Trainer) -> tuple[Progress, list[pa.Table]]:
    """Where the checkpoint, if there is one, left off."""
    restored = saver.checkpoint.restore(state)
    if restored is None:
        return Progress(), []
    progress, table = restored
    trainer.micro_batch = progress.pop("micro_batch")
    done = f"{progress['epochs']} epochs and {progress['steps']} steps"
    print(f"going on from a checkpoint: {done} are done", file=sys.stderr)
    return Progress(**progress), [] if table is None else [table]


def train_base(
    model: Any, examples: Examples, weights: torch.Tensor, outputs: torch.Tensor | None, settings: BaseTraining
) -> float:
    """Train a model from scratch on random batches; returns the seconds it took.

    weights: float (examples,), how likely each example is to be drawn; drawn with replacement.
    """
    optimizer = adamw(model, settings.learning_rate, settings.learning_rate, settings.betas, settings.weight_decay)
    schedule = linear_schedule(optimizer, settings.steps, settings.warmup_steps, settings.final_learning_rate)
    trainer = Trainer(model, outputs, optimizer, schedule, settings.gradient_clipping, settings.batch_size)
    draws = torch.Generator().manual_seed(settings.seed)
    start = time.perf_counter()
    model.train()
    for _ in tqdm(range(settings.steps), unit="step", mininterval=1):
        places = torch.multinomial(weights, settings.batch_size, replacement=True, generator=draws)
        trainer.step(examples.batch(places.tolist()))
    return time.perf_counter() - start
