"""What a run writes down of itself: the weights that it started from, and the command that runs it again."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project import STAGE1

from metaocl.artifacts.checksums import file_hash
from metaocl.artifacts.tables import read_table


def test_every_stage_names_the_weights_that_it_started_from(finished_run):
    records = sorted((finished_run / "results/stages").rglob("run.json"))
    assert len(records) == 8
    for path in records:
        settings = json.loads(path.read_text())["settings"]
        start = path.parent / settings["initial_model"] / "model.safetensors"
        assert settings["initial_weights"] == {"model.safetensors": file_hash(start)}


def test_what_the_model_said_is_what_was_measured_last(finished_run):
    folders = [record.parent for record in (finished_run / "results/stages").rglob("run.json")]
    for folder in folders:
        answers, metrics = (read_table(folder / f"{name}.parquet").to_pandas() for name in ("answers", "metrics"))
        last = metrics[metrics["epoch"] == metrics["epoch"].max()]
        keys = ["test_set", "subset", "alias"]
        said = answers.groupby(keys, observed=True)["exact_match"].agg(["mean", "size"])
        noted = last.set_index(keys).loc[said.index]
        assert said["mean"].to_list() == pytest.approx(noted["exact_match"].to_list())
        assert said["size"].to_list() == noted["questions"].to_list()
        assert (answers["prompt"].str.len() > 0).all()


def test_every_step_of_a_stage_is_in_its_history(finished_run):
    for record in (finished_run / "results/stages").rglob("run.json"):
        history = read_table(record.parent / "history.parquet").to_pandas()
        content = json.loads(record.read_text())
        stage, trained = content["settings"]["stage"], content["measured"]["documents_trained"]
        steps = -(-trained // stage["batch_size"])
        assert history["step"].to_list() == list(range(1, stage["epochs"] * steps + 1))
        assert history["epoch"].value_counts().to_dict() == dict.fromkeys(range(1, stage["epochs"] + 1), steps)
        assert history["learning_rate"].max() <= stage["learning_rate"]
        assert (history[["loss", "gradient_norm", "tokens", "seconds"]] > 0).all(axis=None)


def test_the_command_of_a_record_makes_the_model_again(finished):
    weights = finished / STAGE1 / "model/model.safetensors"
    made = weights.read_bytes()
    command = json.loads((finished / STAGE1 / "run.json").read_text())["argv"]
    assert command[:2] == ["python", "scripts/train_stage.py"]
    shutil.rmtree(weights.parent)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # as in jobs
    subprocess.run(command, cwd=finished, env=os.environ | {"PATH": path}, check=True)
    assert weights.read_bytes() == made
