"""A whole study on a real Slurm, judged by Slurm's own records."""

from itertools import combinations

import pytest
from project import planned_jobs
from runs import Runs
from slurm_cluster import GPU_NODES


@pytest.fixture(scope="module")
def study(cluster, project, undisturbed):
    """The small study, run through the profile from nothing to its figures."""
    with Runs(project, cluster, undisturbed) as runs:
        runs.finish(runs.start(), seconds=600)
        yield runs


def test_the_study_ends_as_it_does_without_a_cluster(study):
    study.assert_as_undisturbed()
    for table in ("metrics", "effects", "gaps"):
        path = f"results/tables/small/{table}.csv"
        assert (study.folder / path).read_bytes() == (study.undisturbed / path).read_bytes()
    assert planned_jobs(cwd=study.folder) == {}


def test_every_training_job_and_no_other_job_went_through_the_queue(study):
    assert [job["JobState"] for job in study.jobs()] == ["COMPLETED"] * 5
    comments = sorted(job["Comment"].split("_wildcards")[0] for job in study.jobs())
    assert comments == ["rule_train_base_model", *["rule_train_last_stage"] * 2, *["rule_train_stage"] * 2]


def test_every_job_had_one_device_of_a_gpu_node(study):
    allocations = study.allocations()
    assert {str(allocation.job) for allocation in allocations} == {job["JobId"] for job in study.jobs()}
    assert all(len(allocation.gpus) == 1 and allocation.node in GPU_NODES for allocation in allocations)


def test_no_device_had_two_jobs_at_once(study):
    for one, other in combinations(study.allocations(), 2):
        if one.node == other.node and one.gpus == other.gpus:
            assert one.end <= other.start or other.end <= one.start


def test_jobs_of_different_seeds_ran_side_by_side(study):
    assert any(
        one.start < other.start < one.end or other.start < one.start < other.end
        for one, other in combinations(study.allocations(), 2)
    )


def test_logs_lie_where_the_profile_says_and_those_of_successful_jobs_are_gone(study):
    assert list((study.folder / "results/logs/slurm").rglob("*.log")) == []
