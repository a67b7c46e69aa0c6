"""The workflow runs from any folder: its own files are found, results and the user's files are where Snakemake runs."""

import re
import shutil
import subprocess
import sys

import pytest
from project import CONFIG, copy_project, planned_jobs, snakemake

TARGET = "results/facts/people/facts.parquet"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """The workflow, where nothing was run yet."""
    return copy_project(tmp_path_factory.mktemp("workspace"))


@pytest.fixture
def elsewhere(workspace, tmp_path):
    """A folder that holds nothing but a configuration."""
    folder = tmp_path / "some where"
    folder.mkdir()
    shutil.copy(workspace / CONFIG, folder)
    return folder


def test_a_snakefile_of_another_folder_is_run_here(workspace, elsewhere):
    project = shutil.copytree(workspace, elsewhere.parent / "it's another")
    snakefile = str(project / "workflow/Snakefile")
    snakemake(TARGET, "--snakefile", snakefile, cwd=elsewhere)
    assert (elsewhere / TARGET).is_file()
    assert planned_jobs(TARGET, "--snakefile", snakefile, cwd=elsewhere) == {}
    # Where the workflow lies is no part of the plan.
    project.rename(moved := elsewhere.parent / "moved")
    assert planned_jobs(TARGET, "--snakefile", str(moved / "workflow/Snakefile"), cwd=elsewhere) == {}


def test_results_go_to_the_directory_that_is_named(workspace, elsewhere):
    snakemake(TARGET, "--directory", str(elsewhere), cwd=workspace)
    assert (elsewhere / TARGET).is_file()
    plan = snakemake("everything", "--dry-run", "--directory", str(elsewhere), cwd=workspace)
    assert f"judge_claims.py --claims {workspace}/config/claims.yaml" in plan.stdout + plan.stderr


def test_commands_are_short_where_the_workflow_lies(workspace):
    plan = snakemake(TARGET, "--dry-run", "--forceall", cwd=workspace)
    commands = re.findall(r"^Shell command: (.*)$", plan.stdout + plan.stderr, re.MULTILINE)
    assert [command.split()[:2] for command in commands] == [["python", "scripts/extract_facts.py"]]


def test_the_default_configuration_is_that_of_the_workflow(workspace, elsewhere):
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--snakefile", str(workspace / "workflow/Snakefile")]
    run = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=True)
    assert "results/tables/laptop/metrics.csv" in run.stdout + run.stderr
