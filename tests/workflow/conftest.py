"""One complete run of the tiny study, shared by the tests of the workflow."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from project import copy_project, snakemake


@pytest.fixture(scope="session")
def workspace(tmp_path_factory) -> Path:
    """A fresh copy of the project."""
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def finished_run(workspace) -> subprocess.CompletedProcess[str]:
    """The one complete run of the tiny study that the tests share; it fills `workspace`."""
    return snakemake(cwd=workspace)


@pytest.fixture
def finished(workspace, finished_run, tmp_path) -> Path:
    """A copy of the finished run, for a test to change."""
    return shutil.copytree(workspace, tmp_path / "finished", symlinks=True)
