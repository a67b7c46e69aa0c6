"""Every study of the paper has a laptop-sized twin, which runs to its tables, figures and verdicts on the claims."""

import json
import shutil
import subprocess
from collections import Counter

import pandas as pd
import pytest
from PIL import Image
from project import ROOT, copy_project, snakemake, use_config

from metaocl.config.layers import read_config

PAPER, TWINS = (read_config(ROOT / f"config/{name}.yaml")["studies"] for name in ("paper", "twins"))
# Studies of the paper that differ from another one in their scale alone.
VARIANTS = {"main_trex": "main", "main_small": "main", "batch_size_large": "batch_size"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A copy of the project in which everything has run."""
    folder = copy_project(tmp_path_factory.mktemp("twins"))
    use_config(folder, ROOT / "config/twins.yaml")
    snakemake("everything", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def results(workspace):
    return workspace / "results"


def test_every_study_has_a_twin_that_varies_the_same():
    for name, study in PAPER.items():
        assert TWINS[VARIANTS.get(name, name)].get("axis") == study.get("axis")


@pytest.mark.parametrize("study", TWINS)
def test_a_twin_has_all_its_cells_and_figures(results, study):
    metrics = pd.read_parquet(results / f"tables/{study}/metrics.parquet")
    keys = {"dataset": "datasets", "define_type": "define_types", "model": "models", "plan": "plans", "seed": "seeds"}
    for column, key in keys.items():
        assert set(metrics[column]) == set(TWINS[study][key])
    effects = pd.read_parquet(results / f"tables/{study}/effects.parquet")
    assert "meta_ocl" in set(effects["contrast"])
    for figure in ["training_curves", *(["gaps"] if "axis" in TWINS[study] else [])]:
        for ending in ("pdf", "svg", "png"):
            assert (results / f"figures/{study}/{figure}.{ending}").stat().st_size > 1000


def test_plans_of_one_two_and_three_stages_have_their_stages_and_no_spread_of_a_single_seed(results):
    metrics = pd.read_parquet(results / "tables/stage_plans/metrics.parquet")
    assert metrics.groupby("plan")["stage"].max().to_dict() == {"one_stage": 1, "two_stages": 2, "three_stages": 3}
    cells = json.loads((results / "summaries/stage_plans.json").read_text())["cells"]
    assert {cell["plan"] for cell in cells} == {"one_stage", "two_stages", "three_stages"}
    assert all(cell["n_seeds"] == 1 and cell["ocl"]["sd"] is None for cell in cells)


def test_no_claim_is_reproduced_by_so_few_seeds(results):
    verdicts = pd.read_csv(results / "tables/claims.csv")
    assert verdicts["claim"].nunique() == 15
    assert set(verdicts["verdict"]) <= {"inconclusive", "not run", "contradicted"}
    assert {"not run", "inconclusive"} <= set(verdicts["verdict"])


def test_the_report_holds_every_figure_table_and_verdict_and_opens_in_a_browser(workspace):
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium on this machine (on Debian: apt install chromium)")
    snakemake("everything", "--report", "report.zip", cwd=workspace)
    shutil.unpack_archive(workspace / "report.zip", workspace)
    page = workspace / "report/report.html"
    files = Counter(path.name for path in (workspace / "report/data").rglob("*.*"))
    assert files["training_curves.png"] == files["effects.csv"] == len(TWINS)
    assert files["gaps.png"] == sum("axis" in study for study in TWINS.values())
    assert files["claims.csv"] == 1

    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=15000", "--window-size=1400,900"]
    dump = subprocess.run([browser, *options, "--dump-dom", page.as_uri()], capture_output=True, text=True, check=True)
    shown = dump.stdout.split("<body", 1)[1]
    assert [category for category in ("Figures", "Tables", "Claims", "Summaries") if category not in shown] == []
    screenshot = workspace / "report.png"
    subprocess.run([browser, *options, f"--screenshot={screenshot}", page.as_uri()], check=True)
    assert len(Image.open(screenshot).convert("L").getcolors()) > 20, "the page is blank"
