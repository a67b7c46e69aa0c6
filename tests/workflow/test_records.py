"""What a run writes down of itself: the weights that it started from, and the command that runs it again."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from project import STAGE1

from metaocl.artifacts.checksums import file_hash


def test_every_stage_names_the_weights_that_it_started_from(workspace, finished_run):
    records = sorted((workspace / "results/stages").rglob("run.json"))
    assert len(records) == 8
    for path in records:
        settings = json.loads(path.read_text())["settings"]
        start = path.parent / settings["initial_model"] / "model.safetensors"
        assert settings["initial_weights"] == {"model.safetensors": file_hash(start)}


def test_the_command_of_a_record_makes_the_model_again(finished):
    weights = finished / STAGE1 / "model/model.safetensors"
    made = weights.read_bytes()
    command = json.loads((finished / STAGE1 / "run.json").read_text())["argv"]
    assert command[:2] == ["python", "scripts/train_stage.py"]
    shutil.rmtree(weights.parent)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # as in jobs
    subprocess.run(command, cwd=finished, env=os.environ | {"PATH": path}, check=True)
    assert weights.read_bytes() == made
