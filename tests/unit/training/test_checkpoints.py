from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError
from torch.optim.lr_scheduler import LambdaLR
from transformers import GPT2Config, GPT2LMHeadModel

from metaocl.artifacts.checksums import file_hash
from metaocl.artifacts.tables import write_table
from metaocl.training import checkpoints
from metaocl.training.adafactor import Adafactor
from metaocl.training.checkpoints import Checkpoint, CheckpointError, TrainingState

STEPS = 10
STEPS_PER_EPOCH = 4
INPUTS = torch.randint(11, (10, 6), generator=torch.Generator().manual_seed(0))
RATES = 0.01, 0.02  # of the embeddings and of the rest: the order of the groups is not that of the model's parameters


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Models this small are trained many times faster on one thread when other tests run beside these."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def start(optimizer="adamw", dtype=torch.float32, width=8):
    """The state of a run that begins; 3 examples to a batch."""
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=11, n_positions=8, n_embd=width, n_layer=2, n_head=2, bos_token_id=1, eos_token_id=1)
    model = GPT2LMHeadModel(config).to(dtype).train()
    embeddings = model.get_input_embeddings().weight
    rest = [parameter for parameter in model.parameters() if parameter is not embeddings]
    groups = [{"params": [embeddings], "lr": RATES[0]}, {"params": rest, "lr": RATES[1]}]
    if optimizer == "adamw":
        made = torch.optim.AdamW(groups, betas=(0.9, 0.95), fused=True)
    else:
        made = Adafactor(groups, lr=0.01)
    schedule = LambdaLR(made, lambda step: 1 / (step + 3))
    return TrainingState(model, made, schedule, torch.Generator().manual_seed(1))


