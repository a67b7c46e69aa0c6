"""Snakemake's own process: what it sees late, what it shares with another, and when it looks for jobs."""

import subprocess
import sys
import time

import pytest
from project import CONFIG, LAST_STAGE, copy_project, ready_to_train, snakemake

from metaocl.artifacts.tables import read_table

FACTS = "results/facts/people/facts.parquet"
METRICS = f"{LAST_STAGE}/metrics.parquet"

# Of a network file system with delayed visibility: files, and folders of weights, are there for jobs, and for Snakemake
# only some seconds later. What Snakemake writes itself (logs, benchmarks) it sees at once.
DELAYED = """
import os, stat, time
def late(look):
    def looking(path, *words, **options):
        found = look(path, *words, **options)
        name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
        result = "results/" in name and "/logs/" not in name and "/benchmarks/" not in name
        whole = stat.S_ISREG(found.st_mode) or os.path.basename(name) == "model"
        if result and whole and time.time() - found.st_ctime < SECONDS:
            raise FileNotFoundError(2, "not to be seen yet", name)
        return found
    return looking
os.stat, os.lstat = late(os.stat), late(os.lstat)
"""
SCHEDULER = "from snakemake.scheduling.job_scheduler import JobScheduler\n"
# The first Snakemake then holds its lock until it is told to go on.
WAITING = SCHEDULER + (
    "import pathlib, time\n"
    "whole = JobScheduler.schedule\n"
    "def schedule(self):\n"
    "    pathlib.Path('started').touch()\n"
    "    while not pathlib.Path('go').exists(): time.sleep(0.05)\n"
    "    return whole(self)\n"
    "JobScheduler.schedule = schedule\n"
)
NO_LOOKING_AGAIN = SCHEDULER + (
    "def refuse(self, delay): raise RuntimeError('looks again')\nJobScheduler._schedule_reevalutation = refuse\n"
)


def start(change, *arguments, cwd):
    """Start Snakemake on the tiny configuration, after some lines of Python in its process."""
    words = ["snakemake", "--configfile", CONFIG, "--cores", "2", *arguments]
    program = f"import sys\n{change}\nfrom snakemake.cli import main\nsys.argv = {words!r}\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def ended(process):
    """Its exit status and what it printed."""
    output, _ = process.communicate()
    return process.returncode, output


def stage_bytes(folder):
    stage = folder / LAST_STAGE
    files = {file.name: file.read_bytes() for file in [*(stage / "model").iterdir(), stage / "metrics.parquet"]}
    return files | {"history": read_table(stage / "history.parquet").drop_columns(["seconds"])}


@pytest.fixture(scope="module")
def alone(finished_run, tmp_path_factory):
    """What one Snakemake on an ordinary disk leaves of the cell."""
    project = ready_to_train(finished_run, tmp_path_factory.mktemp("alone") / "project", epochs=1)
    snakemake(METRICS, cwd=project)
    return stage_bytes(project)


def test_results_that_are_seen_late_are_waited_for_and_are_the_same(finished_run, alone, tmp_path):
    project = ready_to_train(finished_run, tmp_path / "project", epochs=1)
    status, output = ended(start(DELAYED.replace("SECONDS", "2"), METRICS, cwd=project))
    assert status == 0, output
    assert stage_bytes(project) == alone


def test_results_that_are_seen_too_late_are_an_error_that_says_what_helps(tmp_path):
    project = copy_project(tmp_path / "project")
    status, output = ended(start(DELAYED.replace("SECONDS", "60"), FACTS, "--latency-wait", "1", cwd=project))
    assert status == 1
    assert FACTS in output
    assert "latency-wait" in output


def test_a_second_snakemake_is_refused_and_the_first_goes_on(tmp_path):
    project = copy_project(tmp_path / "project")
    first = start(WAITING, FACTS, cwd=project)
    while not (project / "started").exists():
        assert first.poll() is None, ended(first)
        time.sleep(0.05)
    second = snakemake(FACTS, cwd=project, check=False)
    assert second.returncode == 1
    assert "cannot be locked" in second.stdout + second.stderr
    assert "--unlock" in second.stdout + second.stderr
    assert not (project / FACTS).exists()
    (project / "go").touch()
    status, output = ended(first)
    assert status == 0, output
    assert (project / FACTS).exists()


def test_two_snakemakes_in_two_folders_that_share_their_results_do_them_no_harm(finished_run, alone, tmp_path):
    shared, other = ready_to_train(finished_run, tmp_path / "shared", epochs=1), copy_project(tmp_path / "other")
    (other / CONFIG).write_text((shared / CONFIG).read_text())
    (other / "results").symlink_to(shared / "results")
    for process in [start("", METRICS, cwd=folder) for folder in (shared, other)]:
        ended(process)  # one may lack what the other makes again just then: that job fails, and the next run makes it
    snakemake(METRICS, cwd=shared)
    assert stage_bytes(shared) == alone


@pytest.mark.parametrize(("limit", "expected"), [((), 0), (("--max-jobs-per-timespan", "50/1s"), 1)])
def test_snakemake_looks_for_jobs_when_one_ends_and_else_only_for_a_limit_of_the_users(limit, expected, tmp_path):
    status, output = ended(start(NO_LOOKING_AGAIN, FACTS, *limit, cwd=copy_project(tmp_path / "project")))
    assert (status, "looks again" in output) == (expected, bool(expected)), output
