"""Stages and base training take the steps of the optimizers that they name, written out by hand here."""

from __future__ import annotations

import copy
import math

import pyarrow as pa
import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook
from transformers.optimization import Adafactor

from metaocl.config.models import BaseTraining
from metaocl.config.plans import Stage
from metaocl.errors import UserError
from metaocl.text.examples import encode_examples
from metaocl.text.loss import completion_loss
from metaocl.training.checkpoints import Checkpoint
from metaocl.training.loop import train_base, train_stage
from metaocl.training.optimizers import check_warm_up
from metaocl.training.signals import Saver

TEXTS = [("Q: Where does X live?\nA:", " red blue\n"), ("tag", " dark red\n"), ("Y", " green\n"), ("big", " X\n")]
STEPS, BATCH, RATE = 20, 2, 0.02
SEED = 7


@pytest.fixture
def steps():
    """What every optimizer step found: the norm of the gradients and the rates."""
    found = []

    def note(optimizer, *_):
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in parameters])
        found.append((float(norm), [group["lr"] for group in optimizer.param_groups]))

    handle = register_optimizer_step_pre_hook(note)
    yield found
    handle.remove()


def loss_over_all(model, batch):
    return completion_loss(model, batch, None)


def by_hand(model, examples, optimizer, batches, share_of_peak, clipping=1.0):
    """A plain loop: loss, gradients, clipping to norm 1, a step at the share of the peak rate that is due.

    Returns the norms of the gradients before clipping.
    """
    norms = []
    for step, places in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = RATE * share_of_peak(step)
        optimizer.zero_grad()
        completion_loss(model, examples.batch(places.tolist()), None)[0].backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), clipping)))
        optimizer.step()
    return norms


def epochs_of_batches(examples, seed):
    order = torch.Generator().manual_seed(seed)
    while True:
        yield from torch.randperm(examples, generator=order).split(BATCH)


def make_reference(model, optimizer, **settings):
    if optimizer == "adamw":
        return torch.optim.AdamW(
            model.parameters(), lr=RATE, **{"betas": (0.9, 0.999), "weight_decay": 0.0} | settings, fused=False
        )
    return Adafactor(model.parameters(), lr=RATE, scale_parameter=False, relative_step=False)


def assert_same_weights(model, reference, untrained):
    for (name, weight), other, before in zip(
        model.named_parameters(), reference.parameters(), untrained.parameters(), strict=True
    ):
        torch.testing.assert_close(weight, other, rtol=1e-4, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}")
        assert not torch.equal(weight, before), f"{name} was not trained"


# Not GPT-2: the gradients of its keys' biases are 0 but for rounding, of which these optimizers make whole steps.
@pytest.mark.parametrize("architecture", ["llama", "t5"])
@pytest.mark.parametrize("optimizer", ["adafactor", "adamw"])
def test_a_stage_takes_the_steps_of_its_optimizer(build, tokenizer, tmp_path, steps, architecture, optimizer):
    untrained = build(architecture, len(tokenizer)).double()
    model, reference = copy.deepcopy(untrained), copy.deepcopy(untrained)
    warmup, steps_per_epoch = 3, len(TEXTS) // BATCH
    stage = Stage(
        documents=["questions"],
        epochs=STEPS // steps_per_epoch,
        batch_size=BATCH,
        optimizer=optimizer,
        learning_rate=RATE,
        warmup_steps=warmup,
    )
    examples = encode_examples(model, tokenizer, TEXTS, stage)
    saver = Saver(Checkpoint(tmp_path / "checkpoint", "fingerprint"), seconds=math.inf)
    train_stage(model, examples, loss_over_all, stage, SEED, lambda epoch: pa.table({"epoch": [epoch]}), saver)

    shares = [(step + 1) / 4 if step < warmup else (STEPS - step) / (STEPS - warmup) for step in range(STEPS)]
    assert [rates for _, rates in steps] == [pytest.approx([RATE * share] * 2) for share in shares]
    batches = [rows for rows, _ in zip(epochs_of_batches(len(TEXTS), SEED), range(STEPS), strict=False)]
    norms = by_hand(reference, examples, make_reference(reference, optimizer), batches, lambda step: shares[step])
    assert_same_weights(model, reference, untrained)
    assert max(norms) > 1.5, "no gradient was clipped"
    clipped = [norm for norm, _ in steps[:STEPS]]
    assert clipped == pytest.approx([min(norm, 1.0) for norm in norms], rel=1e-3)


def test_a_stage_gives_its_embeddings_a_rate_of_their_own(model, tokenizer, tmp_path, steps):
    stage = Stage(documents=["questions"], epochs=2, learning_rate=0.01, embedding_learning_rate=0.04)
    examples = encode_examples(model, tokenizer, TEXTS, stage)
    saver = Saver(Checkpoint(tmp_path / "checkpoint", "fingerprint"), seconds=math.inf)
    train_stage(model, examples, loss_over_all, stage, SEED, lambda epoch: pa.table({"epoch": [epoch]}), saver)
    assert [rates for _, rates in steps] == [pytest.approx([0.01, 0.04]), pytest.approx([0.005, 0.02])]


def test_base_training_takes_the_steps_of_adamw_on_random_batches(build, tokenizer):
    untrained = build("llama", len(tokenizer)).double()
    model, reference = copy.deepcopy(untrained), copy.deepcopy(untrained)
    settings = BaseTraining(
        steps=STEPS,
        batch_size=BATCH,
        learning_rate=RATE,
        warmup_steps=3,
        final_learning_rate=0.1,
        betas=(0.8, 0.95),
        weight_decay=0.3,
        gradient_clipping=0.7,
        seed=SEED,
    )
    examples = encode_examples(model, tokenizer, TEXTS, settings)
    weights = torch.tensor([0.4, 0.3, 0.2, 0.1])
    train_base(model, examples, weights, loss_over_all, settings)

    draws = torch.Generator().manual_seed(SEED)
    batches = [torch.multinomial(weights, BATCH, replacement=True, generator=draws) for _ in range(STEPS)]
    decay = [0.1 + 0.9 * (STEPS - step) / (STEPS - 3) for step in range(3, STEPS)]
    shares = [1 / 4, 2 / 4, 3 / 4, *decay]
    optimizer = make_reference(reference, "adamw", betas=(0.8, 0.95), weight_decay=0.3)
    norms = by_hand(reference, examples, optimizer, batches, lambda step: shares[step], clipping=0.7)
    assert_same_weights(model, reference, untrained)
    assert max(norms) > 0.7


@pytest.mark.parametrize(("warmup", "is_told"), [(0, False), (5, False), (6, True)])
def test_a_warm_up_that_the_stage_does_not_see_the_end_of_is_told(warmup, is_told):
    stage = Stage(documents=["questions"], epochs=2, batch_size=4, warmup_steps=warmup)
    if not is_told:
        return check_warm_up(stage, examples=9)
    with pytest.raises(UserError, match=r"^warmup_steps is 6; it must be below the stage's 6 steps$"):
        check_warm_up(stage, examples=9)