def train(state, first, last):
    """Take the steps from `first` to before `last`; returns the state to save: order is as at its epoch's start."""
    epoch_start = state.order
    for step in range(first, last):
        if step in (first, step // STEPS_PER_EPOCH * STEPS_PER_EPOCH):
            epoch_start = state.order.clone_state()
            batches = torch.randperm(len(INPUTS), generator=state.order).split(3)
        inputs = INPUTS[batches[step % STEPS_PER_EPOCH]]
        state.model(input_ids=inputs, labels=inputs).loss.backward()
        state.optimizer.step()
        state.schedule.step()
        state.optimizer.zero_grad()
    return replace(state, order=state.order if last % STEPS_PER_EPOCH == 0 else epoch_start)


def contents(state):
    """All that training changes, with types and bytes, for comparison."""
    return frozen(
        {
            "model": state.model.state_dict(),
            "optimizer": state.optimizer.state_dict(),
            "schedule": state.schedule.state_dict(),
            "random": {name: generator.get_state() for name, generator in state.generators().items()},
        }
    )


def frozen(value):
    if isinstance(value, torch.Tensor):
        return value.dtype, value.shape, bytes(value.detach().reshape(-1).view(torch.uint8).numpy())
    if isinstance(value, dict):
        return {key: frozen(inner) for key, inner in value.items()}
    return (list, [frozen(inner) for inner in value]) if isinstance(value, list) else (type(value), value)


@pytest.mark.parametrize("stop", [0, 4, 6], ids=["before the first step", "after an epoch", "within an epoch"])
@pytest.mark.parametrize(
    ("optimizer", "dtype"),
    [("adamw", torch.float32), ("adafactor", torch.float32), ("adafactor", torch.bfloat16)],
)
def test_a_resumed_run_gives_the_same_bytes_as_one_that_never_stopped(tmp_path, capsys, optimizer, dtype, stop):
    never_stopped = start(optimizer, dtype)
    train(never_stopped, 0, STEPS)
    expected = contents(never_stopped)

    stopped = train(start(optimizer, dtype), 0, stop)
    Checkpoint(tmp_path / "checkpoint", "this run").save(stopped, {"step": stop, "seconds": 0.1 + 0.2}, {})
    resumed = start(optimizer, dtype)
    torch.rand(7)
    progress, tables = Checkpoint(tmp_path / "checkpoint", "this run").restore(resumed)
    assert contents(resumed) == contents(stopped) | {"random": contents(resumed)["random"]}
    assert progress == {"step": stop, "seconds": 0.1 + 0.2}
    assert tables == {}
    train(resumed, progress["step"], STEPS)
    assert contents(resumed) == expected
    assert resumed.model.lm_head.weight is resumed.model.transformer.wte.weight
    assert capsys.readouterr().err == ""


def test_saving_does_not_change_the_run(tmp_path):
    state = train(start(), 0, 3)
    before = contents(state)
    Checkpoint(tmp_path, "this run").save(state, {}, {})
    assert contents(state) == before


def test_a_restored_state_does_not_depend_on_the_file(tmp_path):
    checkpoint = Checkpoint(tmp_path, "this run")
    checkpoint.save(train(start(), 0, 3), {}, {"metrics": epoch_metrics(1)})
    state = start()
    _, tables = checkpoint.restore(state)
    before = contents(state), tables["metrics"].to_pylist()
    with checkpoint.file.open("r+b") as file:
        file.write(bytes(checkpoint.file.stat().st_size))
    assert (contents(state), tables["metrics"].to_pylist()) == before


def epoch_metrics(epoch):
    subsets = pa.array(["d1consis", "d2consis", "d1consis"]).dictionary_encode()
    return pa.table({"epoch": pa.array([epoch] * 3, pa.int32()), "subset": subsets, "exact_match": [0.1 * epoch] * 3})


def test_metrics_of_a_resumed_run_give_the_same_file(tmp_path):
    tables = [epoch_metrics(epoch) for epoch in (1, 2, 3, 4)]
    checkpoint = Checkpoint(tmp_path / "checkpoint", "this run")
    checkpoint.save(start(), {}, {"metrics": pa.concat_tables(tables[:2])})
    _, restored = checkpoint.restore(start())
    first = restored["metrics"]
    assert first.schema == tables[0].schema
    write_table(pa.concat_tables([first, *tables[2:]]).combine_chunks(), tmp_path / "resumed")
    write_table(pa.concat_tables(tables).combine_chunks(), tmp_path / "never stopped")
    assert file_hash(tmp_path / "resumed") == file_hash(tmp_path / "never stopped")


def test_a_checkpoint_is_replaced_by_the_next(tmp_path):
    checkpoint = Checkpoint(tmp_path, "this run")
    for step in (1, 2):
        checkpoint.save(start(), {"step": step}, {})
    assert checkpoint.restore(start())[0] == {"step": 2}
    assert list(tmp_path.iterdir()) == [checkpoint.file]


# Refused checkpoints.


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory):
    """The bytes of a checkpoint of "this run"."""
    checkpoint = Checkpoint(tmp_path_factory.mktemp("whole"), "this run")
    checkpoint.save(train(start("adafactor"), 0, 3), {"step": 3}, {"metrics": epoch_metrics(1)})
    return checkpoint.file.read_bytes()


def assert_refused(checkpoint, capsys, reason, state):
    before = contents(state)
    assert checkpoint.restore(state) is None
    assert contents(state) == before
    message = capsys.readouterr().err
    assert message.startswith(f"{checkpoint.folder}: the checkpoint is not used, training starts afresh: ")
    assert reason in message
    assert message.count("\n") == 1


def assert_replaceable(checkpoint):
    checkpoint.save(start(), {"step": 7}, {})
    assert checkpoint.restore(start())[0] == {"step": 7}


def test_without_a_checkpoint_nothing_is_restored_and_nothing_said(tmp_path, capsys):
    state = start()
    before = contents(state)
    assert Checkpoint(tmp_path / "absent", "this run").restore(state) is None
    assert Checkpoint(tmp_path, "this run").restore(state) is None
    assert contents(state) == before
    assert capsys.readouterr().err == ""


def test_a_checkpoint_with_another_fingerprint_is_refused(tmp_path, capsys, whole_file):
    checkpoint = Checkpoint(tmp_path, "another run")
    checkpoint.file.write_bytes(whole_file)
    assert_refused(checkpoint, capsys, "made with other settings", start("adafactor"))
    assert_replaceable(checkpoint)


