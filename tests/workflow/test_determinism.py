"""Two fresh runs of one cell, under different hash seeds, give the same bytes, whatever happens around them.

One has no network, and runs in a folder whose name a shell would read specially. The other is killed without warning in
the middle of training, finds half-written files, and goes on.
"""

import os
import signal
import subprocess
import sys
import time

import pytest
from project import (
    LAST_STAGE,
    STAGE1,
    assert_nothing_ran,
    change_config,
    copy_project,
    one_cell,
    planned_jobs,
    running_in,
    snakemake,
    snakemake_command,
)

PATTERNS = [
    "facts/**/facts.parquet",
    "documents/**/documents.parquet",
    "documents/**/aliases.parquet",
    "base_models/**/model.safetensors",
    "stages/**/model.safetensors",
    "stages/**/metrics.parquet",
    "stages/**/answers.parquet",
    "tables/**/*.parquet",
    "tables/**/*.csv",
    "figures/**/*.*",
    "summaries/*",
]
STRANGE_NAME = """it's a "study" $(touch hacked) `touch hacked`; touch hacked & * \\ ü"""
TRAP = """
import os, socket, sys

def refuse(*arguments, **options):
    with open(os.environ["ATTEMPTS"], "a") as attempts:
        print(sys.argv, arguments, file=attempts)
    raise OSError("this machine has no network")

socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
socket.getaddrinfo = socket.gethostbyname = refuse
"""


def no_network(folder):
    """The environment of a machine without network, on which attempts to use one are written to the file ATTEMPTS."""
    (folder / "trap").mkdir()
    (folder / "trap/sitecustomize.py").write_text(TRAP)
    return {"PYTHONPATH": str(folder / "trap"), "ATTEMPTS": str(folder / "attempts")}


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory):
    """A folder that holds the folder of the strange name, and in which attempts to use a network would be written."""
    return tmp_path_factory.mktemp("surroundings")


@pytest.fixture(scope="module")
def strange_run(surroundings):
    """A run in unusual surroundings."""
    folder = copy_project(surroundings / STRANGE_NAME)
    change_config(folder, one_cell)
    snakemake(cwd=folder, cold=True, PYTHONHASHSEED="2", **no_network(surroundings))
    return folder


def kill_during_the_run(folder):
    """Start a run, and kill it and all its jobs while the first stage is being trained."""
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    with (folder / "output.txt").open("w") as output:
        run = subprocess.Popen(
            snakemake_command(), cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    log = folder / "results/logs/train_stage/people/tve/tiny/two_stages/seed0/stage1.log"
    while not log.exists():
        assert run.poll() is None, (folder / "output.txt").read_text()
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    time.sleep(0.5)
    assert running_in(folder) == {}


@pytest.fixture(scope="module")
def killed_run(tmp_path_factory):
    """A run that was killed and went on."""
    folder = copy_project(tmp_path_factory.mktemp("killed") / "run")
    change_config(folder, one_cell)
    kill_during_the_run(folder)
    assert (folder / "results/base_models/people/tiny/run.json").is_file()
    assert not (folder / STAGE1 / "metrics.parquet").exists()
    snakemake("--unlock", cwd=folder)
    assert "train_base_model" not in planned_jobs(cwd=folder)
    # Half-written files of the killed jobs, as a power cut leaves them.
    for leftover in (f"{STAGE1}/.1-metrics.parquet", "results/documents/people/tve/seed0/.1-aliases.parquet"):
        (folder / leftover).parent.mkdir(parents=True, exist_ok=True)
        (folder / leftover).write_bytes(b"half a file")
    snakemake(cwd=folder, cold=True, PYTHONHASHSEED="1")
    return folder


@pytest.mark.parametrize("pattern", PATTERNS)
def test_two_runs_give_the_same_bytes(strange_run, killed_run, pattern):
    first, second = (
        {str(path.relative_to(run)): path.read_bytes() for path in (run / "results").glob(pattern)}
        for run in (strange_run, killed_run)
    )
    assert first
    assert first.keys() == second.keys()
    assert [path for path in first if first[path] != second[path]] == []


@pytest.mark.parametrize("stage", [STAGE1, LAST_STAGE])
@pytest.mark.parametrize("name", ["metrics.parquet", "model/model.safetensors"])
def test_a_cell_is_the_same_in_a_study_of_several(strange_run, killed_run, finished_run, stage, name):
    made = (finished_run / stage / name).read_bytes()
    assert [(run / stage / name).read_bytes() == made for run in (strange_run, killed_run)] == [True, True]


def test_a_killed_run_that_went_on_is_complete(killed_run):
    assert planned_jobs(cwd=killed_run) == {}
    assert (killed_run / "results/summaries/tiny.md").is_file()


def test_an_attempt_to_use_the_network_is_noticed(tmp_path):
    command = [sys.executable, "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9')"]
    assert subprocess.run(command, env=os.environ | no_network(tmp_path), capture_output=True).returncode != 0
    assert "127.0.0.1" in (tmp_path / "attempts").read_text()


def test_a_study_needs_no_network_and_runs_in_a_folder_of_any_name(strange_run, surroundings):
    assert (strange_run / "results/summaries/tiny.md").is_file()
    assert not (surroundings / "attempts").exists(), (surroundings / "attempts").read_text()
    assert_nothing_ran(surroundings)
