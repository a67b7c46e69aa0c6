"""What a job costs beside its own work: training jobs run by Snakemake alone, and through a Slurm on this machine.

Two training jobs at a time everywhere, so that the same two cores do the work. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / name) for name in ("scripts", "tests/workflow", "tests/cluster")]

from project import CONFIG, change_config, copy_project, snakemake  # noqa: E402
from runs import OVERRIDES  # noqa: E402
from slurm_cluster import Cluster  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="each is two training jobs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slurm-") as place:
        folder, cluster_folder = Path(place, "project"), Path(place, "cluster")
        project = prepare(folder, arguments.seeds)
        cluster_folder.mkdir()
        Path(place).chmod(0o755)  # munge's clients refuse a socket in a closed folder
        cluster = Cluster(cluster_folder, devices_per_node=1)
        cluster.start()
        try:
            slurm = ["--profile", "slurm", *OVERRIDES, "--slurm-init-seconds-before-status-checks"]
            rows = [
                measure("`snakemake --cores 2`", project, ["--cores", "2"], cluster),
                measure("Slurm, asked 2 s after a job's submission", project, [*slurm, "2"], cluster),
                measure("Slurm, after 20 s, as in the profile", project, [*slurm, "20"], cluster),
            ]
        finally:
            cluster.stop()
    print(pd.DataFrame(rows).to_markdown(index=False, floatfmt=".1f"))


def prepare(folder: Path, seeds: int) -> Path:
    """A copy of the project in which all is done but the stages."""
    copy_project(folder)
    (folder / "slurm").symlink_to("workflow/profiles/slurm")
    change_config(
        folder, lambda config: config["studies"]["tiny"].update(define_types=["tve"], seeds=list(range(seeds)))
    )
    snakemake("--until", "train_base_model", "write_new_definitions", cwd=folder)
    return folder


def measure(name: str, project: Path, options: Sequence[str], cluster: Cluster) -> dict[str, object]:
    """Run all stages anew; how long that took, and how long the commands of the jobs took."""
    shutil.rmtree(project / "results/stages", ignore_errors=True)
    command = [sys.executable, "-m", "snakemake", "--configfile", CONFIG, "--until", "train_last_stage", *options]
    start = time.perf_counter()
    run = subprocess.run(command, cwd=project, env=cluster.environment, capture_output=True, text=True)
    wall = time.perf_counter() - start
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    tables = [*project.glob("results/benchmarks/train_stage/**/*.tsv")]
    tables += project.glob("results/benchmarks/train_last_stage/**/*.tsv")
    seconds = pd.concat([pd.read_csv(table, sep="\t") for table in tables])["s"]
    return {
        "how": name,
        "jobs": len(seconds),
        "wall time, s": wall,
        "a job's command, s": seconds.mean(),
        "beside it, s a job": 2 * wall / len(seconds) - seconds.mean(),
        "jobs a minute": 60 * len(seconds) / wall,
    }


if __name__ == "__main__":
    main()
