"""The profile for a workstation with several GPUs: jobs that train run side by side, each on a GPU of its own."""

import json
import os
import re
import uuid
from itertools import pairwise

import pytest
from project import ROOT, TINY, change_config, copy_project, snakemake, use_config

from metaocl.training.device_locks import LOCKS

PROFILE = ("--profile", "workflow/profiles/local-gpu")

# Python runs this when it starts. It notes when a script chose its device, and when it ended, with the machine's clock.
WITNESS = """
import atexit, json, os, sys, time

def write(device, start):
    with open(f"{os.environ['NOTES']}/{os.getpid()}.json", "w") as file:
        json.dump({"script": sys.argv[0], "device": device, "start": start, "end": time.monotonic()}, file)

def watch(event, arguments):
    if event == "os.putenv" and arguments[0] == b"CUDA_VISIBLE_DEVICES":
        atexit.register(write, arguments[1].decode(), time.monotonic())

sys.addaudithook(watch)
"""


@pytest.fixture(scope="module")
def gpus():
    """The UUIDs of two made-up GPUs, which no other run of these tests locks at the same time."""
    gpus = [f"GPU-{uuid.uuid4()}" for _ in range(2)]
    yield gpus
    for gpu in gpus:
        (LOCKS / f"metaocl-{gpu}.lock").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def finished(gpus, tmp_path_factory):
    """The tiny study, with one define type, run through the profile up to its summary."""
    folder = copy_project(tmp_path_factory.mktemp("project"))
    change_config(folder, lambda config: config["studies"]["tiny"].update(define_types=["tve"]))
    programs = folder / "programs"
    (programs / "notes").mkdir(parents=True)
    (programs / "sitecustomize.py").write_text(WITNESS)
    listed = "\n".join(f"GPU {index}: NVIDIA H100 80GB HBM3 (UUID: {gpu})" for index, gpu in enumerate(gpus))
    (programs / "nvidia-smi").write_text(f"#!/bin/sh\necho '{listed}'\n")
    (programs / "nvidia-smi").chmod(0o755)
    environment = {
        "CUDA_VISIBLE_DEVICES": "0,1",
        "NOTES": str(programs / "notes"),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(programs),
    }
    snakemake(*PROFILE, "results/summaries/tiny.md", cwd=folder, cold=True, **environment)
    return folder


@pytest.fixture(scope="module")
def notes(finished):
    return [json.loads(path.read_text()) for path in (finished / "programs/notes").iterdir()]


def test_no_two_jobs_have_one_gpu_at_the_same_time(notes, gpus):
    assert len(notes) == 5  # a base model, and two stages of two seeds: one GPU has three at least
    for gpu in gpus:
        jobs = sorted((note["start"], note["end"]) for note in notes if note["device"] == gpu)
        assert all(end < next_start for (_, end), (next_start, _) in pairwise(jobs))


def test_jobs_on_different_gpus_run_side_by_side(notes, gpus):
    first, second = ([note for note in notes if note["device"] == gpu] for gpu in gpus)
    assert any(one["start"] < other["end"] and other["start"] < one["end"] for one in first for other in second)


def test_each_run_json_of_a_training_job_names_its_gpu_and_no_other_job_has_one(finished, notes, gpus):
    runs = [json.loads(path.read_text()) for path in (finished / "results").rglob("run.json")]
    reserved = [run["measured"]["reserved_device"] for run in runs]
    assert sorted(reserved) == sorted(note["device"] for note in notes)
    assert {note["script"] for note in notes} == {"scripts/train_base_model.py", "scripts/train_stage.py"}
    assert set(reserved) == set(gpus)


@pytest.mark.parametrize(
    ("profile", "config"), [(PROFILE, TINY), (("--workflow-profile", "local-gpu"), ROOT / "config/twins.yaml")]
)
def test_the_rules_that_use_models_ask_for_a_gpu_and_no_others_do(tmp_path, profile, config):
    folder = copy_project(tmp_path)
    use_config(folder, config)
    # A dry run shows the resources of those rules only that have no message.
    for rules in (folder / "workflow/rules").glob("*.smk"):
        rules.write_text(re.sub(r"\n    message:(\n        .*)+", "", rules.read_text()))
    plan = snakemake(*profile, "--dry-run", "everything", cwd=folder)
    jobs = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)", plan.stdout + plan.stderr, re.MULTILINE)
    assert len(jobs) > 20
    asking = {rule for rule, job in jobs if re.search(r"\bgpu=1\b", job)}
    # Of those that measure, all but the one that reads facts alone.
    models = ("train_", "measure_")
    assert asking == {rule for rule, _ in jobs if rule.startswith(models)} - {"measure_guessability"}
    assert {"train_stage", "train_last_stage"} <= asking
