"""One Slurm cluster for all tests here, and one undisturbed run, made without it, to compare with."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project import CONFIG, ROOT, copy_project, snakemake
from runs import Runs
from slurm_cluster import Cluster, missing_programs


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if missing := missing_programs():
        pytest.skip(f"no Slurm on this machine: {', '.join(missing)} not found (Debian: slurm-wlm, munge)")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)  # munge's clients refuse a socket in a closed folder
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    """A fresh copy of the project with the small study, and the link that `--profile slurm` needs."""
    folder = copy_project(tmp_path_factory.mktemp("project"))
    shutil.copy(ROOT / "tests/cluster/small.yaml", folder / CONFIG)
    (folder / "slurm").symlink_to("workflow/profiles/slurm")
    return folder


@pytest.fixture(scope="session")
def undisturbed(project, tmp_path_factory) -> Path:
    """The small study, run without Slurm and without faults."""
    folder = shutil.copytree(project, tmp_path_factory.mktemp("undisturbed") / "run", symlinks=True)
    snakemake(cwd=folder)
    return folder


@pytest.fixture
def run(cluster, undisturbed, tmp_path) -> Iterator[Runs]:
    """A copy of the undisturbed run without its stages: documents and base model are there, training is to be done."""
    folder = shutil.copytree(undisturbed, tmp_path / "run", symlinks=True)
    for results in ("results/stages", "results/logs"):
        shutil.rmtree(folder / results)
    with Runs(folder, cluster, undisturbed) as runs:
        yield runs


@pytest.fixture
def report(capsys) -> Callable[[str, str], None]:
    """Prints a line on a fault, whether or not pytest shows what tests print."""

    def report_line(fault: str, outcome: str) -> None:
        with capsys.disabled():
            print(f"\n{fault}: {outcome}", flush=True)

    return report_line
