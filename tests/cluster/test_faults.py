"""What goes wrong on a cluster, one fault a test, in the middle of training: the results are those of a calm run.

Each test prints a line that says what Slurm's records show of the fault.
"""

import os
import signal
import time

from project import LAST_STAGE, snakemake
from runs import CHECKPOINT_OFTEN
from slurm_cluster import wait_until

RESULT = f"{LAST_STAGE}/metrics.parquet"


def test_a_cancelled_job_is_sent_again(run, report):
    snake = run.start(RESULT)
    run.wait_for_training()
    cancelled = run.job("RUNNING")
    run.cluster.command("scancel", cancelled)
    run.finish(snake)
    states = [job["JobState"] for job in run.jobs()]
    assert states == ["CANCELLED", "COMPLETED", "COMPLETED"]
    run.assert_as_undisturbed()
    report("scancel of a training job", f"{states}, results identical")


def test_a_warning_before_the_end_leaves_a_checkpoint_that_the_next_job_goes_on_from(run, report):
    # Every ten minutes, as usual, a checkpoint comes too seldom for this run: the only one comes of the warning.
    snake = run.start(RESULT, options=())
    wait_until(lambda: "epoch" in run.log_of_stage1(), "the first epoch", run.output)
    run.cluster.command("scancel", "--signal=TERM", run.job("RUNNING"))
    wait_until(lambda: "told to end: the checkpoint is saved" in run.log_of_stage1(), "the checkpoint", run.output)
    run.finish(snake)
    states = [job["JobState"] for job in run.jobs()]
    assert states == ["FAILED", "COMPLETED", "COMPLETED"]
    run.assert_as_undisturbed()
    report("SIGTERM, the warning before a time limit", f"{states}, results identical")


def test_a_job_at_its_time_limit_is_sent_again_with_more_time(run, report):
    # No warning: it is sent five minutes before the end, and the end is one minute away.
    no_warning = ("--default-resources", "slurm_partition=gpu")
    snake = run.start(RESULT, options=(*CHECKPOINT_OFTEN, "train_stage:runtime=attempt", *no_warning))
    run.wait_for_training()
    # It hangs until Slurm loses patience.
    os.kill(*run.training(), signal.SIGSTOP)
    run.finish(snake)
    records = [(job["JobState"], job["TimeLimit"]) for job in run.jobs()]
    assert records[:2] == [("TIMEOUT", "00:01:00"), ("COMPLETED", "00:02:00")]
    assert [state for state, _ in records[2:]] == ["COMPLETED"]
    run.assert_as_undisturbed()
    report("time limit hit", f"{records[:2]}, results identical")


def test_a_requeued_job_starts_again_under_its_number(run, report):
    snake = run.start(RESULT)
    run.wait_for_training()
    requeued = run.job("RUNNING")
    run.cluster.command("scontrol", "requeue", requeued)
    run.finish(snake)
    restarts = {job["JobId"]: int(job["Restarts"]) for job in run.jobs()}
    assert restarts[requeued] == 1
    assert len(restarts) == 2
    assert len([allocation for allocation in run.allocations() if allocation.job == int(requeued)]) == 2
    run.assert_as_undisturbed()
    report("scontrol requeue", f"job {requeued} restarted once, results identical")


def test_a_job_whose_node_is_lost_runs_elsewhere_though_its_first_copy_goes_on(run, report):
    snake = run.start(RESULT)
    run.wait_for_training()
    job = run.job("RUNNING")
    (first,) = (allocation for allocation in run.allocations() if allocation.job == int(job))
    (copy,) = run.training()
    os.kill(copy, signal.SIGSTOP)
    run.cluster.kill_node(first.node)
    try:
        wait_until(lambda: len(run.training()) == 2, "the second copy", run.output, seconds=120)
        os.kill(copy, signal.SIGCONT)
        nodes = {allocation.node for allocation in run.allocations() if allocation.job == int(job)}
        run.finish(snake)
    finally:
        run.cluster.start_node(first.node)
    wait_until(lambda: run.cluster.node_states().get(first.node) == "idle", "the node's return", run.output)
    assert len(nodes) == 2
    wait_until(lambda: run.training() == [], "the end of the first copy", run.output)
    run.assert_as_undisturbed()
    report("slurmd killed", f"node {first.node} lost and back, two copies at once, results identical")


def test_jobs_outlive_a_restart_of_the_controller(run, report):
    snake = run.start(RESULT)
    run.wait_for_training()
    job = run.job("RUNNING")
    run.cluster.stop_controller()
    time.sleep(10)
    run.cluster.start_controller()
    run.finish(snake)
    jobs = run.jobs()
    (trained,) = [other for other in jobs if other["Comment"].startswith("rule_train_stage_")]
    assert (trained["JobId"], trained["JobState"], trained["Restarts"]) == (job, "COMPLETED", "0")
    run.assert_as_undisturbed()
    # A job that starts before the nodes have told a new controller of their GPUs fails, and is sent again.
    states = [other["JobState"] for other in jobs]
    report("slurmctld restarted during a job", f"{states}, results identical")


def test_after_a_killed_snakemake_its_orphan_job_may_train_beside_the_new_one(run, report):
    snake = run.start(RESULT)
    run.wait_for_training()
    orphan = run.job("RUNNING")
    (copy,) = run.training()
    os.kill(copy, signal.SIGSTOP)
    os.killpg(snake.pid, signal.SIGKILL)
    snake.wait()
    snakemake("--unlock", cwd=run.folder)
    again = run.start(RESULT)
    wait_until(lambda: len(run.training()) == 2, "the second copy", run.output)
    os.kill(copy, signal.SIGCONT)
    run.finish(again)
    wait_until(lambda: run.training() == [], "the end of the orphan", run.output)
    first, second, _ = run.jobs()
    assert first["JobId"] == orphan
    assert first["Comment"] == second["Comment"]
    run.assert_as_undisturbed()
    report("snakemake killed by SIGKILL, --unlock, rerun beside the orphan", "results identical")


def test_an_interrupted_snakemake_cancels_its_jobs_and_goes_on_when_called_again(run, report):
    snake = run.start(RESULT)
    run.wait_for_training()
    os.kill(snake.pid, signal.SIGINT)
    assert snake.wait(60) != 0
    wait_until(lambda: run.jobs()[0]["JobState"] == "CANCELLED", "the job's end", run.output)
    run.finish(run.start(RESULT))
    states = [job["JobState"] for job in run.jobs()]
    assert states == ["CANCELLED", "COMPLETED", "COMPLETED"]
    run.assert_as_undisturbed()
    report("snakemake interrupted (SIGINT)", f"{states}, results identical")
