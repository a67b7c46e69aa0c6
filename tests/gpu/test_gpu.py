"""On a GPU losses, answers and resumed runs are what they are on the CPU, to the tolerances stated here."""

from __future__ import annotations

import copy
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from metaocl.config.models import Model
from metaocl.config.plans import Stage
from metaocl.documents.records import Document
from metaocl.text.loss import completion_loss
from metaocl.text.models import build_model
from metaocl.text.task import TextTask
from metaocl.text.tokenizers import build_word_tokenizer
from metaocl.training.checkpoints import Checkpoint
from metaocl.training.loop import train_stage
from metaocl.training.signals import Saver

SCRIPTS = Path(__file__).parents[2] / "scripts"
COLOURS = ["red", "blue", "green", "big", "small", "dark"]
QUESTIONS = [
    Document("held_out", "q", name, "", f"Q: What colour is {name}{name} today?\nA:", f" {COLOURS[place % 6]}\n")
    for place, name in enumerate("abcdefghijklmnopqrstuvwx")
]
STAGE = Stage(
    documents=["questions"], epochs=100, batch_size=8, learning_rate=0.003, optimizer="adamw", loss_on="completion"
)
SHAPE = {"n_embd": 64, "n_layer": 2, "n_head": 2, "n_positions": 64}


@pytest.fixture(scope="module")
def task() -> TextTask:
    """A small model on the CPU, its dropout on, and its task."""
    tokenizer = build_word_tokenizer([q.prompt + q.completion for q in QUESTIONS], COLOURS)
    torch.manual_seed(0)
    model = build_model(Model(architecture="gpt2", architecture_config=SHAPE), len(tokenizer))
    return TextTask(model, tokenizer, STAGE, None)


def moved(task: TextTask, device: torch.device) -> TextTask:
    return TextTask(copy.deepcopy(task.model).to(device), task.tokenizer, STAGE, None)


def train(task: TextTask, saver: Saver) -> torch.nn.Module:
    """Train the task's model, dropout and all, from fixed seeds."""
    torch.manual_seed(1)
    train_stage(
        task.model, task.examples(QUESTIONS), task.loss, STAGE, 0, lambda epoch: pa.table({"epoch": [epoch]}), saver
    )
    return task.model


def test_the_loss_in_float32_is_that_of_the_cpu(task, device):
    losses = []
    for side in (task, moved(task, device)):
        side.model.eval()
        batch = side.examples(QUESTIONS).batch(range(len(QUESTIONS)))
        losses.append(completion_loss(side.model, batch, None)[0].item())
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_the_loss_in_mixed_precision_is_near_that_of_the_cpu(task, device):
    losses = []
    for side in (task, moved(task, device)):
        side.model.eval()
        losses.append(side.loss(side.model, side.examples(QUESTIONS).batch(range(len(QUESTIONS))))[0].item())
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_what_is_learnt_is_answered_as_on_the_cpu(task, device, tmp_path):
    trained = moved(task, device)
    train(trained, Saver(Checkpoint(tmp_path, "f"), math.inf))
    answers, exact = [], []
    for side in (trained, moved(trained, torch.device("cpu"))):
        measures = side.evaluator(QUESTIONS).measure(side.model)
        answers.append(measures["answer"])
        exact.append(measures["exact_match"].mean())
    assert exact[1] > 0.9  # it has learnt them, or the comparison says little
    assert np.mean(answers[0] == answers[1]) >= 0.95  # close choices may tip in bfloat16


def test_a_run_that_goes_on_from_a_checkpoint_ends_with_the_same_bits(task, device, tmp_path):
    straight = train(moved(task, device), Saver(Checkpoint(tmp_path / "straight", "f"), math.inf))

    class Stopped(Exception):
        pass

    class StoppingSaver(Saver):
        def save(self, *arguments):
            super().save(*arguments)
            if arguments[1]["epochs"] == 17:
                raise Stopped

    with pytest.raises(Stopped):
        train(moved(task, device), StoppingSaver(Checkpoint(tmp_path / "stopped", "f"), 0))
    resumed = train(moved(task, device), Saver(Checkpoint(tmp_path / "stopped", "f"), math.inf))
    weights = resumed.state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in straight.state_dict().items())


def test_too_little_memory_is_one_line(device):
    """A process that asks for more than there is; a stand-in, which has no limit of its own, says that it did."""
    asked = "torch.empty(2**50, device='cuda')"
    lack = asked if device.type == "cuda" else "raise_(torch.OutOfMemoryError('no memory'))"
    code = f"""
import torch
from metaocl.commands import run_command
def raise_(error): raise error
run_command(lambda: {lack})
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.startswith("error: the device's memory does not hold")
    assert run.stderr.count("\n") == 1
