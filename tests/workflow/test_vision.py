"""Images and text are trained on the same documents, each by its own code, and a rerun gives the same bytes."""

import json
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from PIL import Image
from project import CONFIG, ROOT, change_config, copy_project, planned_jobs, snakemake

STAGE = "results/stages/digits/tve/{model}/one_stage/seed0/stage2_seed0"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("vision"))
    shutil.copy(ROOT / "tests/workflow/vision.yaml", folder / CONFIG)
    snakemake(cwd=folder)
    return folder


def record(workspace, model):
    return json.loads((workspace / STAGE.format(model=model) / "run.json").read_text())


def test_both_modalities_read_the_same_documents_and_stand_in_the_same_table(workspace):
    documents = [record(workspace, model)["settings"]["documents"] for model in ("convnet", "text")]
    assert documents[0] == documents[1]
    metrics = pd.read_parquet(workspace / "results/tables/grids/metrics.parquet")
    questions = metrics[(metrics["test_set"] == "held_out") & (metrics["measure"] == "exact_match")]
    asked = questions.groupby("model", observed=True).apply(
        lambda rows: dict(zip(rows["subset"], rows["n"], strict=True))
    )
    assert asked["convnet"] == asked["text"]
    letters = metrics[metrics["test_set"] == "definition_letters"]
    assert set(letters["model"]) == {"convnet"}
    assert set(letters["subset"]) == {"qd1consis", "qd2incons", "d1consis", "d2consis", "d3consis"}
    assert "letters of the definitions" in (workspace / "results/summaries/grids.md").read_text()


def test_what_drawing_costs_is_told_of_stages_on_images_alone(workspace):
    script = [sys.executable, "scripts/benchmarks/drawing.py"]
    told, refused = (
        subprocess.run([*script, STAGE.format(model=model)], cwd=workspace, capture_output=True, text=True)
        for model in ("convnet", "text")
    )
    assert re.fullmatch(r"drawing 32 pictures takes .* ms: \d+% of both, on one thread\n", told.stdout), told.stderr
    assert refused.returncode != 0
    assert refused.stderr.strip().endswith("is a stage on text, which draws nothing")


def test_what_ran_is_not_run_again_and_a_further_seed_is_run_alone(workspace):
    assert planned_jobs(cwd=workspace) == {}
    change_config(workspace, lambda config: config["studies"]["grids"].update(seeds=[0, 1]))
    jobs = planned_jobs(cwd=workspace)
    change_config(workspace, lambda config: config["studies"]["grids"].update(seeds=[0]))
    assert (jobs["initialize_convnet"], jobs["train_last_stage_with_snapshots"], jobs["write_documents"]) == (1, 2, 1)
    assert "extract_facts" not in jobs


def test_a_key_of_the_network_reruns_what_descends_from_it(workspace):
    change_config(workspace, lambda config: config["models"]["convnet"]["convnet"].update(width=17))
    jobs = planned_jobs(cwd=workspace)
    change_config(workspace, lambda config: config["models"]["convnet"]["convnet"].update(width=16))
    assert (jobs["initialize_convnet"], jobs["train_last_stage_with_snapshots"]) == (1, 1)
    assert not {"extract_facts", "write_documents", "initialize_model"} & jobs.keys()


@pytest.mark.parametrize(
    ("file", "old", "new", "again"),
    [
        ("vision/loss.py", ".float()", ".double()", ["convnet"]),
        ("text/loss.py", ".float()", ".double()", ["text"]),
        ("stage_command.py", "mean_by_alias(run", "mean_by_alias(0 or run", ["convnet", "text"]),
    ],
)
def test_an_edit_of_the_code_of_one_modality_trains_the_other_not_again(workspace, file, old, new, again):
    path = workspace / "scripts/metaocl" / file
    code = path.read_text()
    path.write_text(code.replace(old, new))
    plan = snakemake("--dry-run", cwd=workspace)
    path.write_text(code)
    trained = re.findall(r"Train the last stage: digits, tve, (\w+)", plan.stdout + plan.stderr)
    assert sorted(set(trained)) == again


def test_a_rerun_gives_the_same_bytes(workspace):
    folder = workspace / STAGE.format(model="convnet")
    names = ("metrics.parquet", "answers.parquet", "model/model.safetensors", "snapshots/epoch1/model.safetensors")
    before = {name: (folder / name).read_bytes() for name in names}
    shutil.rmtree(folder)
    shutil.rmtree(workspace / "results/convnets")
    snakemake(str(folder.relative_to(workspace) / "metrics.parquet"), cwd=workspace)
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_text_needs_no_code_of_images(workspace):
    """The very command that trained the text, where nothing of the package can be imported."""
    weights = workspace / STAGE.format(model="text") / "model/model.safetensors"
    before = weights.read_bytes()
    weights.unlink()
    _, script, *arguments = record(workspace, "text")["argv"]
    blocked = (
        "import runpy, sys; sys.modules['metaocl.vision'] = None; sys.path.insert(0, 'scripts'); "
        f"sys.argv = {[script, *arguments]!r}; runpy.run_path({script!r}, run_name='__main__')"
    )
    run = subprocess.run([sys.executable, "-c", blocked], cwd=workspace, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert weights.read_bytes() == before


def test_documents_that_images_do_not_show_are_told_in_one_line(workspace):
    change_config(workspace, lambda config: config["define_types"].update(words={}))
    change_config(
        workspace, lambda config: config["studies"]["grids"].update(define_types=["words"], models=["convnet"])
    )
    run = snakemake(cwd=workspace, check=False)
    output = run.stdout + run.stderr
    assert run.returncode != 0
    told = "define type words needs alias_style: digits and alias_letters: 9"
    assert f"studies.grids: convnet reads images; {told}" in output
    assert "Traceback" not in output


def test_other_handwriting_in_a_folder_of_the_users_makes_the_network_again_but_no_documents(workspace):
    for digit in range(10):
        (workspace / f"data/{digit}").mkdir(parents=True)
        for number in range(2):
            Image.new("L", (6, 6), 20 * digit + number).save(workspace / f"data/{digit}/{number}.png")
    whole = (workspace / CONFIG).read_text()
    own = {"kind": "images", "folder": "data", "side": 6}
    change_config(workspace, lambda config: config["models"].update(own={"convnet": {"width": 8, "handwriting": own}}))
    change_config(workspace, lambda config: config["studies"]["grids"].update(define_types=["tve"], models=["own"]))
    metrics = STAGE.format(model="own") + "/metrics.parquet"
    snakemake(metrics, cwd=workspace)
    assert planned_jobs(metrics, cwd=workspace) == {}
    Image.new("L", (6, 6), 255).save(workspace / "data/7/1.png")
    assert planned_jobs(metrics, cwd=workspace) == {"initialize_convnet": 1, "train_last_stage_with_snapshots": 1}
    (workspace / CONFIG).write_text(whole)
