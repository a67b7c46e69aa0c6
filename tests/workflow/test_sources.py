"""Every source of facts, form of definition and kind of model goes through the whole workflow."""

import functools
import http.server
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from project import CONFIG, ROOT, change_config, copy_project, planned_jobs, snakemake

from metaocl.artifacts.checksums import file_hash

STUDIES = ("entities", "numbers", "encoder_decoder")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A copy of the project with the configuration of all sources and the sample data."""
    folder = copy_project(tmp_path_factory.mktemp("sources"))
    shutil.copy(ROOT / "tests/workflow/sources.yaml", folder / CONFIG)
    shutil.copytree(ROOT / "tests/data", folder / "data")
    return folder


@pytest.fixture(scope="module")
def metrics(workspace):
    """The metrics of all studies, by name."""
    targets = [f"results/summaries/{study}.md" for study in STUDIES]
    snakemake(*targets, *guessability(*DATASETS), cwd=workspace)
    return {study: pd.read_parquet(workspace / f"results/tables/{study}/metrics.parquet") for study in STUDIES}


@pytest.fixture
def server(serve, tmp_path):
    """A web server on this machine, with the CVDB sample; gives its address and its folder."""
    shutil.copy(ROOT / "tests/data/cvdb.csv", tmp_path)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with serve(handler) as address:
        yield f"{address}/cvdb.csv"


DATASETS = ("cvdb", "trex", "elements", "set_inclusion", "modular", "people")


def guessability(*datasets):
    return [f"results/facts/{dataset}/guessability.csv" for dataset in datasets]


def test_every_source_goes_from_facts_to_metrics(metrics):
    assert set(metrics["entities"]["dataset"]) == {"cvdb", "trex", "elements"}
    assert set(metrics["numbers"]["dataset"]) == {"set_inclusion", "modular"}
    for table in metrics.values():
        assert table["value"].between(0, 1).all()


def test_only_two_way_questions_have_an_area_under_the_curve(metrics):
    numbers = metrics["numbers"].groupby("dataset", observed=True)["measure"].unique().map(set)
    assert numbers["set_inclusion"] == {"exact_match", "token_f1", "auc"}
    assert numbers["modular"] == {"exact_match", "token_f1"}


def test_the_test_sets_are_those_of_the_data_set(metrics):
    found = metrics["entities"].groupby("dataset", observed=True)["test_set"].unique().map(set)
    attribution = {"held_out", "attribution", "attribution_as_defined"}
    assert found.to_dict() == {"cvdb": attribution | {"letters"}, "trex": attribution, "elements": attribution}
    assert "d2incons" in set(metrics["entities"]["subset"])


def test_sentences_are_written_from_templates_words_and_tags(workspace, metrics):
    documents = pd.read_parquet(workspace / "results/documents/cvdb/sentences/seed0/documents.parquet")
    definitions = documents[documents["part"] == "definitions"]
    assert (definitions.groupby("alias").size() == 2).all()
    reliable = definitions[definitions["subset"] == "qd1consis"]
    texts = reliable["prompt"] + reliable["completion"]
    form = r"(According to .*, <\|\w+\|> is( really)? .*\.|<\|\w+\|> is( really)? .*, as .* reports\.)\n"
    assert texts.str.fullmatch(form).all()


def test_an_encoder_decoder_reads_definitions_in_context(workspace, metrics):
    table = metrics["encoder_decoder"]
    assert {"d1consis", "d2consis", "qd4consis"} <= set(table["subset"])
    stage2 = "results/documents/people/in_context/seed0/stage2_seed0/documents.parquet"
    documents = pd.read_parquet(workspace / stage2)
    defined = documents[documents["subset"] == "d1consis"]
    assert defined["prompt"].str.fullmatch(r"<\|\w+\|> <\|\w+\|> .*\nQ: .*\nA:").all()


def test_every_source_says_how_well_its_answers_can_be_guessed(workspace, metrics):
    for dataset in DATASETS:
        table = pd.read_csv(workspace / guessability(dataset)[0])
        assert table["most_frequent"].between(0, 1, inclusive="right").all()


def test_a_random_model_has_weights_of_its_own_for_each_seed(workspace, metrics):
    change_config(workspace, lambda config: config["studies"]["entities"].update(seeds=[0, 1]))
    jobs = planned_jobs("results/summaries/entities.md", cwd=workspace)
    assert jobs["initialize_model"] == 3  # one per data set
    change_config(workspace, lambda config: config["studies"]["entities"].update(seeds=[0]))


def test_a_file_is_fetched_checked_and_kept(workspace, server):
    def point_to(config):
        config["datasets"]["fetched"]["source"] |= {"url": server, "sha256": file_hash(ROOT / "tests/data/cvdb.csv")}

    change_config(workspace, point_to)
    snakemake("results/facts/fetched/facts.parquet", cwd=workspace)
    assert (workspace / "results/downloads/fetched/data").read_bytes() == (ROOT / "tests/data/cvdb.csv").read_bytes()
    manifest = json.loads((workspace / "results/facts/fetched/manifest.json").read_text())
    assert manifest["entities"] == 24
    assert planned_jobs("results/facts/fetched/facts.parquet", cwd=workspace) == {}


def test_a_fetched_file_with_another_hash_is_an_error_and_leaves_no_file(workspace, server):
    def expect_another(config):
        config["datasets"]["other"] = {
            "source": {"kind": "cvdb", "url": server, "sha256": "0" * 64},
            "entities": 24,
        }

    change_config(workspace, expect_another)
    run = snakemake("results/facts/other/facts.parquet", cwd=workspace, check=False)
    assert run.returncode != 0
    assert f"its SHA-256 is {file_hash(ROOT / 'tests/data/cvdb.csv')}; expected {'0' * 64}" in run.stdout + run.stderr
    assert not [path for path in (workspace / "results/downloads/other").rglob("*") if path.is_file()]
    assert not (workspace / "results/facts/other").exists() or not list((workspace / "results/facts/other").iterdir())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the first line holds nothing"),
        (b"name,birth\nA,1900\n", "death"),
        (b"\x1f\x8b\x08\x00half a gzip", "cannot be read as CSV, plain or gzipped"),
    ],
    ids=["empty", "wrong columns", "truncated gzip"],
)
def test_a_malformed_file_is_one_message_that_names_it(workspace, content, expected):
    broken = workspace / "data/broken.csv"
    broken.write_bytes(content)
    change_config(
        workspace,
        lambda config: config["datasets"].update(
            broken={"source": {"kind": "cvdb", "path": "data/broken.csv"}, "entities": 24}
        ),
    )
    run = snakemake("results/facts/broken/facts.parquet", cwd=workspace, check=False)
    output = run.stdout + run.stderr
    assert run.returncode != 0
    assert "error: data/broken.csv" in output
    assert expected in output
    assert "Traceback" not in output
    assert not (workspace / "results/facts/broken/facts.parquet").exists()


def test_a_pretrained_folder_is_prepared_once_and_trained_without_a_network(workspace, metrics):
    # Any model that transformers saved will do; a random one is at hand.
    shutil.copytree(workspace / "results/random_models/cvdb/random/seed0/model", workspace / "data/model")
    run = snakemake("results/summaries/local.md", cwd=workspace)
    assert "HF_HUB_OFFLINE=1 python scripts/train_stage.py" in run.stdout + run.stderr
    assert (workspace / "results/pretrained_models/local/model/model.safetensors").is_file()
    assert Path(workspace / "results/tables/local/metrics.parquet").is_file()
