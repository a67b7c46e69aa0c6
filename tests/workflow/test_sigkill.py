"""SIGKILL at twenty random moments of training: the same command goes on, and ends with the same bytes."""

import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from functools import cache
from itertools import product
from typing import NamedTuple

import pytest
from project import LAST_STAGE, STAGE1, ready_to_train, running_in, snakemake, snakemake_command
from safetensors import safe_open

STAGES = {"stage1": STAGE1, "stage2_seed0": LAST_STAGE}
VICTIMS = ("the training process", "everything")
SEEDS = range(5)  # each gives one moment of a stage for each victim: two before its first checkpoint, three behind one
CASES = list(product(STAGES, VICTIMS, SEEDS))
EPOCHS = 30  # of either stage: training is to take a fair share of a job's time, most of which goes into imports
FILES = ("metrics.parquet", "model/model.safetensors")


class Kill(NamedTuple):
    """What was killed, after how many seconds of training, and what it left."""

    process: int
    seconds: float
    checkpoint: dict | None


def command(stage):
    """Trains up to a stage, with a checkpoint after every step."""
    often = [f"{rule}:checkpoint_minutes=0" for rule in ("train_stage", "train_last_stage")]
    return (f"{STAGES[stage]}/metrics.parquet", "--set-resources", *often)


@pytest.fixture(scope="module")
def undisturbed(finished_run, tmp_path_factory):
    """A run that nobody kills, and for how many seconds the training process of each stage has no checkpoint yet."""
    folder = ready_to_train(finished_run, tmp_path_factory.mktemp("undisturbed") / "run", EPOCHS)
    run = start(folder, "stage2_seed0")
    seconds = Counter()
    while run.poll() is None:
        training, watched = watch(folder)
        if training:
            file = checkpoint(folder, training)
            seconds[file.parent.name] += 0 if file.exists() else watched
    assert run.returncode == 0, (folder / "output.txt").read_text()
    return folder, seconds


@pytest.fixture(scope="module")
def outcome(undisturbed, tmp_path_factory):
    """Gives what happened to the run of a case."""
    base = tmp_path_factory.mktemp("killed")
    return cache(lambda *case: kill_and_go_on(*case, undisturbed, base / "-".join(map(str, case)).replace(" ", "-")))


def start(folder, stage):
    with (folder / "output.txt").open("w") as output:
        return subprocess.Popen(
            snakemake_command(*command(stage)), cwd=folder, stdout=output, stderr=output, start_new_session=True
        )


def checkpoint(folder, training):
    """The file where a training process keeps its checkpoint; its folder has the name of the stage."""
    _, words = training
    return folder / words[words.index("--checkpoint") + 1] / "checkpoint.safetensors"


def watch(folder):
    """The training process in `folder`, number and command, or None; and for how many seconds it was watched."""
    begin = time.monotonic()
    time.sleep(0.01)
    found = [(number, words) for number, words in running_in(folder).items() if "scripts/train_stage.py" in words]
    return (found[0], time.monotonic() - begin) if found else (None, 0.0)


def kill_during(folder, stage, victim, has_come):
    """Run, and kill the training process, or Snakemake and all its jobs, at a moment of training; None if it ended.

    has_come: tells by the seconds that training has taken, and by its checkpoint's progress, whether it is the moment.
    """
    run = start(folder, stage)
    seconds = 0.0
    while run.poll() is None:
        training, watched = watch(folder)
        seconds += watched
        if training and has_come(seconds, read_progress(checkpoint(folder, training))):
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL) if victim == "everything" else os.kill(training[0], signal.SIGKILL)
            if run.wait() == 0:
                return None
            while running_in(folder):
                time.sleep(0.01)
            return Kill(training[0], seconds, read_progress(checkpoint(folder, training)))
    return None


def read_progress(file):
    """What a checkpoint says of its run's progress; None without a checkpoint."""
    with suppress(FileNotFoundError), safe_open(file, "numpy") as content:
        return json.loads(content.metadata()["content"])["progress"]
    return None


