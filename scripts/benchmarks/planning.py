"""How long Snakemake plans a grid of thousands of jobs, and how much memory that takes."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from pathlib import Path

import yaml
from processes import run
from project import ROOT, copy_project

from metaocl.config.layers import read_config

FACTORS = (1.125, 4.5)  # of the paper's seeds: about 5,000 and 20,000 jobs


def measure_planning(folder: Path) -> list[dict[str, float]]:
    """Plan everything of the paper's studies, with more seeds, as a dry run; a row per size."""
    folder.mkdir()
    project = copy_project(folder)
    # A dry run only looks whether the public data are there.
    (project / "data/trex").mkdir(parents=True)
    (project / "data/cross-verified-database.csv.gz").touch()
    return [_plan(project, factor) for factor in FACTORS]


def _plan(project: Path, factor: float) -> dict[str, float]:
    config = read_config(ROOT / "config/paper.yaml")
    for study in config["studies"].values():
        study["seeds"] = list(range(round(factor * len(study["seeds"]))))
    (project / "grid.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "everything", "--configfile", "grid.yaml", "--dry-run"]
    usage = run([*command, "--quiet", "rules"], project, project / "plan.log")
    jobs = re.search(r"^total +(\d+)$", (project / "plan.log").read_text(), re.MULTILINE)
    assert jobs, "the plan has no table of jobs"
    return {"jobs": int(jobs[1]), **asdict(usage)}
