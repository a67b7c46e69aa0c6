"""Weights: kept at some epochs for measurements, removed when nothing needs them, opened again as training saw them."""

import shutil

import pytest
import torch
from project import CONFIG, STAGE1, change_config, one_cell, planned_jobs, ready_to_train, snakemake

from metaocl.artifacts.publishing import ArtifactError
from metaocl.artifacts.tables import read_table
from metaocl.runs import open_run

STAGES = "results/stages/people/tve/tiny/two_stages/seed0"


@pytest.fixture(scope="module")
def trained(finished_run, tmp_path_factory):
    """One cell, two epochs a stage, with a snapshot of the first epoch of stage 1."""
    folder = ready_to_train(finished_run, tmp_path_factory.mktemp("snapshots") / "project", epochs=2)
    change_config(folder, lambda config: config["plans"]["two_stages"]["stages"][0].update(snapshots=[1]))
    snakemake(f"{STAGES}/stage2_seed0/metrics.parquet", cwd=folder)
    return folder


def test_a_snapshot_is_a_declared_model_that_a_run_can_be_opened_with(trained):
    (snapshot,) = (trained / STAGE1 / "snapshots").glob("epoch*")
    assert snapshot.name == "epoch1"
    early, late = open_run(trained / STAGE1).load(epoch=1), open_run(trained / STAGE1).load()
    batch = early.examples.batch(range(len(early.examples)), epoch=1)
    with torch.no_grad():
        losses = [float(run.task.loss(run.model, batch)[0]) for run in (early, late)]
    assert losses[1] < losses[0], "an epoch more has taught something"
    with pytest.raises(ArtifactError, match=r"epoch2: is not there; snapshots are of epochs 1"):
        open_run(trained / STAGE1).load(epoch=2)


def test_stages_train_as_they_do_without_snapshots(trained, finished_run):
    for stage in ("stage1", "stage2_seed0"):
        for file in ("metrics.parquet", "model/model.safetensors"):
            assert (trained / STAGES / stage / file).read_bytes() == (finished_run / STAGES / stage / file).read_bytes()


def test_nothing_is_left_beside_the_checkpoints(trained):
    assert [path for path in (trained / "results/checkpoints").rglob("*") if path.is_file()] == []


def test_an_opened_run_answers_as_the_stage_did_at_its_end(finished_run):
    run = open_run(finished_run / STAGES / "stage2_seed0").load()
    exact_match = run.task.evaluator(run.tested).measure(run.model)["exact_match"]
    metrics = read_table(finished_run / STAGES / "stage2_seed0/metrics.parquet").to_pandas()
    end = metrics[metrics["epoch"] == metrics["epoch"].max()]
    assert exact_match.sum() == pytest.approx((end["exact_match"] * end["questions"]).sum())
    assert len(run.trained) == len(run.examples)


def test_results_can_be_moved_as_a_whole(finished_run, tmp_path):
    moved = shutil.copytree(finished_run / "results", tmp_path / "elsewhere")
    assert len(open_run(moved / STAGES.removeprefix("results/") / "stage1").load().documents) > 100


def test_a_folder_without_a_finished_stage_is_one_message(tmp_path):
    with pytest.raises(ArtifactError, match=rf"^{tmp_path}: holds no finished stage: has no run\.json"):
        open_run(tmp_path)


def test_weights_that_nothing_needs_any_more_are_removed(finished_run, tmp_path):
    folder = ready_to_train(finished_run, tmp_path / "project", epochs=1)
    change_config(folder, one_cell)
    change_config(folder, lambda config: config.update(keep="until_measured"))
    snakemake(cwd=folder)
    assert [path.name for path in (folder / STAGES).rglob("*.safetensors")] == []
    assert len(list((folder / STAGES).rglob("metrics.parquet"))) == 2
    assert list((folder / "results/base_models").rglob("*.safetensors")), "what all seeds share stays"
    assert planned_jobs(cwd=folder) == {}
    change_config(folder, lambda config: config["studies"]["tiny"].update(stage2_seeds=[0, 1]))
    assert planned_jobs(cwd=folder)["train_stage"] == 1, "its model has to be made again"


def test_two_configurations_never_meet(finished_run, tmp_path):
    """The same slugs mean another training here, and the finished results of the other configuration stay."""
    folder = shutil.copytree(finished_run, tmp_path / "project", symlinks=True)
    before = {path: path.read_bytes() for path in (folder / "results").rglob("*") if path.is_file()}

    def other(config):
        one_cell(config)
        config["pathvars"] = {"results": "results/other"}
        config["datasets"]["people"]["entities"] = 30

    shutil.copy(folder / CONFIG, folder / "kept.yaml")
    change_config(folder, other)
    snakemake("results/other/documents/people/tve/seed0/documents.parquet", cwd=folder)
    logs = {folder / f"results/other/{kind}/write_documents/people/tve/seed0" for kind in ("logs", "benchmarks")}
    assert all(list(path.parent.glob("seed0.*")) for path in logs)
    assert {path: path.read_bytes() for path in before} == before
    shutil.copy(folder / "kept.yaml", folder / CONFIG)
    assert planned_jobs(cwd=folder) == {}


def test_a_configuration_without_a_folder_of_its_own_is_refused(finished):
    change_config(finished, lambda config: config.pop("pathvars"))
    run = snakemake("--dry-run", cwd=finished, check=False)
    assert run.returncode != 0
    assert (
        "tiny.yaml: has no pathvars; name a folder for its results, for example `pathvars: {results: results/tiny}`"
        in (run.stdout + run.stderr)
    )
