"""The page on results in Python: its code runs as it stands on a finished study, and the package can be installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pandas as pd
import pytest
from project import ROOT, STAGE1, copy_project

from metaocl.artifacts.publishing import ArtifactError
from metaocl.runs import open_run
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


LOOK_WITHOUT_TORCH = """
import sys
from metaocl.runs import open_run

stage = open_run(sys.argv[1])
print(stage.stage.epochs, stage.settings["seeds"], len(stage.metrics), len(stage.history), len(stage.answers))
assert not {"torch", "transformers"} & set(sys.modules)
run = stage.load()
assert run.tokenizer.decode(run.tokenizer(run.documents[0].prompt)["input_ids"])
assert "torch" in sys.modules
"""


def test_a_finished_stage_is_looked_at_without_torch_which_loads_its_model(finished_run):
    command = [sys.executable, "-c", LOOK_WITHOUT_TORCH, STAGE1]
    run = subprocess.run(
        command, cwd=finished_run, env={"PYTHONPATH": str(finished_run / "scripts")}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    tables = [pd.read_parquet(finished_run / STAGE1 / f"{name}.parquet") for name in ("metrics", "history", "answers")]
    assert run.stdout.split() == ["2", "[0]", *(str(len(table)) for table in tables)]


def test_a_stage_has_the_tables_and_the_record_that_lie_in_its_folder(finished_run):
    stage = open_run(finished_run / STAGE1)
    for name in ("metrics", "history", "answers"):
        pd.testing.assert_frame_equal(getattr(stage, name), pd.read_parquet(finished_run / STAGE1 / f"{name}.parquet"))
    assert stage.record.keys() >= {"argv", "settings", "measured", "packages", "machine", "code"}
    assert stage.stage.model_dump(mode="json") == stage.settings["stage"]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (None, "holds no finished stage: has no run.json; expected a folder of results/stages/"),
        ("{", "tells of no finished stage: JSONDecodeError"),
        ("[]", "tells of no finished stage: TypeError"),
        ('{"settings": {"model": 1}}', "tells of no finished stage: KeyError: 'documents'"),
        ('{"settings": {"documents": [], "stage": {"epochs": 1}}}', "tells of no finished stage: ValidationError"),
    ],
)
def test_a_folder_without_a_finished_stage_is_told_in_one_line(tmp_path, record, said):
    if record is not None:
        (tmp_path / "run.json").write_text(record)
    with pytest.raises(ArtifactError) as raised:
        open_run(tmp_path)
    assert str(raised.value).startswith(str(tmp_path))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_table_that_is_not_there_is_told_in_one_line(finished_run, tmp_path):
    shutil.copy(finished_run / STAGE1 / "run.json", tmp_path)
    stage = open_run(tmp_path)
    with pytest.raises(ArtifactError, match=r"answers\.parquet: missing; run snakemake to make it$"):
        _ = stage.answers


@pytest.mark.slow
def test_the_package_can_be_installed_and_imported_from_anywhere(tmp_path):
    """Into an environment that sees the packages that are here, as another download would show nothing."""
    project = copy_project(tmp_path / "project")
    for name in ("pyproject.toml", "requirements.txt", "requirements-tensorboard.txt"):
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
