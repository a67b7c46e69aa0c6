"""What jobs ask a cluster for, as a dry run through the Slurm profile shows it."""

import re

import pytest
from project import ROOT, copy_project, snakemake, use_config

ASKED = re.compile(r"^Job \d+: (Train .*) \((\d+) GPU, (\d+) MB, (\d+) min\)$", re.MULTILINE)


def plan(folder, config, *targets):
    """The messages of all jobs, and for those that train their message, GPUs, MB and minutes."""
    copy_project(folder)
    (folder / "slurm").symlink_to("workflow/profiles/slurm")
    use_config(folder, ROOT / "config" / config)
    (folder / "data/trex").mkdir(parents=True)
    (folder / "data/cross-verified-database.csv.gz").touch()  # where the paper's studies look for it
    run = snakemake("--dry-run", "--profile", "slurm", *targets, cwd=folder)
    output = run.stdout + run.stderr
    trained = [(message, *map(int, numbers)) for message, *numbers in ASKED.findall(output)]
    return re.findall(r"^Job \d+: (.*)$", output, re.MULTILINE), trained


def test_every_job_of_the_laptop_study_that_trains_asks_for_a_gpu_and_no_other_does(tmp_path):
    messages, trained = plan(tmp_path, "config.yaml")
    assert len(trained) == 1 + 12 * 2 * 2
    assert {gpus for _, gpus, _, _ in trained} == {1}
    assert len([message for message in messages if "GPU" in message or message.startswith("Train")]) == len(trained)
    assert len(messages) > len(trained)


@pytest.fixture(scope="module")
def model_sizes(tmp_path_factory):
    """What the jobs of the paper's study of model sizes ask for."""
    _, trained = plan(tmp_path_factory.mktemp("paper"), "paper.yaml", "model_size")
    return trained


@pytest.mark.parametrize(("small", "large"), [("pythia-70m", "pythia-410m"), ("pythia-410m", "pythia-2.8b")])
def test_larger_models_of_the_paper_ask_for_more_memory_and_time(model_sizes, small, large):
    stage = "Train the last stage: cvdb, tve, "
    asked = {
        model: {job[2:] for job in model_sizes if job[0].startswith(f"{stage}{model},")} for model in (small, large)
    }
    ((small_memory, small_time),), ((large_memory, large_time),) = asked[small], asked[large]
    assert small_memory < large_memory
    assert small_time < large_time
