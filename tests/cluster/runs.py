"""Snakemake on the test cluster: through the shipped profile, with what only a test needs laid over it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from project import CONFIG, LAST_STAGE, STAGE1, planned_jobs
from slurm_cluster import Allocation, Cluster, wait_until

CHECKPOINT = "results/checkpoints/people/tve/tiny/two_stages/seed0/stage1/checkpoint.safetensors"
# The jobs are short.
OVERRIDES = ("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "10")
CHECKPOINT_OFTEN = ("--set-resources", "train_stage:checkpoint_minutes=0", "train_last_stage:checkpoint_minutes=0")


class Runs:
    """Runs of Snakemake in one copy of the project; they end with the block."""

    def __init__(self, folder: Path, cluster: Cluster, undisturbed: Path) -> None:
        self.folder = folder
        self.cluster = cluster
        self.undisturbed = undisturbed
        self.known_jobs = {job["JobId"] for job in cluster.jobs()}
        self.started: list[subprocess.Popen] = []

    def __enter__(self) -> Runs:
        return self

    def __exit__(self, *_: object) -> None:
        for run in self.started:
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
            run.wait()
        if jobs := [job["JobId"] for job in self.jobs() if job["JobState"] in ("PENDING", "RUNNING")]:
            self.cluster.command("scancel", *jobs)
        for process in self.training():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def start(self, *targets: str, options: tuple[str, ...] = CHECKPOINT_OFTEN) -> subprocess.Popen:
        """Start `snakemake --profile slurm`; it goes on beside the test."""
        command = [sys.executable, "-m", "snakemake", *targets, "--profile", "slurm", "--configfile", CONFIG]
        command += [*OVERRIDES, *options]
        with (self.folder / "output.txt").open("a") as output:
            run = subprocess.Popen(
                command, cwd=self.folder, env=self.cluster.environment, stdout=output, stderr=output,
                start_new_session=True,
                # Tests that run in a shell's background ignore interrupts, and so would what they start.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )  # fmt: skip
        self.started.append(run)
        return run

    def finish(self, run: subprocess.Popen, seconds: float = 240) -> None:
        """Wait for a run, which is to succeed."""
        try:
            status = run.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s\n{self.output()}") from None
        assert status == 0, self.output()

    def output(self) -> str:
        return (self.folder / "output.txt").read_text()[-6000:] + "\n" + self.cluster.log()

    def jobs(self) -> list[dict[str, str]]:
        """Slurm's records of this copy's jobs, in the order of their submission."""
        return [job for job in self.cluster.jobs() if job["JobId"] not in self.known_jobs]

    def job(self, state: str) -> str:
        """The number of the only job in a state."""
        found = [job["JobId"] for job in self.jobs() if job["JobState"] == state]
        assert len(found) == 1, (state, self.jobs())
        return found[0]

    def allocations(self) -> list[Allocation]:
        mine = {int(job["JobId"]) for job in self.jobs()}
        return [allocation for allocation in self.cluster.allocations() if allocation.job in mine]

    def training(self) -> list[int]:
        """The processes that train a stage in this copy."""
        return list(_processes(self.folder, b"scripts/train_stage.py"))

    def log_of_stage1(self) -> str:
        """What the last job that trained stage 1 has said so far."""
        log = self.folder / "results/logs/train_stage/people/tve/tiny/two_stages/seed0/stage1.log"
        return log.read_text() if log.exists() else ""

    def wait_for_training(self) -> None:
        """Wait until stage 1 is in its middle: it has a checkpoint, and no result."""
        wait_until((self.folder / CHECKPOINT).exists, "the first checkpoint", self.output)
        assert not (self.folder / STAGE1 / "metrics.parquet").exists()

    def assert_as_undisturbed(self) -> None:
        """The cell's results are those of the undisturbed run, to the byte, and nothing is left to do or to clean."""
        files = [f"{stage}/{name}" for stage in (STAGE1, LAST_STAGE) for name in ("metrics.parquet", "model")]
        for file in files:
            assert _content(self.folder / file) == _content(self.undisturbed / file), file
        assert planned_jobs(f"{LAST_STAGE}/metrics.parquet", cwd=self.folder) == {}
        assert not (self.folder / CHECKPOINT).parent.exists()
        hidden = {file.name for file in (self.folder / "results").rglob(".*")}
        assert hidden <= {".snakemake_timestamp"}, "temporary files are left"


def _content(path: Path) -> dict[str, bytes]:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files}


def _processes(folder: Path, command: bytes) -> Iterator[int]:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            line = (process / "cmdline").read_bytes()
            if command in line and b"python" in line.split(b"\0")[0] and os.readlink(process / "cwd") == str(folder):
                yield int(process.name)
