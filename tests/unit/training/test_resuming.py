"""A stage that is told to end, or dies, goes on from its checkpoint to the same bytes."""

import copy
import math
import os
import signal

import pyarrow as pa
import pytest
import torch

from metaocl.config.plans import Stage, evaluated_epochs
from metaocl.text.examples import encode_examples
from metaocl.text.loss import completion_loss
from metaocl.training.checkpoints import Checkpoint
from metaocl.training.loop import train_stage
from metaocl.training.signals import Saver

TEXTS = [(f"Q: Where does X live {word}?\nA:", " red\n") for word in ("big", "tag", "now", "really", "Y", "green", "X")]
STAGE = Stage(documents=["questions"], epochs=4, batch_size=2, learning_rate=0.01, optimizer="adamw")


def loss_over_all(model, batch):
    return completion_loss(model, batch, None)


class Died(Exception):
    pass


@pytest.fixture
def default_signals():
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def run(model, tokenizer, saver, stage=STAGE):
    """Train a copy of a model that has dropout; its weights and the table of its epochs."""
    trained = copy.deepcopy(model)
    torch.manual_seed(0)
    examples = encode_examples(trained, tokenizer, TEXTS, STAGE)

    def measure(epoch):
        if epoch not in evaluated_epochs(stage):
            return None
        return pa.table({"epoch": [epoch], "weight": [float(next(trained.parameters()).detach().sum())]})

    metrics, history, progress = train_stage(trained, examples, loss_over_all, stage, 7, measure, saver)
    # All but the seconds is the same in every run.
    return trained.state_dict(), [metrics, history.drop_columns(["seconds"])], progress


@pytest.mark.parametrize("last_step", [1, 4, 6, 11, 15])
def test_a_stage_that_dies_after_a_checkpoint_ends_with_the_same_bytes(
    build, tokenizer, tmp_path, monkeypatch, last_step
):
    model = build("gpt2", len(tokenizer), embd_pdrop=0.2, resid_pdrop=0.2)
    weights, metrics, _ = run(model, tokenizer, Saver(Checkpoint(tmp_path / "straight", "f"), math.inf))

    saves = []
    checkpoint = Checkpoint(tmp_path / "broken", "f")
    saver = Saver(checkpoint, seconds=0)
    save = saver.save

    def save_and_die(*arguments):
        save(*arguments)
        saves.append(arguments)
        if len(saves) == last_step:
            raise Died

    monkeypatch.setattr(saver, "save", save_and_die)
    with pytest.raises(Died):
        run(model, tokenizer, saver)
    again, metrics_again, progress = run(model, tokenizer, Saver(checkpoint, math.inf))
    assert all(torch.equal(weight, again[name]) for name, weight in weights.items())
    assert metrics_again == metrics
    assert progress.epochs == STAGE.epochs


@pytest.mark.parametrize(("evaluate", "epochs"), [("every_epoch", [1, 2, 3, 4]), ([2, 3], [2, 3, 4]), ("last", [4])])
def test_a_stage_is_evaluated_after_the_epochs_that_it_names_and_at_its_end(
    build, tokenizer, tmp_path, evaluate, epochs
):
    stage, model = STAGE.model_copy(update={"evaluate": evaluate}), build("gpt2", len(tokenizer))
    _, (metrics, history), _ = run(model, tokenizer, Saver(Checkpoint(tmp_path, "f"), math.inf), stage)
    assert metrics["epoch"].to_pylist() == epochs
    assert sorted(set(history["epoch"].to_pylist())) == [1, 2, 3, 4]


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_told_to_end_saves_first_and_ends_as_told(build, tokenizer, tmp_path, default_signals, told):
    model = build("gpt2", len(tokenizer), embd_pdrop=0.2)
    weights, metrics, _ = run(model, tokenizer, Saver(Checkpoint(tmp_path / "straight", "f"), math.inf))
    checkpoint = Checkpoint(tmp_path / "ended", "f")
    saver = Saver(checkpoint, math.inf)
    saver.listen()
    os.kill(os.getpid(), told)
    with pytest.raises(SystemExit) as ended:
        run(model, tokenizer, saver)
    assert ended.value.code == 128 + told
    assert checkpoint.file.is_file()
    again, metrics_again, _ = run(model, tokenizer, Saver(checkpoint, math.inf))
    assert all(torch.equal(weight, again[name]) for name, weight in weights.items())
    assert metrics_again == metrics


def test_a_second_ctrl_c_does_not_wait_for_the_checkpoint(tmp_path, default_signals):
    Saver(Checkpoint(tmp_path, "f"), math.inf).listen()
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_warning_asks_for_one_checkpoint_and_training_goes_on(build, tokenizer, tmp_path, default_signals):
    model = build("gpt2", len(tokenizer))
    checkpoint = Checkpoint(tmp_path / "warned", "f")
    saver = Saver(checkpoint, math.inf)
    saver.listen()
    assert not saver.is_due()
    os.kill(os.getpid(), signal.SIGUSR1)
    assert saver.is_due()
    _, metrics, _ = run(model, tokenizer, saver)
    assert checkpoint.file.is_file()
    assert not saver.is_due()
    assert metrics[0]["epoch"].to_pylist() == [1, 2, 3, 4]
