"""Two fresh runs of one cell, under different hash seeds, give the same bytes."""

import os
import subprocess

import pytest
from project import change_config, copy_project, one_cell, snakemake_command

PATTERNS = [
    "facts/**/facts.parquet",
    "documents/**/documents.parquet",
    "documents/**/aliases.parquet",
    "base_models/**/model.safetensors",
    "stages/**/model.safetensors",
    "stages/**/metrics.parquet",
    "tables/**/*.parquet",
    "tables/**/*.csv",
    "figures/**/*.*",
    "summaries/*",
]


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    """The results of two runs, made side by side."""
    folders = [copy_project(tmp_path_factory.mktemp(f"hash_seed{seed}")) for seed in (1, 2)]
    runs = []
    for seed, folder in enumerate(folders, start=1):
        change_config(folder, one_cell)
        environment = os.environ | {"PYTHONHASHSEED": str(seed)}
        command = snakemake_command()
        with (folder / "output.txt").open("w") as output:
            runs.append(subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output))
    for run, folder in zip(runs, folders, strict=True):
        assert run.wait() == 0, (folder / "output.txt").read_text()
    return [folder / "results" for folder in folders]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_two_runs_give_the_same_bytes(two_runs, pattern):
    first, second = ({str(p.relative_to(run)): p.read_bytes() for p in run.glob(pattern)} for run in two_runs)
    assert first
    assert first.keys() == second.keys()
    assert [path for path in first if first[path] != second[path]] == []
