"""Numbers that are not finite end a run at once, in one line that says where; nothing is saved after them."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file, save_file

from metaocl.artifacts.checksums import write_checksums
from metaocl.config.models import BaseTraining, Pretrained
from metaocl.config.plans import Stage
from metaocl.text.models import load_model, save_model
from metaocl.text.pretrained import load_pretrained
from metaocl.training.checkpoints import Checkpoint
from metaocl.training.finite import NotFiniteError, Step, Watch
from metaocl.training.loop import train_base, train_stage
from metaocl.training.signals import Saver


class Numbers:
    """Examples that are numbers: a batch is a column of them."""

    def __init__(self, numbers):
        self.numbers = torch.tensor(numbers)

    def batch(self, places, epoch):
        return self.numbers[list(places)].unsqueeze(1)

    def __len__(self):
        return len(self.numbers)


def product(model, batch):
    return model(batch).mean(), len(batch)


def root(model, batch):
    """Its value is finite where its slope is not."""
    return torch.sqrt(model(batch).mean() - model(batch).mean().detach()), len(batch)


def run(numbers, saver, loss=product, measured=None, rate=0.5, clipping=1.0, epochs=3):
    torch.manual_seed(0)
    model = torch.nn.Linear(1, 1)
    stage = Stage(
        documents=["questions"],
        epochs=epochs,
        batch_size=2,
        learning_rate=1.0,
        gradient_clipping=clipping,
        optimizer="adamw",
        warmup_steps=0,
    )
    # Above 1, where no stage may be, weights are infinite after a step.
    stage = stage.model_copy(update={"learning_rate": rate})

    def measure(epoch):
        if measured is not None:
            measured.append(epoch)
        return pa.table({"epoch": [epoch]})

    return train_stage(model, Numbers(numbers), loss, stage, 0, measure, saver)


@pytest.fixture
def saver(tmp_path):
    """Saves after every step."""
    return Saver(Checkpoint(tmp_path / "checkpoint", "fingerprint"), seconds=0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_the_first_loss_that_is_not_finite_ends_the_run_and_leaves_the_checkpoint(saver, bad):
    with pytest.raises(NotFiniteError) as error:
        run([1.0] * 7 + [bad], saver)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0)).split(2)
    number, places = next((n, p.tolist()) for n, p in enumerate(order, start=1) if 7 in p)
    rate = 0.5 * (12 - number + 1) / 12
    told = f"step {number}, at a learning rate of {rate:g}, on the documents at {places[0]}, {places[1]} (from 0): "
    assert str(error.value).startswith(told)
    assert f"{abs(bad):g} and the gradient norm" in str(error.value)
    saved = load_file(saver.checkpoint.file)
    assert all(tensor.isfinite().all() for name, tensor in saved.items() if name.startswith("model/"))


def test_a_gradient_norm_that_is_not_finite_ends_the_run_where_the_loss_is(saver):
    with pytest.raises(NotFiniteError, match=r"^step 1, .*: the loss is 0 and the gradient norm (nan|inf); they must"):
        run([1.0] * 4, saver, loss=root)
    assert not saver.checkpoint.file.exists()


def test_weights_that_the_last_step_made_infinite_are_neither_measured_nor_kept(saver):
    measured = []
    with pytest.raises(NotFiniteError, match=r"^after step 1, at a learning rate of \S+: the weight weight holds"):
        run([1e-30, 1e-30], saver, measured=measured, rate=3e38, epochs=1)
    assert measured == []
    assert not saver.checkpoint.file.exists()


def test_a_base_model_stops_at_its_first_loss_that_is_not_finite():
    settings = BaseTraining(steps=5, batch_size=2, warmup_steps=0)
    with pytest.raises(NotFiniteError, match=r"^step 1, at a learning rate of 0.003, on the documents at \d, \d"):
        train_base(torch.nn.Linear(1, 1), Numbers([math.nan] * 3), torch.ones(3), product, settings)


def test_a_message_names_some_documents_of_a_large_batch():
    told = "step 3, at a learning rate of 0.1, on the documents at 0, 1, 2, 3, 4, 5, 6, 7 and 92 more (from 0)"
    assert str(Step(3, 0.1, range(100), 100)) == told


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_a_step_is_looked_at_when_the_next_has_been_given():
    watch, bad = Watch(), torch.tensor(math.nan, device="cuda")
    watch.see(Step(1, 0.1, [0], 1), bad, bad)
    with pytest.raises(NotFiniteError, match=r"^step 1"):
        watch.look()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_weight_that_is_not_finite_is_refused_where_a_model_is_loaded(build, train_bytes, tmp_path, value):
    tokenizer = train_bytes(["Q: Where does X live?\nA: red blue\n"])
    model = build("llama", len(tokenizer))
    model.save_pretrained(tmp_path / "saved")
    tokenizer.save_pretrained(tmp_path / "saved")
    tokenizer.pad_token = tokenizer.eos_token
    save_model(model, tokenizer, tmp_path / "prepared")
    for folder in (tmp_path / "saved", tmp_path / "prepared"):
        weights = load_file(folder / "model.safetensors")
        weights["model.norm.weight"][3] = value
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
    write_checksums(tmp_path / "prepared")
    told = "the weight model.norm.weight holds numbers that are not finite"
    with pytest.raises(NotFiniteError, match=f"^{tmp_path / 'saved'}: {told}"):
        load_pretrained(Pretrained(folder=str(tmp_path / "saved")))
    with pytest.raises(NotFiniteError, match=f"^{tmp_path / 'prepared'}: {told}"):
        load_model(tmp_path / "prepared")