@pytest.mark.parametrize("length", [0, 1, 8, 9, 1000, 0.5, 0.95, -1])
def test_a_truncated_checkpoint_is_refused(tmp_path, capsys, whole_file, length):
    checkpoint = Checkpoint(tmp_path, "this run")
    checkpoint.file.write_bytes(whole_file[: length if isinstance(length, int) else int(len(whole_file) * length)])
    assert_refused(checkpoint, capsys, "Error while deserializing header", start("adafactor"))
    assert_replaceable(checkpoint)


@pytest.mark.parametrize("change", [lambda whole: b"not a checkpoint", lambda whole: whole + b"more"])
def test_another_file_in_the_checkpoints_place_is_refused(tmp_path, capsys, whole_file, change):
    checkpoint = Checkpoint(tmp_path, "this run")
    checkpoint.file.write_bytes(change(whole_file))
    assert_refused(checkpoint, capsys, "Error while deserializing header", start("adafactor"))
    assert_replaceable(checkpoint)


def test_a_changed_weight_is_noticed(tmp_path, capsys, whole_file):
    checkpoint = Checkpoint(tmp_path, "this run")
    middle = len(whole_file) // 2
    checkpoint.file.write_bytes(whole_file[:middle] + bytes([whole_file[middle] ^ 1]) + whole_file[middle + 1 :])
    assert_refused(checkpoint, capsys, "content has changed", start("adafactor"))
    assert_replaceable(checkpoint)


@settings(max_examples=50)
@given(share=st.floats(0, 1, exclude_max=True), in_header=st.booleans(), flip=st.integers(1, 255))
def test_a_changed_byte_never_changes_what_is_restored(tmp_path_factory, whole_file, share, in_header, flip):
    checkpoint = Checkpoint(tmp_path_factory.mktemp("changed"), "this run")
    header_end = 8 + int.from_bytes(whole_file[:8], "little")
    place = int(share * (header_end if in_header else len(whole_file)))
    checkpoint.file.write_bytes(whole_file[:place] + bytes([whole_file[place] ^ flip]) + whole_file[place + 1 :])
    state = start("adafactor")
    before = contents(state)
    if checkpoint.restore(state) is None:
        assert contents(state) == before
    else:  # a blank between the header's parts
        assert contents(state) == contents(train(start("adafactor"), 0, 3)) | {"random": contents(state)["random"]}


def test_a_checkpoint_of_another_model_is_refused(tmp_path, capsys, whole_file):
    checkpoint = Checkpoint(tmp_path, "this run")
    checkpoint.file.write_bytes(whole_file)
    assert_refused(checkpoint, capsys, "holds another model", start("adafactor", width=16))


def test_a_checkpoint_from_another_kind_of_device_is_refused(tmp_path, capsys, monkeypatch):
    checkpoint = Checkpoint(tmp_path, "this run")
    with monkeypatch.context() as on_gpu:
        generators = {**start().generators(), "random/cuda": torch.Generator()}
        on_gpu.setattr(TrainingState, "generators", lambda state: generators)
        checkpoint.save(start(), {}, {})
    assert_refused(checkpoint, capsys, "another kind of device", start())


def test_a_file_in_the_folders_place_is_refused_and_cannot_be_replaced(tmp_path, capsys):
    (tmp_path / "checkpoint").write_text("a file")
    checkpoint = Checkpoint(tmp_path / "checkpoint", "this run")
    assert_refused(checkpoint, capsys, "Not a directory", start())
    with pytest.raises(CheckpointError, match=r"/checkpoint: the checkpoint cannot be written: .*File exists"):
        checkpoint.save(start(), {}, {})


# Failures while a checkpoint is written.


