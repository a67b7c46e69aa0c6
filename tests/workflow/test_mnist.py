"""The study of MNIST on a few documents and images: fetched from a server on this machine, trained and tested."""

import functools
import gzip
import http.server
import json
import struct

import numpy as np
import pandas as pd
import pytest
from project import ROOT, change_config, copy_project, planned_jobs, snakemake, use_config

from metaocl.artifacts.checksums import file_hash
from metaocl.config.handwriting import IDX_FILES

DOWNLOADS = "results/downloads/convnext"
TABLE = "results/tables/mnist_qa/metrics.parquet"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder with two images of each digit for training, and two for tests."""
    folder = tmp_path_factory.mktemp("served")
    labels, random = np.arange(20, dtype=np.uint8) % 10, np.random.default_rng(0)
    for name in IDX_FILES:
        if "labels" in name:
            content = struct.pack(">II", 2049, 20) + labels.tobytes()
        else:
            content = struct.pack(">IIII", 2051, 20, 28, 28) + random.bytes(20 * 28 * 28)
        (folder / name).write_bytes(gzip.compress(content))
    return folder


@pytest.fixture
def server(serve, served):
    """A web server on this machine that gives that folder, while a test lasts; its address."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=served)
    with serve(handler) as address:
        yield address


def change_handwriting(workspace, **keys):
    change_config(workspace, lambda config: config["models"]["convnext"]["convnet"]["handwriting"].update(keys))


@pytest.fixture(scope="module")
def workspace(served, tmp_path_factory):
    """A copy of the project with the study of config/mnist.yaml, but few documents, steps and channels."""

    def scale_down(config):
        config["studies"]["mnist_qa"].update(seeds=[0], define_types=["tve"])
        config["datasets"]["digits"]["entities"] = 20
        config["models"]["convnext"]["convnet"]["convnextv2"].update(depths=[1, 1, 1, 1], hidden_sizes=[2, 2, 4, 4])
        config["plans"]["one_stage"]["stages"][0].update(epochs=1, evaluate="last", warmup_steps=0)

    folder = copy_project(tmp_path_factory.mktemp("mnist"))
    use_config(folder, ROOT / "config/mnist.yaml")
    change_config(folder, scale_down)
    change_handwriting(folder, url="http://127.0.0.1:1", sha256={name: file_hash(served / name) for name in IDX_FILES})
    return folder


def test_it_is_planned_without_its_server_and_a_job_that_cannot_reach_it_says_so(workspace):
    jobs = planned_jobs("everything", cwd=workspace)
    assert (jobs["fetch_handwriting"], jobs["initialize_convnet"]) == (4, 1)
    run = snakemake(f"{DOWNLOADS}/{IDX_FILES[0]}", cwd=workspace, check=False)
    log = (workspace / f"results/logs/fetch_handwriting/convnext/{IDX_FILES[0]}.log").read_text()
    assert run.returncode != 0
    assert log.startswith(f"error: http://127.0.0.1:1/{IDX_FILES[0]}: cannot be fetched: ")
    assert log.strip() in run.stdout + run.stderr
    assert not [path for path in (workspace / DOWNLOADS).rglob("*") if path.is_file()]


def test_it_is_fetched_once_trained_and_tested(workspace, served, server):
    change_handwriting(workspace, url=server)
    snakemake(TABLE, cwd=workspace)
    assert {name: (workspace / DOWNLOADS / name).read_bytes() for name in IDX_FILES} == {
        name: (served / name).read_bytes() for name in IDX_FILES
    }
    made = json.loads((workspace / "results/convnets/convnext/seed0/run.json").read_text())
    assert made["measured"]["handwriting"] == {"training": [10, 2, 28, 28], "tests": [10, 2, 28, 28]}
    metrics = pd.read_parquet(workspace / TABLE)
    assert set(metrics["test_set"]) == {"held_out", "definition_letters"}
    assert metrics["value"].between(0, 1).all()
    assert planned_jobs(TABLE, cwd=workspace) == {}
