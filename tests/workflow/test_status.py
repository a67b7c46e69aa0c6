"""How far a configuration's studies are, as a tool tells it."""

import shutil
import subprocess
import sys

from project import CONFIG, LAST_STAGE, STAGE1


def status(folder):
    """The row of each study, split into words, and all that is printed."""
    command = [sys.executable, "scripts/tools/status.py", CONFIG]
    printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return {words[0]: words[1:] for line in printed.splitlines() if (words := line.split())}, printed


def test_a_finished_study_is_done_and_its_shared_cells_count_for_another(finished):
    rows, _ = status(finished)
    assert rows["tiny"] == ["1/1", "8/8", "0", "0", "0"]
    assert rows["plans"][:2] == ["1/1", "2/6"]


def test_what_is_left_started_and_failed_is_told_apart(finished):
    for stage in (STAGE1, LAST_STAGE, STAGE1.replace("seed0", "seed1")):
        shutil.rmtree(finished / stage)
    logs = finished / "results/logs"
    failed = STAGE1.replace("results/stages", "results/logs/train_stage") + ".log"
    (finished / failed).write_text("read documents\nerror: no memory\n\n")
    (logs / STAGE1.replace("results/stages", "train_stage").replace("seed0", "seed1")).with_suffix(".log").write_text(
        ""
    )
    (finished / LAST_STAGE.replace("results/stages", "results/logs/train_last_stage")).with_suffix(".log").unlink()
    rows, printed = status(finished)
    assert rows["tiny"][:4] == ["1/1", "5/8", "1", "1"]
    assert printed.splitlines()[-1] == f"failed: {failed}: error: no memory"
    assert float(rows["tiny"][4]) >= 0


def test_facts_that_could_not_be_made_are_told(finished):
    shutil.rmtree(finished / "results/facts/people")
    (finished / "results/logs/extract_facts/people.log").write_text("error: people.csv: has no rows\n")
    rows, printed = status(finished)
    assert rows["tiny"][:4] == ["1/1", "8/8", "0", "1"]
    assert "failed: results/logs/extract_facts/people.log: error: people.csv: has no rows" in printed.splitlines()


def test_what_is_left_takes_as_long_as_what_was_done_of_the_same_data_model_and_plan(finished):
    for rule, minutes in (("train_stage", 100), ("train_last_stage", 3)):
        for path in (finished / "results/benchmarks" / rule).rglob("*.tsv"):
            path.write_text(f"s\th:m:s\n{60 * minutes}\t-\n")
    (finished / LAST_STAGE / "metrics.parquet").unlink()
    rows, _ = status(finished)
    assert rows["tiny"] == ["1/1", "7/8", "1", "0", "3"]


def test_the_time_of_what_was_never_measured_is_unknown(finished):
    shutil.rmtree(finished / "results/base_models")
    shutil.rmtree(finished / "results/benchmarks/train_base_model")
    rows, _ = status(finished)
    assert rows["tiny"][0] == "0/1"
    assert rows["tiny"][-1] == "?"
