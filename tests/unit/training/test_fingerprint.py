"""A checkpoint's fingerprint changes with all that its run was made of, and with nothing else."""

from __future__ import annotations

import pytest

from metaocl.artifacts.checksums import write_checksums
from metaocl.training.checkpoints import fingerprint


def inputs(folder, weights="weights", name="model.safetensors"):
    (folder / "model" / "deep").mkdir(parents=True)
    (folder / "model" / name).write_text(weights)
    (folder / "model" / "deep" / "config.json").write_text("{}")
    (folder / "documents.parquet").write_text("documents")
    return folder / "model", folder / "documents.parquet"


def test_the_fingerprint_is_that_of_the_content_wherever_it_lies(tmp_path):
    first = fingerprint({"seed": 1, "betas": (0.9, 0.99)}, *inputs(tmp_path / "here"))
    second = fingerprint({"betas": (0.9, 0.99), "seed": 1}, *inputs(tmp_path / "there"))
    assert first == second
    assert len(first) == 64


def test_any_change_changes_the_fingerprint(tmp_path):
    model, documents = inputs(tmp_path / "same")
    prints = [
        fingerprint({"seed": 1}, model, documents),
        fingerprint({"seed": 2}, model, documents),
        fingerprint({"seed": 1}, model),
        fingerprint({"seed": 1}, documents, model),
        fingerprint({"seed": 1}, *inputs(tmp_path / "other bytes", weights="others")),
        fingerprint({"seed": 1}, *inputs(tmp_path / "other name", name="pytorch_model.safetensors")),
    ]
    assert len(set(prints)) == len(prints)


def test_a_saved_model_is_known_by_its_checksums_which_loading_compares(tmp_path):
    prints = []
    for name, weights in (("one", "weights"), ("same", "weights"), ("another", "others")):
        model, documents = inputs(tmp_path / name, weights)
        write_checksums(model)
        prints.append(fingerprint({}, model, documents))
    assert prints[0] == prints[1] != prints[2]


def test_an_absent_input_has_no_fingerprint(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        fingerprint({}, tmp_path / "absent")
