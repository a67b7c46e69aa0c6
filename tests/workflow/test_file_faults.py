"""A full disk, a place that cannot be written, a damaged input: every script says so in one line and leaves nothing."""

import json
import multiprocessing
import os
import resource
import runpy
import shlex
import shutil
import subprocess
import sys
from itertools import product
from multiprocessing.forkserver import ensure_running

import pandas as pd
import pyarrow as pa
import pytest
import yaml
from project import ROOT, STAGE1, TINY

from metaocl.artifacts.checksums import file_hash
from metaocl.artifacts.tables import write_rows, write_table
from metaocl.config.models import ConvNet
from metaocl.config.parsing import canonical_json, parse_config
from metaocl.documents.records import Document
from metaocl.mechanisms.measured import Measured
from metaocl.planning.single_study import single_study
from metaocl.vision.models import new_network, save_network

FACTS = "facts/people/facts.parquet"
BASE_MODEL = "base_models/people/tiny/model"
DOCUMENTS = "documents/people/tve/seed0/documents.parquet"
ALIASES = "documents/people/tve/seed0/aliases.parquet"
GRIDS, CONVNET = "documents/grids.parquet", "convnets/model"
STAGE2_ALIASES = "documents/people/tve/seed0/stage2_seed0/aliases.parquet"
STAGE1_METRICS, STAGE1_ANSWERS, STAGE1_HISTORY, METRICS, EFFECTS, GAPS = (
    *(f"{STAGE1.removeprefix('results/')}/{name}.parquet" for name in ("metrics", "answers", "history")),
    *(f"tables/tiny/{name}.parquet" for name in ("metrics", "effects", "gaps")),
)
CSV, TREX, CLAIMS, HYPOTHESES = "data/cvdb.csv", "data/trex", "config/claims.yaml", "config/hypotheses.yaml"
CITATION = "CITATION.cff"
RELATED, FINDINGS = "tables/tiny/related.parquet", "tables/hypotheses.csv"
LAST_STAGE = "stages/people/tve/tiny/two_stages/seed0/stage2_seed0"
ALIGNMENT, LOSSES = (f"{LAST_STAGE}/measurements/{name}.parquet" for name in ("alignment", "losses"))
SEEDS = "--dataset {dataset} --define-type {define_type} --seed 0"
STAGE_FILES = (
    "--stage-number 1 --seeds 0 --threads 1 --checkpoint checkpoint --checkpoint-minutes 10 --model out/model"
    " --metrics out/metrics.parquet --answers out/answers.parquet --history out/history.parquet --run out/run.json"
)
STUDY = "--study {study} --stages {stages} --branches {{}} --results ."
FIGURES = "--figures out/figure.pdf out/figure.svg out/figure.png"

