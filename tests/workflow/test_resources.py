"""What jobs ask a cluster for, as a dry run through the Slurm profile shows it."""

import re

import pytest
import yaml
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


def rules_asking_for(resource):
    """The rules of the workflow that ask for a resource, those that `use` one of them included."""
    text = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    blocks = re.split(r"^ *(?=rule |use rule )", text, flags=re.MULTILINE)[1:]
    used = {name: base for block in blocks for base, name in re.findall(r"^use rule (\w+) as (\w+) with:", block)}
    asking = {name for block in blocks for name in re.findall(r"^rule (\w+):", block) if f" {resource}=" in block}
    while found := {name for name, base in used.items() if base in asking} - asking:
        asking |= found
    return asking


def profile_with_its_examples(folder):
    """The Slurm profile, in a copy, with what its comments propose to set."""
    profile = folder / "workflow/profiles/slurm/config.yaml"
    before, example, after = re.split(r"(^# set-resources:\n(?:#  .*\n)+)", profile.read_text(), flags=re.MULTILINE)
    example = re.sub("^# ", "", example, flags=re.MULTILINE)
    profile.write_text(before + example + after)
    return yaml.safe_load(example)["set-resources"]


def test_the_profile_of_a_cluster_names_every_rule_that_asks_for_a_gpu(tmp_path):
    assert len(rules_asking_for("gpu")) > 10
    examples = profile_with_its_examples(copy_project(tmp_path))
    assert examples.keys() == rules_asking_for("gpu")
    checkpointed = {rule for rule, resources in examples.items() if "checkpoint_minutes" in resources}
    assert checkpointed == rules_asking_for("checkpoint_minutes")


def test_the_profile_of_a_workstation_names_every_rule_that_keeps_checkpoints():
    profile = yaml.safe_load((ROOT / "workflow/profiles/local-gpu/config.yaml").read_text())
    assert profile["set-resources"].keys() == rules_asking_for("checkpoint_minutes")


@pytest.mark.parametrize(("config", "jobs"), [("twins.yaml", 39), ("config.yaml", 49)])
def test_what_the_profiles_example_sets_holds_for_every_job_that_trains(tmp_path, config, jobs):
    """Also where the configuration has no job of some of those rules."""
    folder = copy_project(tmp_path)
    profile_with_its_examples(folder)
    (folder / "slurm").symlink_to("workflow/profiles/slurm")
    use_config(folder, ROOT / "config" / config)
    run = snakemake("--dry-run", "--profile", "slurm", "everything", cwd=folder)
    asked = {(message, int(minutes)) for message, _, _, minutes in ASKED.findall(run.stdout + run.stderr)}
    assert len(asked) == jobs
    assert {minutes for _, minutes in asked} == {600}
