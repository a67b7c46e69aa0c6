"""One complete run of the tiny study, shared by the tests of the workflow."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock
from project import copy_project, snakemake


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory) -> Path:
    """The one complete run of the tiny study, for tests to read only; output.txt is what it printed.

    Pytest's workers share it: the first to ask makes it, while the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # every worker has a folder of its own in that of the whole run
    folder = base / "finished_run"
    with FileLock(base / "finished_run.lock"):
        if not (folder / "output.txt").exists():
            shutil.rmtree(folder, ignore_errors=True)  # half a run, where it failed in another worker
            run = snakemake(cwd=copy_project(folder), cold=True)
            (folder / "output.txt").write_text(run.stdout)
    return folder


@pytest.fixture
def finished(finished_run, tmp_path) -> Path:
    """A copy of the finished run, for a test to change."""
    return shutil.copytree(finished_run, tmp_path / "finished", symlinks=True)
