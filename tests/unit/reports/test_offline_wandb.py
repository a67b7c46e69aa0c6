"""Offline runs of Weights & Biases hold what the event files of a study hold."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from metaocl.reports.tracking import EVENT_FILE, write_events

SCRIPT = Path(__file__).parents[3] / "scripts/tools/offline_wandb.py"
STEPS = [(0.5 * step, step, {"training/loss": 1 / step, "training/epoch": 1 + step // 3}) for step in (1, 2, 3)]
EPOCHS = [(1.5, 2, {"exact_match/held_out/d1consis": 0.25})]


def convert(folder):
    command = [sys.executable, str(SCRIPT), "results/tracking/mine", "out"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def rows(file):
    """What a run logged, from its file: records of protobuf in the form of LevelDB's logs."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place = file.read_bytes(), 7  # behind the mark of the form
    while place < len(content):
        length = int.from_bytes(content[place + 4 : place + 6], "little")
        record = Record.FromString(content[place + 7 : place + 7 + length])
        place += 7 + length
        if record.HasField("history"):
            items = record.history.item
            yield {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def test_every_run_has_the_values_of_its_stage_by_step_and_by_epoch(tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard, which is optional, is not installed")
    pytest.importorskip("wandb", reason="wandb, which is optional, is not installed: pip install wandb")
    for stage in ("stage1", "stage2"):
        place = tmp_path / "results/tracking/mine/people/tve/tiny/two_stages/seed0/stage2_seed0" / stage
        place.mkdir(parents=True)
        write_events(place / EVENT_FILE, [*STEPS, *EPOCHS])
    run = convert(tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "2 runs; to upload them: wandb sync out/wandb/offline-run-*\n"
    files = list(tmp_path.glob("out/wandb/offline-run-*/*.wandb"))
    assert len(files) == 2
    for file in files:
        assert b"people/tve/tiny/two_stages/seed0/stage2_seed0/stage" in file.read_bytes()
        *steps, epoch = ({key: value for key, value in row.items() if key[0] != "_"} for row in rows(file))
        expected = [{"step": step, "seconds": seconds, **values} for seconds, step, values in STEPS]
        assert [pytest.approx(row, rel=1e-6) for row in steps] == expected
        assert epoch == {"epoch": 2, "seconds": 1.5, "exact_match/held_out/d1consis": 0.25}


def test_a_folder_without_exported_runs_is_one_line(tmp_path):
    run = convert(tmp_path)
    assert run.returncode == 1
    assert run.stderr.startswith("error: results/tracking/mine: holds no events.out.tfevents; ")
    assert len(run.stderr.splitlines()) == 1
