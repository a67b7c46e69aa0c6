"""Jobs need no network, and a folder may have any name."""

import os
import subprocess
import sys

import pytest
from project import LAST_STAGE, STAGE1, assert_nothing_ran, change_config, copy_project, one_cell, snakemake

TRAP = """
import os, socket, sys

def refuse(*arguments, **options):
    with open(os.environ["ATTEMPTS"], "a") as attempts:
        print(sys.argv, arguments, file=attempts)
    raise OSError("this machine has no network")

socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
socket.getaddrinfo = socket.gethostbyname = refuse
"""


@pytest.fixture
def no_network(tmp_path):
    """The environment of a machine without network, on which attempts to use one are written to the file ATTEMPTS."""
    (tmp_path / "trap").mkdir()
    (tmp_path / "trap/sitecustomize.py").write_text(TRAP)
    return {"PYTHONPATH": str(tmp_path / "trap"), "ATTEMPTS": str(tmp_path / "attempts")}


def test_an_attempt_to_use_the_network_is_noticed(no_network, tmp_path):
    code = "import urllib.request as r; r.urlopen('http://127.0.0.1:9')"
    assert (
        subprocess.run([sys.executable, "-c", code], env=os.environ | no_network, capture_output=True).returncode != 0
    )
    assert "127.0.0.1" in (tmp_path / "attempts").read_text()


def test_a_study_needs_no_network_and_runs_in_a_folder_of_any_name(workspace, finished_run, no_network, tmp_path):
    folder = tmp_path / """it's a "study" $(touch hacked) `touch hacked`; touch hacked & * \\ ü"""
    folder.mkdir()
    copy_project(folder)
    change_config(folder, one_cell)
    snakemake(cwd=folder, **no_network)
    assert not (tmp_path / "attempts").exists(), (tmp_path / "attempts").read_text()
    for stage in (STAGE1, LAST_STAGE):
        for name in ("metrics.parquet", "model/model.safetensors"):
            assert (folder / stage / name).read_bytes() == (workspace / stage / name).read_bytes()
    assert_nothing_ran(tmp_path)
