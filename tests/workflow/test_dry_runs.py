"""Every configuration that comes with the project can be planned, from a checkout that has no data and no results."""

import pytest
from project import ROOT, copy_project, planned_jobs, use_config

from metaocl.config.layers import read_config

# The paper's whole grid takes ten seconds to plan, and is in test_paper_grid.
CONFIGS = [
    path for path in sorted((ROOT / "config").rglob("*.yaml")) if path.stem not in ("claims", "hypotheses", "paper")
]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_configuration_of_the_project_is_planned(tmp_path, path):
    folder = copy_project(tmp_path)
    use_config(folder, path)
    config = read_config(path)
    jobs = planned_jobs("everything", cwd=folder)
    assert jobs["write_summary"] == len(config["studies"])
    assert jobs["train_last_stage"] >= jobs["write_summary"]