# How each script that reads or writes artifacts is called; {name}: its settings.
COMMANDS = {
    "archive_study": f"{STUDY} --settings {{alone}} --models {{words}} --axis {{{{}}}}"
    f" --files {METRICS} {EFFECTS} {GAPS} --claims {CLAIMS} --about {CITATION} --archive out/study.zip",
    "collect_metrics": f"{STUDY} --parquet out/metrics.parquet --csv out/metrics.csv",
    "draw_examples": f"--documents {GRIDS} --settings {{convnet}} {FIGURES}",
    "estimate_effects": f"--metrics {METRICS} --parquet out/effects.parquet --csv out/effects.csv"
    " --gaps-parquet out/gaps.parquet --gaps-csv out/gaps.csv",
    "export_tracking": f"{STUDY} --metrics {METRICS} --tracking out/tracking",
    "extract_facts": f"--source {{cvdb}} --entities 24 --data {CSV}"
    " --facts out/facts.parquet --manifest out/facts.json",
    "fetch_data": f"--url file:{CSV} --sha256 {{hash}} --data out/data",
    "initialize_convnet": "--settings {convnet} --seed 0 --model out/model --run out/run.json",
    "initialize_model": f"--facts {FACTS} --settings {{random}} --seed 0 --model out/model --run out/run.json",
    "judge_claims": f"--claims {CLAIMS} --gaps main={GAPS} --axis {{{{}}}} --models {{words}}"
    " --table out/claims.csv --markdown out/claims.md",
    "judge_hypotheses": f"--hypotheses {HYPOTHESES} --gaps readings={GAPS} --axis {{{{}}}}"
    " --table out/hypotheses.csv --markdown out/hypotheses.md",
    "measure_guessability": f"--facts {FACTS} --table out/guessability.csv",
    "plot_gaps": f"--gaps {GAPS} --axis {{axis}} {FIGURES}",
    "plot_hypotheses": f"--findings {FINDINGS} {FIGURES}",
    "plot_relations": f"--gaps {RELATED} {FIGURES}",
    "plot_studies": f"--effects tiny={EFFECTS} {FIGURES}",
    "plot_training_curves": f"--metrics {METRICS} {FIGURES}",
    "prepare_model": "--pretrained {pretrained} --model out/model --run out/run.json",
    "relate_aliases": "--study {pairs} --stages {stages} --branches {{}} --results ."
    " --measurements alignment losses --table out/alias_relations.csv",
    "tabulate_trex": f"--data {TREX} --triples out/triples.parquet --manifest out/triples.json",
    "train_base_model": f"--facts {FACTS} --settings {{model}} --model out/model --run out/run.json",
    "train_stage": f"--initial-model {BASE_MODEL} --documents {DOCUMENTS} --stage {{stage}} {STAGE_FILES}",
    "train_stage_on_images": f"--initial-model {CONVNET} --documents {GRIDS} --stage {{of_grids}} {STAGE_FILES}",
    "write_counterfactuals": f"--stage1-aliases {ALIASES} --aliases {STAGE2_ALIASES} --define-type {{define_type}}"
    " --seed 0 --stage2-seed 0 --documents out/counterfactuals.parquet",
    "write_documents": f"--facts {FACTS} {SEEDS}"
    " --documents out/documents.parquet --aliases out/aliases.parquet --manifest out/documents.json",
    "write_new_definitions": f"--facts {FACTS} --stage1-aliases {ALIASES} {SEEDS} --stage2-seed 0"
    " --documents out/documents.parquet --aliases out/aliases.parquet --manifest out/documents.json",
    "write_page": f"{STUDY} --name tiny --settings {{alone}} --metrics {METRICS} --effects {EFFECTS} --gaps {GAPS}"
    f" --claims {CLAIMS} --axis {{{{}}}} --page out/tiny.html",
    "write_summary": f"--study tiny --metrics {METRICS} --effects {EFFECTS}"
    " --markdown out/tiny.md --json out/tiny.json",
}
# The scripts' inputs, each damaged by itself: cut short, or, as half a text may be a text, overwritten.
CUT_SHORT = {
    "archive_study": [METRICS, EFFECTS, GAPS],
    "collect_metrics": [STAGE1_METRICS, STAGE2_ALIASES],
    "draw_examples": [GRIDS],
    "estimate_effects": [METRICS],
    "export_tracking": [STAGE1_HISTORY, METRICS],
    "initialize_model": [FACTS],
    "judge_claims": [GAPS],
    "judge_hypotheses": [GAPS],
    "measure_guessability": [FACTS],
    "plot_gaps": [GAPS],
    "plot_relations": [RELATED],
    "plot_studies": [EFFECTS],
    "plot_training_curves": [METRICS],
    "prepare_model": [f"{BASE_MODEL}/model.safetensors"],
    "relate_aliases": [ALIGNMENT, LOSSES],
    "train_base_model": [FACTS],
    "train_stage": [f"{BASE_MODEL}/model.safetensors", DOCUMENTS],
    "train_stage_on_images": [f"{CONVNET}/model.safetensors", GRIDS],
    "write_counterfactuals": [ALIASES, STAGE2_ALIASES],
    "write_documents": [FACTS],
    "write_new_definitions": [FACTS, ALIASES],
    "write_page": [STAGE1_ANSWERS, STAGE1_HISTORY, ALIASES, STAGE2_ALIASES, METRICS, EFFECTS, GAPS],
    "write_summary": [METRICS, EFFECTS],
}
OVERWRITTEN = {
    "archive_study": [f"{LAST_STAGE}/run.json", "facts/people/manifest.json", "summaries/tiny.json", CITATION],
    "extract_facts": [CSV],
    "fetch_data": [CSV],
    "judge_claims": [CLAIMS],
    "judge_hypotheses": [HYPOTHESES],
    "plot_hypotheses": [FINDINGS],
    "tabulate_trex": [f"{TREX}/documents-1.json"],
    "write_page": [f"{LAST_STAGE}/run.json", CLAIMS],
}
WITHOUT_INPUT = {"initialize_convnet"}
ONE_BYTE = {"train_stage": [f"{BASE_MODEL}/model.safetensors", DOCUMENTS]}
DAMAGES = {
    "cut short": (CUT_SHORT, lambda content: content[: len(content) // 2]),
    "overwritten": (OVERWRITTEN, lambda content: bytes(len(content))),
    "a byte changed": (ONE_BYTE, lambda content: content[:999] + bytes([content[999] ^ 1]) + content[1000:]),
}
DAMAGED = [
    (damage, script, file)
    for damage, (inputs, _) in DAMAGES.items()
    for script, files in inputs.items()
    for file in files
]


def run_script(script, arguments, folder):
    """Run a script in a folder, as a user would."""
    command = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *arguments]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def shelf(finished_run, tmp_path_factory):
    """All inputs of all scripts, whole."""
    folder = shutil.copytree(finished_run / "results", tmp_path_factory.mktemp("shelf") / "whole")
    shutil.copytree(ROOT / "tests/data", folder / "data")
    (folder / "config").mkdir()
    for file in (CLAIMS, HYPOTHESES):
        shutil.copy(ROOT / file, folder / file)
    shutil.copy(ROOT / CITATION, folder)
    # A study without measurements has no relations: two of its gaps stand for them.
    gaps = pd.read_parquet(folder / GAPS)
    gaps = gaps[gaps["measure"] == "exact_match"]
    names = {"ocl": "alignment", "meta_ocl": "meta_ocl_paired"}
    related = gaps[gaps["contrast"].isin(names)].replace({"contrast": names})
    write_table(pa.Table.from_pandas(related, preserve_index=False), folder / RELATED)
    (folder / FINDINGS).write_text(
        "hypothesis,prediction,outcome,fate,statement,quantity,must_be,threshold,estimate,ci_low,ci_high\n"
        "h,p,failed,ruled out here,It is so.,ocl,above,0.1,0.0,-0.1,0.05\n"
    )
    definition = Document("definitions", "qd1consis", "123456789", "", "<|abcdef|> 123456789", " abcdeabcd\n")
    write_rows([definition], Document, folder / GRIDS)
    (folder / CONVNET).parent.mkdir()
    save_network(new_network(ConvNet(), seed=0), folder / CONVNET)
    write_pair(folder)
    return folder


def write_pair(folder):
    """What was measured of two aliases, and of them in a twin with swapped tags."""
    for file, measure, tags in (
        (ALIGNMENT, "cosine", ("reliable", "unreliable")),
        (LOSSES, "question_loss", ("reliable",)),
        (LOSSES.replace("two_stages", "two_stages.swapped"), "question_loss", ("unreliable",)),
    ):
        found = [
            Measured(0, "d1consis", alias, tag, "all", measure, 6, value)
            for (alias, tag), value in zip(product("abc", tags), (0.3, 0.1, 0.2, 0.4, 0.6, 0.5), strict=False)
        ]
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        write_rows(found, Measured, folder / file)


@pytest.fixture(scope="module")
def arguments():
    """The arguments of each script."""
    config = parse_config(yaml.safe_load(TINY.read_text()), str(TINY))
    model = config.models["tiny"]
    cells = [f"people/{define_type}/tiny/two_stages" for define_type in config.define_types]
    axis = {"label": "define type", "log": False, "values": {cell: place for place, cell in enumerate(cells)}}
    settings = {
        "alone": json.dumps(single_study("tiny", config)),
        "study": canonical_json(config.studies["tiny"]),
        "pairs": canonical_json(
            config.studies["tiny"].model_copy(update={"define_types": ["tve"], "seeds": [0], "paired": True})
        ),
        "dataset": canonical_json(config.datasets["people"]),
        "define_type": canonical_json(config.define_types["tve"]),
        "model": canonical_json(model),
        "random": canonical_json(model.model_copy(update={"base_training": None})),
        "convnet": "{}",
        "words": json.dumps({"tiny": model.in_words()}),
        "stage": canonical_json(config.plans["two_stages"].stages[0]),
        "of_grids": json.dumps({"documents": ["definitions"], "epochs": 1, "optimizer": "adamw"}),
        "stages": json.dumps({"two_stages": 2}),
        "axis": json.dumps(axis),
        "cvdb": json.dumps({"kind": "cvdb", "path": CSV}),
        "pretrained": json.dumps({"folder": BASE_MODEL}),
        "hash": file_hash(ROOT / "tests" / CSV),
    }
    quoted = {name: shlex.quote(text) for name, text in settings.items()}
    return {script: shlex.split(words.format(**quoted)) for script, words in COMMANDS.items()}


@pytest.fixture(scope="module")
def started_python():
    """Starts processes that have already imported what the scripts import, which would take each of them seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(COMMANDS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT / "scripts"))
        ensure_running()
    return context


def run_main(script, arguments, folder, largest_file, messages):
    """In a new process: what `python script arguments` does, in a folder, with standard error going to a pipe."""
    os.dup2(messages.fileno(), sys.stderr.fileno())
    messages.close()
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")


@pytest.fixture
def outcome(shelf, arguments, started_python, tmp_path):
    """Gives how a script ends under a fault, and the folder in which it ran."""

    def run(fault, script, file):
        if script == "export_tracking":
            pytest.importorskip("tensorboard")
        folder = shutil.copytree(shelf, tmp_path / "run")
        if fault == "no folder":
            (folder / "out").write_text("a file is in the folder's place")
        if fault in DAMAGES:
            damaged = folder / file
            damaged.write_bytes(DAMAGES[fault][1](damaged.read_bytes()))
        largest_file = 200 if fault == "full disk" else resource.RLIM_INFINITY  # bytes
        path = str(ROOT / "scripts" / f"{script}.py")
        read_end, write_end = started_python.Pipe(duplex=False)
        process = started_python.Process(
            target=run_main, args=(path, arguments[script], folder, largest_file, write_end)
        )
        process.start()
        write_end.close()
        with os.fdopen(os.dup(read_end.fileno())) as messages:
            said = messages.read()
        process.join()
        return subprocess.CompletedProcess([script], process.exitcode, stderr=said), folder

    return run


def assert_one_message(run, *said):
    assert run.returncode == 1, run.stderr
    assert "Traceback" not in run.stderr
    (message,) = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert [words for words in said if words not in message] == [], message


def test_every_script_that_writes_results_is_tried():
    texts = {path.stem: path.read_text() for path in (ROOT / "scripts").glob("*.py")}
    scripts = {script for script, text in texts.items() if "published(" in text or "train_one_stage(" in text}
    assert scripts == COMMANDS.keys() == CUT_SHORT.keys() | OVERWRITTEN.keys() | WITHOUT_INPUT


@pytest.mark.parametrize("script", COMMANDS)
def test_a_full_disk_is_one_message_and_leaves_nothing(outcome, script):
    run, folder = outcome("full disk", script, "out/")
    assert_one_message(run, "error: out/", "cannot be written: ", "File too large")
    assert list((folder / "out").iterdir()) == []


@pytest.mark.parametrize("script", COMMANDS)
def test_a_place_that_cannot_be_written_is_one_message(outcome, script):
    run, folder = outcome("no folder", script, "out/")
    assert_one_message(run, "error: out/", "cannot be written: ")
    assert (folder / "out").read_text() == "a file is in the folder's place"


@pytest.mark.parametrize("case", DAMAGED, ids=" ".join)
def test_a_damaged_input_is_one_message_that_names_it_and_nothing_is_written(outcome, case):
    run, folder = outcome(*case)
    place, _, name = case[2].rpartition("/")
    # What transformers cannot load, it does not say; the folder is named.
    assert_one_message(run, place, *([] if case[1] == "prepare_model" else [name]))
    assert not (folder / "out").exists() or list((folder / "out").iterdir()) == []


def test_a_log_that_cannot_be_written_is_one_message(arguments, tmp_path):
    (tmp_path / "logs").write_text("a file")
    run = run_script("write_summary", [*arguments["write_summary"], "--log", "logs/a.log"], tmp_path)
    assert_one_message(run, "logs")


def test_a_checkpoint_that_cannot_be_written_is_one_message_and_no_result(shelf, arguments, tmp_path):
    folder = shutil.copytree(shelf, tmp_path / "run")
    (folder / "checkpoint").write_text("a file is in the folder's place")
    run = run_script("train_stage", [*arguments["train_stage"], "--checkpoint-minutes", "0"], folder)
    assert_one_message(run, "error: checkpoint: the checkpoint cannot be written: ")
    assert not (folder / "out").exists()


def test_a_damaged_checkpoint_does_not_change_the_result(shelf, arguments, tmp_path):
    folder = shutil.copytree(shelf, tmp_path / "run")
    (folder / "checkpoint").mkdir()
    shutil.copy(folder / BASE_MODEL / "model.safetensors", folder / "checkpoint/checkpoint.safetensors")
    run = run_script("train_stage", arguments["train_stage"], folder)
    assert run.returncode == 0, run.stderr
    assert "checkpoint: the checkpoint is not used, training starts afresh: " in run.stderr
    undisturbed = folder / STAGE1.removeprefix("results/")
    for name in ("metrics.parquet", "model/model.safetensors"):
        assert (folder / "out" / name).read_bytes() == (undisturbed / name).read_bytes()
    assert not (folder / "checkpoint").exists()