def identity(file):
    """Changes when a file is written, or replaced by an equal one."""
    status = file.stat()
    return status.st_ino, status.st_mtime_ns


def without_results_from(stage, reference, folder):
    """Copy a finished run, but of a stage and of those after it nothing."""
    shutil.copytree(reference, folder, symlinks=True)
    for name in list(STAGES)[list(STAGES).index(stage) :]:
        shutil.rmtree(folder / STAGES[name])
    shutil.rmtree(folder / "results/logs")


def draw_moment(draw, behind, seconds):
    """Tells whether a moment has come: within so many seconds of training, or behind the checkpoint of some epoch."""
    if not behind:
        moment = draw.uniform(0, seconds)
        return lambda seconds, progress: seconds >= moment
    epochs = draw.randrange(EPOCHS - 1)
    return lambda seconds, progress: progress is not None and progress["epochs"] >= epochs


def kill_and_go_on(stage, victim, seed, undisturbed, folder):
    """Kill a stage at the seed's moment, call the same command again, and check what that one did and left."""
    reference, seconds = undisturbed
    draw = random.Random(f"{stage}, {victim}, {seed}")
    kill = None
    while kill is None:  # training may have ended before its moment was seen; then there is another
        shutil.rmtree(folder, ignore_errors=True)
        without_results_from(stage, reference, folder)
        kill = kill_during(folder, stage, victim, draw_moment(draw, seed > 1, seconds[stage]))

    earlier = list(STAGES.values())[: list(STAGES).index(stage)]
    done = ["results/facts", "results/documents", "results/base_models", *earlier]
    before = {file: identity(file) for name in done for file in (folder / name).rglob("*")}
    # As `make` does.
    subprocess.run([sys.executable, "scripts/tools/clear_stale_lock.py"], cwd=folder, check=True)
    snakemake(*command(stage), cwd=folder)

    assert {file: identity(file) for file in before} == before, "what was published was made again"
    made = STAGES[stage]
    for name in FILES:
        assert (folder / made / name).read_bytes() == (reference / made / name).read_bytes(), name
    found, expected = ({file.relative_to(run) for file in (run / made).rglob("*")} for run in (folder, reference))
    litter = f".{platform.node()}-{kill.process}-"
    declared = {file for file in found if not any(part.startswith(litter) for part in file.parts)}
    assert declared == expected, "the results are not those of the undisturbed run"
    left = [file for file in (folder / "results/checkpoints").rglob("*") if file.is_file()]
    assert left == [], "a checkpoint is left"
    (log,) = (folder / "results/logs").glob(f"train_*/**/{stage}.log")
    went_on = "going on from a checkpoint" in log.read_text()
    assert went_on == (kill.checkpoint is not None), log.read_text()
    return kill


@pytest.mark.parametrize(("stage", "victim", "seed"), CASES)
def test_a_run_that_was_killed_goes_on_to_the_same_bytes(outcome, capsys, stage, victim, seed):
    kill = outcome(stage, victim, seed)
    at = kill.checkpoint and f"checkpoint at epoch {kill.checkpoint['epochs']}, step {kill.checkpoint['steps']}"
    with capsys.disabled():
        print(
            f"\nSIGKILL of {victim}, seed {seed}, after {kill.seconds:.1f} s of {stage} ({at or 'no checkpoint'}):"
            " identical"
        )


@pytest.mark.parametrize("stage", STAGES)
def test_some_moments_of_either_stage_lie_behind_a_checkpoint(outcome, capsys, stage):
    kills = [outcome(*case) for case in CASES if case[0] == stage]
    with_checkpoint = [kill for kill in kills if kill.checkpoint is not None]
    with capsys.disabled():
        print(f"\n{len(with_checkpoint)} of {len(kills)} kills left a checkpoint, from which the next run went on")
    assert with_checkpoint
