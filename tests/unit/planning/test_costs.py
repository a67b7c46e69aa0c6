from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from metaocl.config.layers import read_config
from metaocl.config.parsing import parse_config
from metaocl.planning.costs import estimate_costs

ROOT = Path(__file__).parents[3]
PAPER = ROOT / "config/paper.yaml"


def costs(**changes):
    raw = read_config(PAPER) | changes
    return {cost.study: cost for cost in estimate_costs(parse_config(raw, "paper.yaml"))}


def test_the_main_experiment_keeps_a_stage_1_model_per_seed_and_one_per_stage_2_seed():
    # 2.8e9 parameters of 4 bytes, 20 seeds, each with 5 stage-2 seeds.
    main = costs(keep="all")["main"]
    assert main.jobs == 20 * (1 + 5)
    assert main.kept == pytest.approx(20 * (1 + 5) * 4 * 2.8e9)


def test_the_papers_grid_would_keep_31_terabytes_and_keeps_none_until_measured():
    assert sum(cost.kept for cost in costs(keep="all").values()) == pytest.approx(30.5e12, rel=0.01)
    assert sum(cost.kept for cost in costs(keep="until_measured").values()) == 0


def test_questions_that_are_asked_less_often_cost_less():
    raw = read_config(PAPER)
    for plan in raw["plans"].values():
        for stage in plan["stages"]:
            stage["evaluate"] = "last"
    once, always = costs(plans=raw["plans"])["main"].operations, costs()["main"].operations
    # 20 epochs, then 10 of fewer documents: most of what is computed are answers.
    assert once < always / 2


def test_snapshots_are_kept_as_well():
    raw = read_config(PAPER)
    for plan in raw["plans"].values():
        for stage in plan["stages"]:
            stage["snapshots"] = [1, 2]
    with_snapshots = costs(keep="all", plans=raw["plans"])
    assert with_snapshots["main"].kept == pytest.approx(3 * costs(keep="all")["main"].kept)
    assert with_snapshots["main"].operations == costs(keep="all")["main"].operations


def test_the_tool_says_that_it_counts_stages_and_what_it_does_not_count():
    command = [sys.executable, "scripts/tools/estimate_cost.py", "config/mechanisms.yaml"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in printed.splitlines()]
    assert rows[0][:2] == ["study", "stages"]
    assert rows[1][:2] == ["correlation", "180"]  # of its jobs, 180 more measure, and one trains a base model
    assert "Not counted: base models, measurements," in printed
