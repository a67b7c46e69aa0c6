"""A copy of the workflow to run in, and Snakemake as a user calls it: as a command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from warm_python import warm_python

from metaocl.config.layers import read_config

ROOT = Path(__file__).parents[2]
TINY = Path(__file__).parent / "tiny.yaml"
CONFIG = "tiny.yaml"  # in every copy
STAGE1 = "results/stages/people/tve/tiny/two_stages/seed0/stage1"  # of the cell that `one_cell` leaves
LAST_STAGE = "results/stages/people/tve/tiny/two_stages/seed0/stage2_seed0"


def copy_project(folder: Path) -> Path:
    """Copy what a run needs, but no results, into `folder`, with the tiny configuration."""
    for name in ("workflow", "scripts", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("environment.yml", "CITATION.cff", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copy(TINY, folder / CONFIG)
    return folder


def snakemake_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--configfile", CONFIG, "--cores", "2", *arguments]


def snakemake(
    *arguments: str, cwd: Path, check: bool = True, cold: bool = False, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake on the tiny configuration; with `check`, a failure fails the test and shows the output.

    cold: whether each job starts a Python of its own, as everywhere but in tests, which mostly begin with a warm one.
    """
    command = snakemake_command(*arguments)
    if not cold:
        python, variables = warm_python()
        command[:1], environment = python, variables | environment
    run = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True)
    assert not check or run.returncode == 0, run.stdout + run.stderr
    return run


def planned_jobs(*arguments: str, cwd: Path) -> dict[str, int]:
    """The number of jobs that Snakemake would run now, by rule, without the target rule; empty if there are none."""
    run = snakemake("--dry-run", *arguments, cwd=cwd)
    output = run.stdout + run.stderr
    if "Nothing to be done" in output:
        return {}
    table = output.split("Job stats:", 1)[1].split("\n\n", 1)[0]
    jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
    assert jobs.pop("total") == sum(jobs.values())
    jobs.pop("all", None)
    return jobs


def use_config(folder: Path, path: Path) -> None:
    """Give a copy another configuration, whose results go to results/ there."""
    config = read_config(path) | {"pathvars": {"results": "results"}}
    (folder / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False))


def change_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Let `change` edit the configuration of a copy."""
    path = folder / CONFIG
    config = yaml.safe_load(path.read_text())
    change(config)
    path.write_text(yaml.safe_dump(config, sort_keys=False))


def one_cell(config: dict[str, Any]) -> None:
    """Leave one define type and one seed of the tiny study."""
    config["studies"]["tiny"] |= {"define_types": ["tve"], "seeds": [0]}


def ready_to_train(workspace: Path, folder: Path, epochs: int) -> Path:
    """Copy a finished tiny run, but of its stages and what follows from them nothing: one cell is left to be trained.

    epochs: of either stage.
    """

    def change(config: dict[str, Any]) -> None:
        one_cell(config)
        for stage in config["plans"]["two_stages"]["stages"]:
            stage["epochs"] = epochs

    later = {"stages", "tables", "figures", "summaries"}

    def ignored(path: str, names: list[str]) -> set[str]:
        return later & set(names) if path == str(workspace / "results") else set()

    shutil.copytree(workspace, folder, symlinks=True, ignore=ignored)
    change_config(folder, change)
    return folder


def assert_nothing_ran(folder: Path) -> None:
    """No hostile text or file that means to write `hacked` has done so in `folder`."""
    assert list(folder.rglob("hacked*")) == []


def running_in(folder: Path) -> dict[int, list[str]]:
    """The processes that work in `folder`, by number, with the words of their commands."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is not ours
            if os.readlink(process / "cwd") == str(folder):
                found[int(process.name)] = (process / "cmdline").read_bytes().decode().split("\0")
    return found
