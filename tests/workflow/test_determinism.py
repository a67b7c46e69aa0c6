"""Two fresh runs of one cell give the same bytes: under different hash seeds, and one of them in unusual surroundings.

That one has no network, and runs in a folder whose name a shell would read specially.
"""

import os
import subprocess
import sys

import pytest
from project import LAST_STAGE, STAGE1, assert_nothing_ran, change_config, copy_project, one_cell, snakemake_command

PATTERNS = [
    "facts/**/facts.parquet",
    "documents/**/documents.parquet",
    "documents/**/aliases.parquet",
    "base_models/**/model.safetensors",
    "stages/**/model.safetensors",
    "stages/**/metrics.parquet",
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
def two_runs(surroundings, tmp_path_factory):
    """The results of two runs, made side by side, the second one in unusual surroundings."""
    environments = {
        copy_project(tmp_path_factory.mktemp("usual")): {"PYTHONHASHSEED": "1"},
        copy_project(surroundings / STRANGE_NAME): {"PYTHONHASHSEED": "2"} | no_network(surroundings),
    }
    runs = []
    for folder, environment in environments.items():
        change_config(folder, one_cell)
        command = snakemake_command()
        with (folder / "output.txt").open("w") as output:
            runs.append(
                subprocess.Popen(command, cwd=folder, env=os.environ | environment, stdout=output, stderr=output)
            )
    for run, folder in zip(runs, environments, strict=True):
        assert run.wait() == 0, (folder / "output.txt").read_text()
    return [folder / "results" for folder in environments]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_two_runs_give_the_same_bytes(two_runs, pattern):
    first, second = ({str(p.relative_to(run)): p.read_bytes() for p in run.glob(pattern)} for run in two_runs)
    assert first
    assert first.keys() == second.keys()
    assert [path for path in first if first[path] != second[path]] == []


def test_an_attempt_to_use_the_network_is_noticed(tmp_path):
    command = [sys.executable, "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9')"]
    assert subprocess.run(command, env=os.environ | no_network(tmp_path), capture_output=True).returncode != 0
    assert "127.0.0.1" in (tmp_path / "attempts").read_text()


def test_a_study_needs_no_network_and_runs_in_a_folder_of_any_name(two_runs, surroundings, finished_run):
    assert not (surroundings / "attempts").exists(), (surroundings / "attempts").read_text()
    assert_nothing_ran(surroundings)
    for stage in (STAGE1, LAST_STAGE):
        for name in ("metrics.parquet", "model/model.safetensors"):
            made = surroundings / STRANGE_NAME / stage / name
            assert made.read_bytes() == (finished_run / stage / name).read_bytes()
