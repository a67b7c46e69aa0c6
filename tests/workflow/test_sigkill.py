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
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from project import LAST_STAGE, STAGE1, SideBySide, ready_to_train, running_in, snakemake, snakemake_command
from safetensors import safe_open

SEEDS = range(20)  # each gives one moment
EPOCHS = 30  # of either stage: training is to take a fair share of a job's time, most of which goes into imports
FILES = ("metrics.parquet", "model/model.safetensors")
RUN = (
    f"{LAST_STAGE}/metrics.parquet",
    "--set-resources",
    "train_stage:checkpoint_minutes=0",  # a checkpoint after every step
    "train_last_stage:checkpoint_minutes=0",
)


class Kill(NamedTuple):
    """What was killed, when, and what it left."""

    process: int
    seconds: float
    stage: str
    checkpoint: dict | None


@pytest.fixture(scope="module")
def undisturbed(finished_run, tmp_path_factory):
    """A run that nobody kills, and for how many seconds its training processes live while another run is beside it."""
    base = tmp_path_factory.mktemp("undisturbed")

    def run(number):
        folder = ready_to_train(finished_run, base / str(number), EPOCHS)
        started = start(folder)
        seconds = 0.0
        while started.poll() is None:
            seconds += watch(folder)[1]
        assert started.returncode == 0, (folder / "output.txt").read_text()
        return folder, seconds

    runs = SideBySide(run, range(2))
    (folder, seconds), (_, others_seconds) = runs(0), runs(1)
    return folder, (seconds + others_seconds) / 2


@pytest.fixture(scope="module")
def outcome(finished_run, undisturbed, tmp_path_factory):
    """Gives what happened to the run of a seed."""
    base = tmp_path_factory.mktemp("killed")
    return SideBySide(lambda seed: kill_and_go_on(seed, finished_run, undisturbed, base / str(seed)), SEEDS)


def start(folder):
    with (folder / "output.txt").open("w") as output:
        command = snakemake_command(*RUN)
        return subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, start_new_session=True)


def watch(folder):
    """The training process in `folder`, number and command, or None; and for how many seconds it was watched."""
    begin = time.monotonic()
    time.sleep(0.01)
    found = [(number, words) for number, words in running_in(folder).items() if "scripts/train_stage.py" in words]
    return (found[0], time.monotonic() - begin) if found else (None, 0.0)


def kill_during(folder, moment, everything):
    """Run, and kill the training process, or Snakemake and all its jobs, once training has taken `moment` seconds.

    None if it ended before that.
    """
    run = start(folder)
    seconds = 0.0
    while run.poll() is None:
        training, watched = watch(folder)
        seconds += watched
        if training and seconds >= moment:
            process, words = training
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL) if everything else os.kill(process, signal.SIGKILL)
            if run.wait() == 0:
                return None
            while running_in(folder):
                time.sleep(0.01)
            stage = Path(words[words.index("--checkpoint") + 1])
            return Kill(process, seconds, stage.name, read_progress(folder / stage / "checkpoint.safetensors"))
    return None


def read_progress(checkpoint):
    """What a checkpoint says of its run's progress; None without a checkpoint."""
    if not checkpoint.exists():
        return None
    with safe_open(checkpoint, "numpy") as file:
        return json.loads(file.metadata()["content"])["progress"]


def identity(file):
    """Changes when a file is written, or replaced by an equal one."""
    status = file.stat()
    return status.st_ino, status.st_mtime_ns


def kill_and_go_on(seed, finished_run, undisturbed, folder):
    """Kill a run at the seed's moment, call the same command again, and check what that one did and left."""
    reference, duration = undisturbed
    moment = random.Random(seed).uniform(0, duration)
    everything = seed % 2 == 1
    kill = None
    while kill is None:  # a run that was faster than the undisturbed one may have ended before its moment
        shutil.rmtree(folder, ignore_errors=True)
        ready_to_train(finished_run, folder, EPOCHS)
        kill = kill_during(folder, moment, everything)
        moment *= 0.9

    done = ["facts", "documents", "base_models", *([STAGE1.removeprefix("results/")] if "2" in kill.stage else [])]
    before = {file: identity(file) for name in done for file in (folder / "results" / name).rglob("*")}
    # As `make` does.
    subprocess.run([sys.executable, "scripts/tools/clear_stale_lock.py"], cwd=folder, check=True)
    snakemake(*RUN, cwd=folder)

    assert {file: identity(file) for file in before} == before, "what was published was made again"
    for stage in (STAGE1, LAST_STAGE):
        for name in FILES:
            assert (folder / stage / name).read_bytes() == (reference / stage / name).read_bytes(), f"{stage}/{name}"
        found, expected = ({file.relative_to(run) for file in (run / stage).rglob("*")} for run in (folder, reference))
        litter = f".{platform.node()}-{kill.process}-"
        declared = {file for file in found if not any(part.startswith(litter) for part in file.parts)}
        assert declared == expected, "the results are not those of the undisturbed run"
    left = [file for file in (folder / "results/checkpoints").rglob("*") if file.is_file()]
    assert left == [], "a checkpoint is left"
    logs = [log.read_text() for log in (folder / "results/logs").glob(f"train_*/**/{kill.stage}.log")]
    went_on = "going on from a checkpoint" in "".join(logs)
    assert went_on == (kill.checkpoint is not None), "".join(logs)
    return kill


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_that_was_killed_goes_on_to_the_same_bytes(outcome, capsys, seed):
    kill = outcome(seed)
    victim = "SIGKILL of everything" if seed % 2 else "SIGKILL of the training process"
    at = kill.checkpoint and f"checkpoint at epoch {kill.checkpoint['epochs']}, step {kill.checkpoint['steps']}"
    with capsys.disabled():
        print(
            f"\n{victim}, seed {seed}, after {kill.seconds:.1f} s, in {kill.stage} ({at or 'no checkpoint'}): identical"
        )
    assert kill.stage in ("stage1", "stage2_seed0")


def test_the_moments_lie_in_both_stages_and_some_behind_a_checkpoint(outcome, capsys):
    kills = [outcome(seed) for seed in SEEDS]
    with_checkpoint = [kill for kill in kills if kill.checkpoint is not None]
    with capsys.disabled():
        print(f"\n{len(with_checkpoint)} of {len(kills)} kills left a checkpoint, from which the next run went on")
    assert {kill.stage for kill in kills} == {"stage1", "stage2_seed0"}
    assert with_checkpoint
