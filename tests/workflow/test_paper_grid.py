"""The whole grid of the paper can be planned, and the plan has as many jobs as its studies ask for."""

from itertools import product

import pytest
from project import ROOT, copy_project, planned_jobs, use_config

from metaocl.config.layers import read_config

PAPER = read_config(ROOT / "config/paper.yaml")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A copy of the project with the paper's studies, and places where the public data would be."""
    folder = copy_project(tmp_path_factory.mktemp("paper"))
    use_config(folder, ROOT / "config/paper.yaml")
    (folder / "data/trex").mkdir(parents=True)
    (folder / "data/cross-verified-database.csv.gz").touch()
    return folder


def expected_jobs(*studies):
    """Jobs by rule, counted from the configuration's text alone; cells that studies share count once."""
    jobs = {rule: set() for rule in RULES}
    for name in studies:
        study = PAPER["studies"][name]
        keys = ("datasets", "define_types", "models", "plans", "seeds")
        for dataset, define_type, model, plan, seed in product(*(study[key] for key in keys)):
            source = PAPER["datasets"][dataset]["source"]
            jobs["extract_facts"].add(dataset)
            jobs["measure_guessability"].add(dataset)
            if isinstance(source, dict) and source["kind"] == "trex":
                jobs["tabulate_trex"].add(dataset)
            if "pretrained" in PAPER["models"][model]:
                jobs["prepare_model"].add(model)
            else:
                jobs["initialize_model"].add((dataset, model, seed))
            jobs["write_documents"].add((dataset, define_type, seed))
            for stage in range(1, len(PAPER["plans"][plan]["stages"])):
                jobs["train_stage"].add((dataset, define_type, model, plan, seed, stage))
            last = "train_last_stage"
            if "snapshots" in PAPER["plans"][plan]["stages"][-1]:
                last = "train_last_stage_with_snapshots"
            for stage2_seed in study.get("stage2_seeds", [0]):
                jobs["write_new_definitions"].add((dataset, define_type, seed, stage2_seed))
                jobs[last].add((dataset, define_type, model, plan, seed, stage2_seed))
                for measurement in study.get("measurements", []):
                    kind = PAPER["measurements"][measurement]["kind"]
                    jobs[f"measure_{kind}"].add((dataset, define_type, model, plan, seed, stage2_seed))
                    jobs["write_counterfactuals"].add((dataset, define_type, seed, stage2_seed))
        for rule in PER_STUDY:
            jobs[rule].add(name)
        if "axis" in study:
            jobs["plot_gaps"].add(name)
    return {rule: len(found) for rule, found in jobs.items() if found}


PER_STUDY = ("collect_metrics", "estimate_effects", "plot_training_curves", "write_summary")
RULES = (
    *("extract_facts", "measure_guessability", "tabulate_trex", "prepare_model", "initialize_model", "write_documents"),
    *("train_stage", "write_new_definitions", "train_last_stage", *PER_STUDY, "plot_gaps"),
    *("train_last_stage_with_snapshots", "write_counterfactuals", "measure_gradient_cosine", "measure_tag_probes"),
)


@pytest.mark.parametrize("study", ["main", "stage_plans", "set_inclusion"])
def test_a_study_is_planned_by_its_name(workspace, study):
    jobs = planned_jobs(study, cwd=workspace)
    jobs.pop(study)
    assert jobs == expected_jobs(study)


def test_everything_is_planned_and_shared_cells_once(workspace):
    jobs = planned_jobs("everything", cwd=workspace)
    jobs.pop("everything")
    assert jobs.pop("judge_claims") == jobs.pop("plot_studies") == 1
    assert jobs == expected_jobs(*PAPER["studies"])
    alone = sum(expected_jobs(study).get("train_last_stage", 0) for study in PAPER["studies"])
    assert jobs["train_last_stage"] < alone
