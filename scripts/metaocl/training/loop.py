"""The training loops: a base model from scratch, and one stage of fine-tuning with evaluations after its epochs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pyarrow as pa
import torch
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm

from metaocl.config.models import BaseTraining
from metaocl.config.plans import Stage
from metaocl.training.checkpoints import TrainingState
from metaocl.training.devices import device_of
from metaocl.training.finite import Step, Watch, check_weights
from metaocl.training.history import History
from metaocl.training.interventions import NONE, Intervention
from metaocl.training.optimizers import adamw, linear_schedule, stage_optimizer
from metaocl.training.signals import Saver
from metaocl.training.task import Batch, Examples, Loss


@dataclass
class Trainer:
    """A model with what it takes to train it; one `step` is one optimizer step.

    micro_batch: most rows of a batch that go through the model at once; it halves when the device runs out of memory.
    intervention: its `before_step` is called when the gradients are there, before they are clipped and used, and its
    `after_step` when the weights have moved.
    """

    model: Any
    loss: Loss
    optimizer: torch.optim.Optimizer
    schedule: LambdaLR
    gradient_clipping: float
    micro_batch: int
    intervention: Intervention = NONE
    watch: Watch = field(default_factory=Watch)

    def step(self, batch: Batch, places: Sequence[int]) -> None:
        """Train on one batch, of the examples at these places. Raises NotFiniteError, on a GPU one step late."""
        loss, tokens = self._accumulate_gradients(batch)
        self.intervention.before_step()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.gradient_clipping)
        rate = float(self.schedule.get_last_lr()[0])
        self.watch.see(Step(self.schedule.last_epoch + 1, rate, places, tokens), loss, norm)
        self.optimizer.step()
        self.intervention.after_step()
        self.schedule.step()
        self.optimizer.zero_grad()

    def check(self) -> None:
        """Raises NotFiniteError where the steps so far have led to numbers that are not finite."""
        self.watch.look()
        rate = self.optimizer.param_groups[0]["lr"]
        check_weights(self.model, f"after step {self.schedule.last_epoch}, at a learning rate of {rate:g}")

    def _accumulate_gradients(self, batch: Batch) -> tuple[torch.Tensor, int]:
        """The mean loss, with its gradients, from as few passes as fit into memory; and over how many tokens it is."""
        while True:
            try:
                return self._backward(batch.split(self.micro_batch))
            except torch.OutOfMemoryError:
                if self.micro_batch == 1:
                    raise
            self.optimizer.zero_grad()
            self.micro_batch = -(-min(self.micro_batch, len(batch)) // 2)
            print(f"out of memory: going on with {self.micro_batch} rows at once", file=sys.stderr)

    def _backward(self, parts: Sequence[Batch]) -> tuple[torch.Tensor, int]:
        """The mean loss over all parts, each weighted by its scored tokens, with its gradients; and their number."""
        if len(parts) == 1:
            loss, scored = self.loss(self.model, parts[0])
            loss.backward()
            return loss, scored
        scored, total = 0, torch.zeros((), device=device_of(self.model))
        for part in parts:
            mean, count = self.loss(self.model, part)
            (mean * count).backward()
            total += mean.detach() * count
            scored += count
        for parameter in self.model.parameters():
            if parameter.grad is not None:
                parameter.grad /= scored
        return total / scored, scored


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
    loss: Loss,
    stage: Stage,
    seed: int,
    measure: Callable[[int], pa.Table | None],
    saver: Saver,
    intervention: Intervention = NONE,
) -> tuple[pa.Table, pa.Table, Progress]:
    """Train for one stage; returns what `measure` gave for the epochs 1, 2, …, as one table, what every step did, as a
    table with the columns of `history.SCHEMA`, and the time it took.

    measure: called after each epoch; None for one after which nothing is measured.

    intervention: what is done to gradients or weights in every step.

    Every epoch visits all examples in a new random order, with `accumulate` so many times. Uses torch's global
    generator for dropout. Goes on from the saver's checkpoint, if it has one. Raises NotFiniteError; the checkpoint
    then stays as it was before.
    """
    steps_per_epoch = -(-len(examples) // stage.batch_size)
    optimizer = stage_optimizer(model, stage)
    schedule = linear_schedule(optimizer, stage.epochs * steps_per_epoch, stage.warmup_steps)
    trainer = Trainer(
        model, loss, optimizer, schedule, stage.gradient_clipping, stage.batch_size, intervention=intervention
    )
    state = TrainingState(model, optimizer, schedule, torch.Generator().manual_seed(seed))
    progress, metrics = _resume(saver, state, trainer)
    for epoch in tqdm(range(progress.epochs + 1, stage.epochs + 1), unit="epoch", mininterval=1):
        _train_epoch(trainer, examples, stage, state, progress, metrics, saver)
        trainer.check()
        start = time.perf_counter()
        if (measured := measure(epoch)) is not None:
            metrics.append(measured)
        progress.evaluate_seconds += time.perf_counter() - start
        progress.epochs, progress.steps = epoch, 0
        _save_if_due(saver, state, trainer, progress, metrics)
    return pa.concat_tables(metrics).combine_chunks(), trainer.watch.history.table(), progress


def _train_epoch(
    trainer: Trainer,
    examples: Examples,
    stage: Stage,
    state: TrainingState,
    progress: Progress,
    metrics: list[pa.Table],
    saver: Saver,
) -> None:
    """The steps of one epoch that are not done yet."""
    # A checkpoint within the epoch holds the generator from before the order was drawn, to draw the same again.
    at_start = replace(state, order=state.order.clone_state())
    batches = _draw_batches(len(examples), stage, state.order)
    trainer.model.train()
    for places in batches[progress.steps :]:
        start = time.perf_counter()
        trainer.step(examples.batch(places.tolist(), progress.epochs + 1), places.tolist())
        progress.steps += 1
        if device_of(trainer.model).type == "cuda" and progress.steps == len(batches):
            torch.cuda.synchronize()  # the seconds are those of the GPU's work
        seconds = time.perf_counter() - start
        progress.train_seconds += seconds
        trainer.watch.history.add(epoch=progress.epochs + 1, seconds=seconds)
        if progress.steps < len(batches):
            _save_if_due(saver, at_start, trainer, progress, metrics)


def _draw_batches(examples: int, stage: Stage, order: torch.Generator) -> tuple[torch.Tensor, ...]:
    """The places of each step of an epoch: in a random order, as often as batches are accumulated.

    A step takes whole batches, so that as many as an epoch has are every example once.
    """
    orders = [torch.randperm(examples, generator=order) for _ in range(stage.accumulate)]
    batches = [batch for places in orders for batch in places.split(stage.batch_size)]
    return tuple(torch.cat(batches[at : at + stage.accumulate]) for at in range(0, len(batches), stage.accumulate))


def _save_if_due(
    saver: Saver, state: TrainingState, trainer: Trainer, progress: Progress, metrics: list[pa.Table]
) -> None:
    if saver.is_due():
        trainer.check()
        tables = {"history": trainer.watch.history.table()}
        if metrics:
            tables["metrics"] = pa.concat_tables(metrics)
        saver.save(state, asdict(progress) | {"micro_batch": trainer.micro_batch}, tables)


def _resume(saver: Saver, state: TrainingState, trainer: Trainer) -> tuple[Progress, list[pa.Table]]:
    """Where the checkpoint, if there is one, left off."""
    restored = saver.checkpoint.restore(state)
    if restored is None:
        return Progress(), []
    progress, tables = restored
    trainer.watch.history = History(tables["history"])
    trainer.micro_batch = progress.pop("micro_batch")
    done = f"{progress['epochs']} epochs and {progress['steps']} steps"
    print(f"going on from a checkpoint: {done} are done", file=sys.stderr)
    return Progress(**progress), [tables["metrics"]] if "metrics" in tables else []


def train_base(model: Any, examples: Examples, weights: torch.Tensor, loss: Loss, settings: BaseTraining) -> float:
    """Train a model from scratch on random batches; returns the seconds it took.

    weights: float (examples,), how likely each example is to be drawn; drawn with replacement.
    """
    optimizer = adamw(model, settings.learning_rate, settings.learning_rate, settings.betas, settings.weight_decay)
    schedule = linear_schedule(optimizer, settings.steps, settings.warmup_steps, settings.final_learning_rate)
    trainer = Trainer(model, loss, optimizer, schedule, settings.gradient_clipping, settings.batch_size)
    draws = torch.Generator().manual_seed(settings.seed)
    start = time.perf_counter()
    model.train()
    for step in tqdm(range(1, settings.steps + 1), unit="step", mininterval=1):
        places = torch.multinomial(weights, settings.batch_size, replacement=True, generator=draws)
        trainer.step(examples.batch(places.tolist(), step), places.tolist())
    trainer.check()
    return time.perf_counter() - start
