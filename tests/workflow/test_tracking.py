"""What TensorBoard reads of a finished study is what its stages did and measured."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from project import change_config, planned_jobs, snakemake

from metaocl.artifacts.publishing import ArtifactError
from metaocl.config.studies import Study
from metaocl.design.cells import CELL, SEEDS
from metaocl.reports.tracking import write_tracking

RUN = [*CELL, *SEEDS, "stage"]
TRACKED = "results/tracking/tiny"
TAGS = ("measure", "test_set", "subset")


def scalars(folder: Path) -> dict[str, dict[str, list]]:
    """All (time, step, value) by run and tag, as TensorBoard itself reads them."""
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = {}
    for file in folder.rglob("*tfevents*"):
        accumulator = reading.EventAccumulator(str(file), size_guidance={"scalars": 0}).Reload()
        tags = accumulator.Tags()["scalars"]
        found[str(file.parent.relative_to(folder))] = {
            tag: [(moment.wall_time, moment.step, moment.value) for moment in accumulator.Scalars(tag)] for tag in tags
        }
    return found


def expected(results: Path) -> dict[str, dict[str, list]]:
    """The same from the study's table and each stage's steps."""
    found: dict[str, dict[str, list]] = {}
    metrics = pd.read_parquet(results / "tables/tiny/metrics.parquet")
    for (*cell, seed, stage2_seed, stage), rows in metrics.groupby(RUN, observed=True):
        last = "stage1" if stage == 1 else f"stage2_seed{stage2_seed}"
        history = pd.read_parquet(results / f"stages/{'/'.join(cell)}/seed{seed}/{last}/history.parquet")
        times = np.cumsum(history["seconds"].to_numpy(float))
        tags: dict[str, list] = {
            f"training/{column}": [
                (time, step, float(np.float32(value)))
                for time, step, value in zip(times, history["step"], history[column], strict=True)
            ]
            for column in history.columns.drop("step")
        }
        for row in rows.sort_values("epoch").to_dict("records"):
            moment = (times[history["epoch"] == row["epoch"]].max(), row["epoch"], float(np.float32(row["value"])))
            tags.setdefault("/".join(row[name] for name in TAGS), []).append(moment)
        found[f"{'/'.join(cell)}/seed{seed}/stage2_seed{stage2_seed}/stage{stage}"] = tags
    return found


def test_tensorboard_reads_every_step_and_every_metric(finished):
    pytest.importorskip("tensorboard")
    assert planned_jobs("tracking", cwd=finished) == {"export_tracking": 1, "tracking": 1}
    snakemake("tracking", cwd=finished)
    read, wanted = scalars(finished / TRACKED), expected(finished / "results")
    assert len(read) == 2 * 2 * 2  # define types, seeds, stages
    assert read.keys() == wanted.keys()
    for run in wanted:
        assert read[run] == wanted[run]
    assert {"training/loss", "training/learning_rate", "exact_match/held_out/d1consis"} <= read[min(read)].keys()
    again = finished / TRACKED
    before = {file: file.read_bytes() for file in again.rglob("*tfevents*")}
    snakemake("tracking", "--forcerun", "export_tracking", cwd=finished)
    assert {file: file.read_bytes() for file in again.rglob("*tfevents*")} == before


def test_stages_that_cells_share_are_read_where_they_lie(finished):
    """Stage 1 of a branch is that of its trunk; each stage-2 seed has subsets of its own in it."""
    pytest.importorskip("tensorboard")

    def branch(config):
        last = config["plans"]["two_stages"]["stages"][-1]
        config["plans"]["swapped"] = {"branch_of": "two_stages", "stages": [last | {"tags": "swapped"}]}
        config["studies"] = {
            "tiny": config["studies"]["tiny"]
            | {"define_types": ["tve"], "plans": ["swapped"], "seeds": [0], "stage2_seeds": [0, 1]}
        }

    change_config(finished, branch)
    snakemake("tracking", cwd=finished)
    read = scalars(finished / TRACKED)
    first, other = (read[f"people/tve/tiny/swapped/seed0/stage2_seed{seed}/stage1"] for seed in (0, 1))
    history = pd.read_parquet(finished / "results/stages/people/tve/tiny/two_stages/seed0/stage1/history.parquet")
    for tags in (first, other):
        assert [value for _, _, value in tags["training/loss"]] == history["loss"].tolist()
    assert first["exact_match/held_out/qd1consis"] == other["exact_match/held_out/qd1consis"]
    assert len(read) == 4


def test_a_study_without_metrics_of_a_stage_is_one_message(finished_run, tmp_path):
    pytest.importorskip("tensorboard")
    results = finished_run / "results"
    metrics = pd.read_parquet(results / "tables/tiny/metrics.parquet").query("stage == 1")
    study = Study(datasets=["people"], define_types=["tve"], models=["tiny"], plans=["two_stages"], seeds=[0])
    with pytest.raises(ArtifactError, match="no row of people/tve/tiny/two_stages/seed0/stage2_seed0/stage2; make"):
        write_tracking(study, {"two_stages": 2}, results, {}, metrics, tmp_path / "tracking")


def test_without_tensorboard_one_line_says_what_to_install(finished, tmp_path):
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard/__init__.py").write_text("raise ImportError('No module named tensorboard')\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    plan = snakemake("tracking", "--dry-run", "--printshellcmds", cwd=finished).stdout
    command = next(line for line in plan.splitlines() if "export_tracking.py" in line).removeprefix("Shell command: ")
    run = subprocess.run(
        ["bash", "-c", command.replace("python ", f"{sys.executable} ", 1).rpartition(" --log")[0]],
        cwd=finished,
        env=environment,
        capture_output=True,
        text=True,
    )
    (line,) = run.stderr.splitlines()
    assert line.startswith("error: TensorBoard is needed, and not installed")
    assert "pip install -r requirements-tensorboard.txt" in line
    assert run.returncode == 1
    assert not (finished / TRACKED).exists()
