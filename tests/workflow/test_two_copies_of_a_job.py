"""Two copies of one training job, which clusters and killed runs now and then leave, don't disturb each other."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import yaml
from project import (
    LAST_STAGE,
    ROOT,
    STAGE1,
    TINY,
    planned_jobs,
    ready_to_train,
    running_in,
    snakemake,
    snakemake_command,
)
from warm_python import warm_python

from metaocl.artifacts.tables import read_table
from metaocl.config.parsing import canonical_json, parse_config

TIMED = {"run.json", "history.parquet"}
RESULTS = {"model", "metrics.parquet", "answers.parquet", "history.parquet", "run.json"}


@pytest.fixture(scope="module")
def inputs(finished_run, tmp_path_factory):
    """A folder with what stage 1 needs."""
    folder = tmp_path_factory.mktemp("copies")
    shutil.copytree(finished_run / "results/base_models/people/tiny/model", folder / "initial")
    shutil.copy(finished_run / "results/documents/people/tve/seed0/documents.parquet", folder)
    return folder


@pytest.fixture(scope="module")
def alone(inputs):
    """The results of the job without a copy."""
    assert finished(start(inputs, "alone"))
    return inputs / "alone"


def start(inputs, out):
    """Start a copy of the job, with a checkpoint after every step."""
    stage = parse_config(yaml.safe_load(TINY.read_text()), str(TINY)).plans["two_stages"].stages[0]
    options = {
        "initial-model": "initial",
        "documents": "documents.parquet",
        "stage": canonical_json(stage.model_copy(update={"epochs": 10})),
        "stage-number": "1",
        "seeds": "0",
        "threads": "1",
        "checkpoint": f"{out}/checkpoint",
        "checkpoint-minutes": "0",
        "model": f"{out}/model",
        **{name: f"{out}/{name}.parquet" for name in ("metrics", "answers", "history")},
        "run": f"{out}/run.json",
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    command = [*warm_python()[0], str(ROOT / "scripts/train_stage.py"), *words]
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(command, cwd=inputs, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finished(job):
    """Wait for a job, which must succeed."""
    _, messages = job.communicate()
    assert job.returncode == 0, messages.decode()
    return True


def contents(folder):
    """The bytes of all files in a folder, but of those that say how long it took; and its history without seconds."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in TIMED]
    history = read_table(folder / "history.parquet").drop_columns(["seconds"])
    return {str(file.relative_to(folder)): file.read_bytes() for file in files} | {"history": history.to_pydict()}


def identities(folder):
    """What changes when something in a folder, but what says how long a run took, is written or replaced."""
    files = [file for file in folder.rglob("*") if file.name not in TIMED]
    return {file: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files}


@pytest.mark.parametrize("seconds", [0, 0.1, 0.5, 1, 3])
def test_copies_end_with_one_whole_result_and_leave_nothing_else(inputs, alone, capsys, seconds):
    out = inputs / f"{seconds} s apart"
    first = start(inputs, out.name)
    time.sleep(seconds)
    second = start(inputs, out.name)
    assert finished(first)
    assert finished(second)
    assert {path.name for path in out.iterdir()} == RESULTS
    assert contents(out) == contents(alone)
    assert json.loads((out / "run.json").read_text())["measured"]["epochs"] == 10
    with capsys.disabled():
        print(f"\ntwo copies of a job, {seconds} s apart: identical")


def test_a_copy_that_finds_everything_published_leaves_it_as_it_is(inputs, alone):
    (alone / "model/.snakemake_timestamp").touch()
    before = identities(alone)
    assert finished(start(inputs, alone.name))
    assert identities(alone) == before
    assert {path.name for path in alone.iterdir()} == RESULTS
    (alone / "model/.snakemake_timestamp").unlink()


RUN = (f"{LAST_STAGE}/metrics.parquet", "--set-resources", "train_stage:checkpoint_minutes=0")
EPOCHS = 20


@pytest.fixture(scope="module")
def undisturbed(finished_run, tmp_path_factory):
    """A run of one cell whose jobs have no copies."""
    folder = ready_to_train(finished_run, tmp_path_factory.mktemp("undisturbed") / "run", EPOCHS)
    snakemake(*RUN, cwd=folder)
    return folder


def wait_for_training(folder, run, but=()):
    """The number of a training process in `folder` that is not one of `but`."""
    while True:
        for number, words in running_in(folder).items():
            if "scripts/train_stage.py" in words and number not in but:
                return number
        assert run.poll() is None, (folder / "output.txt").read_text()
        time.sleep(0.02)


def start_snakemake(folder):
    with (folder / "output.txt").open("w") as output:
        return subprocess.Popen(snakemake_command(*RUN), cwd=folder, stdout=output, stderr=output)


@pytest.mark.parametrize("goes_on", ["beside its successor", "when all is done"])
def test_a_job_that_outlives_its_snakemake_does_no_harm(finished_run, undisturbed, tmp_path, capsys, goes_on):
    folder = ready_to_train(finished_run, tmp_path / "run", EPOCHS)
    run = start_snakemake(folder)
    orphan = wait_for_training(folder, run)
    while not list((folder / "results/checkpoints").rglob("checkpoint.safetensors")):
        time.sleep(0.02)
    os.kill(orphan, signal.SIGSTOP)
    run.kill()
    run.wait()
    # As `make` does.
    subprocess.run([sys.executable, "scripts/tools/clear_stale_lock.py"], cwd=folder, check=True)
    run = start_snakemake(folder)
    if goes_on == "beside its successor":
        wait_for_training(folder, run, but=[orphan])
        os.kill(orphan, signal.SIGCONT)
    assert run.wait() == 0, (folder / "output.txt").read_text()
    if goes_on == "when all is done":
        os.kill(orphan, signal.SIGCONT)
    while running_in(folder):
        time.sleep(0.02)

    assert planned_jobs(RUN[0], cwd=folder) == {}
    assert {path.name for path in (folder / STAGE1).iterdir()} == RESULTS
    assert not [file for file in (folder / "results/checkpoints").rglob("*") if file.is_file()]
    for stage in (STAGE1, LAST_STAGE):
        assert contents(folder / stage) == contents(undisturbed / stage)
    with capsys.disabled():
        print(f"\nSIGKILL of Snakemake alone, whose job goes on {goes_on}: identical")
