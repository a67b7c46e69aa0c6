"""A run that is killed without warning can go on, and ends where an undisturbed one does."""

import os
import signal
import subprocess
import time

from project import (
    LAST_STAGE,
    STAGE1,
    change_config,
    copy_project,
    one_cell,
    planned_jobs,
    running_in,
    snakemake,
    snakemake_command,
)


def kill_during_the_run(folder):
    """Start a run, and kill it and all its jobs while the first stage is being trained."""
    command = snakemake_command()
    with (folder / "output.txt").open("w") as output:
        run = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, start_new_session=True)
    log = folder / "results/logs/train_stage/people/tve/tiny/two_stages/seed0/stage1.log"
    while not log.exists():
        assert run.poll() is None, (folder / "output.txt").read_text()
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    time.sleep(0.5)
    assert running_in(folder) == {}


def test_a_killed_run_goes_on_to_the_same_results(finished_run, tmp_path):
    folder = copy_project(tmp_path)
    change_config(folder, one_cell)
    kill_during_the_run(folder)
    assert (folder / "results/base_models/people/tiny/run.json").is_file()
    assert not (folder / STAGE1 / "metrics.parquet").exists()

    snakemake("--unlock", cwd=folder)
    assert "train_base_model" not in planned_jobs(cwd=folder)
    # Half-written files of the killed jobs, as a power cut leaves them.
    leftovers = [
        folder / STAGE1 / ".1-metrics.parquet",
        folder / "results/documents/people/tve/seed0/.1-aliases.parquet",
    ]
    for leftover in leftovers:
        leftover.parent.mkdir(parents=True, exist_ok=True)
        leftover.write_bytes(b"half a file")

    snakemake(cwd=folder)
    assert planned_jobs(cwd=folder) == {}
    for stage in (STAGE1, LAST_STAGE):
        for name in ("metrics.parquet", "model/model.safetensors"):
            assert (folder / stage / name).read_bytes() == (finished_run / stage / name).read_bytes()
    assert (folder / "results/summaries/tiny.md").is_file()