def full_disk(*arguments, **options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full_disk_in_safetensors(tensors, place, metadata):
    Path(place).write_bytes(b"half")
    raise SafetensorError("I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize(
    ("where", "name", "failure"),
    [
        (checkpoints, "save_file", full_disk_in_safetensors),
        (os, "fsync", full_disk),
        (os, "replace", full_disk),
        (Path, "mkdir", full_disk),
    ],
)
def test_a_full_disk_is_an_error_that_names_the_folder_and_keeps_the_earlier_one(
    tmp_path, monkeypatch, where, name, failure
):
    checkpoint = Checkpoint(tmp_path, "this run")
    checkpoint.save(start(), {"step": 1}, {})
    with monkeypatch.context() as full:
        full.setattr(where, name, failure)
        with pytest.raises(CheckpointError, match=rf"{tmp_path}: the checkpoint cannot be written: .*No space left"):
            checkpoint.save(start(), {"step": 2}, {})
    assert list(tmp_path.iterdir()) == [checkpoint.file]
    assert checkpoint.restore(start())[0] == {"step": 1}


@pytest.mark.parametrize(("where", "name"), [(checkpoints, "save_file"), (os, "fsync"), (os, "replace")])
def test_a_job_stopped_while_it_saves_keeps_the_earlier_checkpoint(tmp_path, monkeypatch, where, name):
    def stop(*arguments):
        raise KeyboardInterrupt

    checkpoint = Checkpoint(tmp_path, "this run")
    checkpoint.save(start(), {"step": 1}, {})
    with monkeypatch.context() as stopping:
        stopping.setattr(where, name, stop)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.save(start(), {"step": 2}, {})
    assert list(tmp_path.iterdir()) == [checkpoint.file]
    assert checkpoint.restore(start())[0] == {"step": 1}


def test_what_killed_jobs_left_is_not_read_and_is_discarded_with_the_rest(tmp_path, capsys, whole_file):
    checkpoint = Checkpoint(tmp_path / "checkpoint", "this run")
    checkpoint.save(start(), {"step": 1}, {})
    for name in (".tmpX1", ".host-12-checkpoint.safetensors"):
        (checkpoint.folder / name).write_bytes(whole_file[:2000])
    assert checkpoint.restore(start())[0] == {"step": 1}
    checkpoint.discard()
    assert list(tmp_path.iterdir()) == []
    checkpoint.discard()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("number", [os.getpid(), 1], ids=["of its number", "of another"])
def test_what_a_job_killed_while_it_discarded_left_is_discarded_by_the_next(tmp_path, capsys, monkeypatch, number):
    checkpoint = Checkpoint(tmp_path / "checkpoint", "this run")
    checkpoint.save(start(), {}, {})
    with monkeypatch.context() as killed:
        killed.setattr(os, "getpid", lambda: number)
        killed.setattr(shutil, "rmtree", lambda folder: None)
        checkpoint.discard()
    assert len(list(tmp_path.iterdir())) == 1
    checkpoint.save(start(), {}, {})
    checkpoint.discard()
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == ""


# Twins: two processes that do the same job.


def while_saving(monkeypatch, twin_does):
    """Let `twin_does` happen, in another process as it were, when a checkpoint is about to be renamed into place."""
    fsync, getpid = os.fsync, os.getpid

    def interrupted(descriptor):
        fsync(descriptor)
        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(os, "getpid", lambda: -1)
        twin_does()
        monkeypatch.setattr(os, "getpid", getpid)

    monkeypatch.setattr(os, "fsync", interrupted)


def test_a_twin_may_save_at_the_same_time(tmp_path, monkeypatch):
    mine, twins = (Checkpoint(tmp_path, "this run") for _ in range(2))
    while_saving(monkeypatch, lambda: twins.save(start(), {"step": 2}, {}))
    mine.save(start(), {"step": 1}, {})
    assert twins.restore(start())[0] == {"step": 1}
    assert list(tmp_path.iterdir()) == [mine.file]


def test_a_twin_may_finish_and_discard_at_the_same_time(tmp_path, monkeypatch):
    mine, twins = (Checkpoint(tmp_path / "checkpoint", "this run") for _ in range(2))
    while_saving(monkeypatch, twins.discard)
    mine.save(start(), {"step": 1}, {})
    assert list(tmp_path.iterdir()) == []
    mine.save(start(), {"step": 2}, {})
    assert mine.restore(start())[0] == {"step": 2}


def test_a_checkpoint_that_cannot_be_removed_is_a_message_only(tmp_path, capsys, monkeypatch):
    checkpoint = Checkpoint(tmp_path, "this run")
    checkpoint.save(start(), {}, {})
    monkeypatch.setattr(os, "replace", full_disk)
    checkpoint.discard()
    assert capsys.readouterr().err.startswith(f"{tmp_path}: the checkpoint cannot be removed: ")
