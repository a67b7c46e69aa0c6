"""One complete run of the tiny study, and one of a study with plans of one, two and three stages."""

import json
import re

import pandas as pd
import pytest
from datasets import load_dataset
from project import change_config, planned_jobs, snakemake

from metaocl.artifacts.checksums import file_hash

# The stages of the study of plans that the finished run has not; it has those of the plan of two.
TO_TRAIN = [
    "one_stage/seed0/stage2_seed0",
    *(f"three_stages/seed0/{stage}" for stage in ("stage1", "stage2", "stage2_seed0")),
]
CELL = ("dataset", "define_type", "model", "plan")
STATISTICS = {"mean", "sd", "ci_low", "ci_high", "p_value", "effect_size"}


@pytest.fixture(scope="module")
def results(finished_run):
    return finished_run / "results"


@pytest.fixture(scope="module")
def metrics(results):
    return pd.read_csv(results / "tables/tiny/metrics.csv")


@pytest.mark.parametrize(
    "target",
    [
        *(f"tables/tiny/{name}.{ending}" for name in ("metrics", "effects") for ending in ("csv", "parquet")),
        *(f"figures/tiny/training_curves.{ending}" for ending in ("pdf", "svg", "png")),
        *(f"summaries/tiny.{ending}" for ending in ("md", "json")),
    ],
)
def test_every_target_is_made_and_holds_something(results, target):
    assert (results / target).stat().st_size > 100


@pytest.mark.parametrize(("ending", "start"), [("pdf", b"%PDF"), ("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_each_figure_has_the_format_of_its_name(results, ending, start):
    assert (results / f"figures/tiny/training_curves.{ending}").read_bytes().startswith(start)


def test_the_summary_for_programs_has_every_cell_with_both_effects(results):
    cells = json.loads((results / "summaries/tiny.json").read_text())["cells"]
    assert [[cell[key] for key in CELL] for cell in cells] == [
        ["people", "tve", "tiny", "two_stages"],
        ["people", "tve_uninformative", "tiny", "two_stages"],
    ]
    for cell in cells:
        assert cell["n_seeds"] == 2
        for effect in (cell["ocl"], cell["meta_ocl"]):
            assert set(effect) >= STATISTICS
            assert -1 <= effect["mean"] <= 1
            # Two seeds have an interval, unless they agree.
            assert (effect["ci_low"] is None) == (effect["sd"] == 0)
            assert effect["ci_low"] is None or -1 <= effect["ci_low"] <= effect["mean"] <= effect["ci_high"] <= 1


def test_every_declared_cell_seed_stage_and_epoch_is_in_the_metrics(metrics):
    found = set(metrics[["define_type", "seed", "stage", "epoch"]].itertuples(index=False, name=None))
    assert found == {
        (define_type, seed, stage, epoch)
        for define_type in ("tve", "tve_uninformative")
        for seed in (0, 1)
        for stage in (1, 2)
        for epoch in (1, 2)
    }


def test_measures_are_shares_of_some_questions(metrics):
    assert set(metrics["measure"]) == {"exact_match", "token_f1"}
    assert metrics["value"].between(0, 1).all()
    assert (metrics["n"] > 0).all()


def test_every_run_json_says_what_made_the_model(results):
    runs = [json.loads(path.read_text()) for path in results.rglob("run.json")]
    assert len(runs) >= 9
    for run in runs:
        assert run["settings"]
        assert {"torch", "transformers"} <= set(run["packages"])
        assert "commit" in run["code"]
        assert run["measured"]["device"] == "cpu" or run["measured"]["device"].startswith("cuda")


def test_documents_load_as_a_data_set_and_agree_with_their_manifest(results, tmp_path):
    folder = results / "documents/people/tve/seed0"
    path, manifest = folder / "documents.parquet", json.loads((folder / "manifest.json").read_text())
    documents = load_dataset("parquet", data_files=str(path), cache_dir=str(tmp_path))["train"].to_pandas()
    counts = documents.groupby(["part", "subset"]).size()
    assert {part: rows.droplevel("part").to_dict() for part, rows in counts.groupby("part")} == manifest["documents"]
    hashes = {name: file_hash(folder / f"{name}.parquet") for name in ("documents", "aliases")}
    assert hashes == manifest["sha256"]


def test_weights_are_safetensors_only(results):
    models = [path for path in results.rglob("model") if path.is_dir() and "logs" not in path.parts]
    assert len(models) >= 9
    assert all((model / "model.safetensors").is_file() for model in models)
    assert not [path for path in results.rglob("*") if path.suffix in (".bin", ".pt", ".pth", ".pkl")]


def test_the_findings_are_printed_at_the_end(finished_run, results):
    findings = [line for line in (results / "summaries/tiny.md").read_text().splitlines() if line.startswith("- **")]
    assert len(findings) == 2
    assert "\n".join(["Study tiny:", *findings]) in (finished_run / "output.txt").read_text()


def test_a_base_model_below_its_threshold_is_an_error_and_leaves_no_model(finished):
    def ask_for_the_impossible(config):
        strict = json.loads(json.dumps(config["models"]["tiny"]))
        strict["base_training"]["minimum_exact_match"] = {"names": 1.0}
        config["models"]["strict"] = strict

    change_config(finished, ask_for_the_impossible)
    run = snakemake("results/base_models/people/strict/run.json", cwd=finished, check=False)
    assert run.returncode != 0
    assert "base_training.minimum_exact_match.names asks for 1" in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr
    assert not list((finished / "results/base_models/people/strict").rglob("*"))


def test_each_seed_may_have_a_base_model_of_its_own(finished):
    shared = file_hash(finished / "results/base_models/people/tiny/model/model.safetensors")
    change_config(finished, lambda config: config["models"]["tiny"]["base_training"].update(per_seed=True))
    jobs = planned_jobs(cwd=finished)
    assert {rule: count for rule, count in jobs.items() if rule.startswith("train_")} == {
        "train_base_model_of_seed": 2,
        "train_stage": 4,
        "train_last_stage": 4,
    }
    folders = [f"results/base_models/people/tiny/seed{seed}" for seed in (0, 1)]
    snakemake(*(f"{folder}/run.json" for folder in folders), cwd=finished)
    own = [file_hash(finished / folder / "model/model.safetensors") for folder in folders]
    assert [weights == shared for weights in own] == [True, False]
    assert [json.loads((finished / folder / "run.json").read_text())["measured"]["seed"] for folder in folders] == [
        0,
        1,
    ]


def test_plans_of_one_two_and_three_stages_share_what_is_finished(finished):
    plan = snakemake("--dry-run", "--printshellcmds", "results/summaries/plans.md", cwd=finished)
    commands = [line for line in (plan.stdout + plan.stderr).splitlines() if "--initial-model" in line]
    trained = [re.search(r"--metrics \S+/people/tve/tiny/(\S+)/metrics", command)[1] for command in commands]
    assert sorted(trained) == TO_TRAIN
