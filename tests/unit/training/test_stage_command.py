"""What the scripts that train a stage do around training."""

from __future__ import annotations

from argparse import Namespace

import pytest

from metaocl.config.plans import Stage
from metaocl.errors import UserError
from metaocl.stage_command import _collect_snapshots, _save_activation_memory, _waiting_snapshots
from metaocl.training.checkpoints import Checkpoint


def test_a_run_takes_no_snapshot_that_one_with_other_settings_has_left(tmp_path):
    runs = [Checkpoint(tmp_path / "checkpoints/stage1", letter * 64) for letter in "ab"]
    for run in runs:
        (_waiting_snapshots(run) / "epoch1").mkdir(parents=True)
        (_waiting_snapshots(run) / "epoch1/weights").write_text(run.fingerprint)
    stage = Stage(documents=["questions"], epochs=2, snapshots=[1])
    _collect_snapshots(Namespace(stage=stage, snapshots=tmp_path / "snapshots"), runs[0], tmp_path / "place")
    assert (tmp_path / "place/epoch1/weights").read_text() == runs[0].fingerprint


def test_activations_of_a_model_that_cannot_compute_them_twice_are_refused_in_a_line(build, tokenizer):
    model = build("gpt2", len(tokenizer))
    _save_activation_memory(model)
    model.supports_gradient_checkpointing = False
    with pytest.raises(UserError, match=r"^gradient_checkpointing is true: "):
        _save_activation_memory(model)
