"""Adapters: nothing else is trained, and the model that is saved answers as the adapted one."""

from __future__ import annotations

import copy
import math

import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file

from metaocl.config.plans import Lora, Stage
from metaocl.errors import UserError
from metaocl.text.examples import encode_examples
from metaocl.text.lora import add_adapters, merged_weights
from metaocl.text.loss import completion_loss
from metaocl.text.models import load_model, save_model
from metaocl.training.checkpoints import Checkpoint
from metaocl.training.loop import train_stage
from metaocl.training.signals import Saver

LORA = Lora(rank=2, alpha=4)
STAGE = Stage(documents=["questions"], epochs=2, batch_size=2, learning_rate=0.01, optimizer="adamw", lora=LORA)
TEXTS = [(f"Q: Where does X live {word}?\nA:", " red\n") for word in ("big", "tag", "now", "really", "Y")]


class Subwords:
    """A tokenizer that can spell every word."""

    unk_token = None


class Died(Exception):
    pass


def loss_over_all(model, batch):
    return completion_loss(model, batch, None)


def adapt(model, **settings):
    torch.manual_seed(0)
    add_adapters(model, Subwords(), Lora(rank=2, alpha=4, **settings))


def train(model, tokenizer, saver):
    examples = encode_examples(model, tokenizer, TEXTS, STAGE)
    train_stage(model, examples, loss_over_all, STAGE, 7, lambda epoch: pa.table({"epoch": [epoch]}), saver)


def loss_now(model, tokenizer):
    model.eval()
    batch = encode_examples(model, tokenizer, TEXTS, STAGE).batch(range(len(TEXTS)), 1)
    with torch.inference_mode():
        return float(loss_over_all(model, batch)[0])


def weights(model):
    return {name: tensor.clone() for name, tensor in merged_weights(model).items()}


def moved(model, before):
    assert merged_weights(model).keys() == before.keys()
    return {name for name, tensor in merged_weights(model).items() if not torch.equal(tensor, before[name])}


@pytest.fixture
def saver(tmp_path):
    return Saver(Checkpoint(tmp_path / "checkpoint", "f"), math.inf)


@pytest.mark.parametrize("architecture", ["gpt2", "opt", "gpt_neox", "llama", "t5"])
def test_matrices_alone_move_and_the_saved_model_is_as_the_adapted_one(build, tokenizer, tmp_path, saver, architecture):
    model = build(architecture, len(tokenizer))
    before, untrained = weights(model), loss_now(model, tokenizer)
    adapt(model)
    assert loss_now(model, tokenizer) == pytest.approx(untrained, rel=1e-5)
    train(model, tokenizer, saver)
    trained = loss_now(model, tokenizer)
    assert abs(trained - untrained) > 0.01
    changed = moved(model, before)
    assert len(changed) >= 8
    assert {before[name].ndim for name in changed} == {2}
    assert not {name for name in changed if "embed" in name or "head" in name or "shared" in name or "wte" in name}
    save_model(model, tokenizer, tmp_path)
    again, _ = load_model(tmp_path)
    assert loss_now(again, tokenizer) == pytest.approx(trained, rel=1e-5)
    assert not any("lora" in name or "base_layer" in name for name in load_file(tmp_path / "model.safetensors"))


def test_targets_are_the_only_ones(build, tokenizer, saver):
    model = build("llama", len(tokenizer))
    before = weights(model)
    adapt(model, targets=["q_proj", "v_proj"])
    train(model, tokenizer, saver)
    assert {name.split(".")[-2] for name in moved(model, before)} == {"q_proj", "v_proj"}


def test_a_stage_that_dies_goes_on_to_the_same_weights_from_a_checkpoint_of_adapters_alone(
    build, tokenizer, tmp_path, monkeypatch, saver
):
    start = build("gpt2", len(tokenizer), resid_pdrop=0.2)
    adapt(start)
    straight, broken, again = (copy.deepcopy(start) for _ in range(3))
    dying = Saver(Checkpoint(tmp_path / "dying", "f"), seconds=0)
    save = dying.save

    def save_and_die(*arguments):
        save(*arguments)
        raise Died

    monkeypatch.setattr(dying, "save", save_and_die)
    torch.manual_seed(1)
    train(straight, tokenizer, saver)
    torch.manual_seed(1)
    with pytest.raises(Died):
        train(broken, tokenizer, dying)
    assert all("lora_" in name for name in load_file(dying.checkpoint.file) if name.startswith("model/"))
    train(again, tokenizer, Saver(dying.checkpoint, math.inf))
    assert moved(straight, weights(start))
    assert not moved(again, weights(straight))


def test_targets_that_are_not_there_are_refused_with_those_that_are(build, tokenizer):
    for wrong in ("query", "lm_head", "embed_tokens"):
        with pytest.raises(UserError, match=f"lists {wrong}; the model's matrices are down_proj, gate_proj, k_proj"):
            adapt(build("llama", len(tokenizer)), targets=["q_proj", wrong])


def test_a_model_of_words_is_refused(build, tokenizer):
    with pytest.raises(UserError, match="lora trains no embeddings"):
        add_adapters(build("gpt2", len(tokenizer)), tokenizer, LORA)
