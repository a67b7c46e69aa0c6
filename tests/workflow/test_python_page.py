"""The page on results in Python: its code runs as it stands on a finished study, and the package can be installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from project import ROOT, copy_project

from metaocl.artifacts.publishing import ArtifactError
from metaocl.studies import read_study

PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8")


def test_the_code_of_the_page_runs(finished_run):
    code = "".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)).replace('"laptop"', '"tiny"')
    command = [sys.executable, "-W", "error::FutureWarning", "-c", code]
    run = subprocess.run(
        command, cwd=finished_run, env={"PYTHONPATH": str(finished_run / "scripts")}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "gpt2" in run.stdout
    assert "tve_uninformative" in run.stdout


def test_a_study_is_read_with_its_tables(finished_run):
    study = read_study(finished_run / "results", "tiny")
    assert set(study.metrics["subset"]) >= {"qd1consis", "d1consis"}
    assert len(study.gaps) > len(study.effects) > 0
    assert study.summary["study"] == "tiny"


def test_a_study_that_is_not_finished_is_told_in_one_line(finished_run):
    with pytest.raises(ArtifactError, match=r"has no finished study 'tyni'; there are tiny$"):
        read_study(finished_run / "results", "tyni")


@pytest.mark.slow
def test_the_package_can_be_installed_and_imported_from_anywhere(tmp_path):
    """Into an environment that sees the packages that are here, as another download would show nothing."""
    project = copy_project(tmp_path / "project")
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, project)
    venv.create(tmp_path / "env", symlinks=True)
    python = tmp_path / "env/bin/python"
    site = next((tmp_path / "env/lib").glob("python*/site-packages"))
    (site / "here.pth").write_text(next(path for path in sys.path if path.endswith("site-packages")) + "\n")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-build-isolation"]
    installed = subprocess.run([*pip, "--editable", project], capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr
    where = [python, "-c", "import metaocl.studies; print(metaocl.studies.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()
    assert Path(found) == project / "scripts/metaocl/studies.py"
