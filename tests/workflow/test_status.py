"""How far a configuration's studies are, as a tool tells it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project import CONFIG, LAST_STAGE, ROOT, STAGE1, change_config, snakemake

from tools.status import FIRST_MODELS, OTHERS, Job

TRACEBACK = 'Traceback (most recent call last):\n  File "scripts/train_stage.py", line 9, in <module>\n    main()\n'
CUDA = "CUDA error: device-side assert triggered"

# What a log of a job ends in, and what is told of it.
FAILURES = {
    "several lines of CUDA's": (
        f"{TRACEBACK}torch.AcceleratorError: {CUDA}\nFor debugging\nCompile with `TORCH_USE_CUDA_DSA`\n",
        f"torch.AcceleratorError: {CUDA}",
    ),
    "weights that do not fit": (
        f'{TRACEBACK}RuntimeError: Error(s) in loading state_dict for M:\n\tMissing key(s): "a".\n',
        "RuntimeError: Error(s) in loading state_dict for M:",
    ),
    "exception that is no Error": (
        f"{TRACEBACK}pyarrow.lib.ArrowInvalid: not a Parquet file\n",
        "pyarrow.lib.ArrowInvalid: not a Parquet file",
    ),
    "exception behind another": (
        f"{TRACEBACK}KeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\n"
        f"{TRACEBACK}ValueError: b\n",
        "ValueError: b",
    ),
    "message and a warning of Python's": (
        "error: no space left\nresource_tracker: There appear to be 1 leaked semaphore objects\n",
        "error: no space left",
    ),
    "message of two lines": ("read documents\nerror: one is missing\nanother is missing\n", "error: one is missing"),
    "message behind a bar": (" 33%|███ | 1/3\r 66%|███ | 2/3\nerror: loss is nan\n", "error: loss is nan"),
    "arguments that are none": (
        "usage: train_stage.py\ntrain_stage.py: error: unrecognized arguments: --a\n",
        "train_stage.py: error: unrecognized arguments: --a",
    ),
    "end of C++": (
        f"terminate called after throwing an instance of 'c10::Error'\n  what():  {CUDA}\n",
        f"what():  {CUDA}",
    ),
    "kill by Slurm": (
        "slurmstepd: error: Detected 1 oom_kill event in StepId=7.0\nslurmstepd: done\n",
        "slurmstepd: error: Detected 1 oom_kill event in StepId=7.0",
    ),
    "kill, as a shell has it": ("read documents\nKilled\n", "Killed"),
}

# What a job may say that runs, or that was stopped.
STARTED = {
    "nothing": "",
    "a bar": "\r  0%|          | 0/3 [00:00<?, ?epoch/s]\r 33%|███ | 1/3",
    "an error in words": "mean error: 0.3 of all questions\nValueError is what a wrong number would be\n",
    "Ctrl-C": f"{TRACEBACK}KeyboardInterrupt\n",
    "the end of an object": f"Exception ignored in: <function f at 0x7f>\n{TRACEBACK}TypeError: a\n 33%|███ | 1/3",
}


def status(folder):
    """The row of each study, split into words, and all that is printed."""
    command = [sys.executable, "scripts/tools/status.py", CONFIG]
    printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return {words[0]: words[1:] for line in printed.splitlines() if (words := line.split())}, printed


def test_a_finished_study_is_done_and_its_shared_cells_count_for_another(finished):
    rows, _ = status(finished)
    assert rows["tiny"] == ["1/1", "8/8", "–", "0", "0", "0"]
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
    assert rows["tiny"][:5] == ["1/1", "5/8", "–", "1", "1"]
    assert printed.splitlines()[-1] == f"failed: {failed}: error: no memory"
    assert float(rows["tiny"][5]) >= 0


def test_facts_that_could_not_be_made_are_told(finished):
    (finished / "results/facts/people/facts.parquet").unlink()
    (finished / "results/logs/extract_facts/people.log").write_text("error: people.csv: has no rows\n")
    rows, printed = status(finished)
    assert rows["tiny"][:5] == ["1/1", "8/8", "–", "0", "1"]
    assert "failed: results/logs/extract_facts/people.log: error: people.csv: has no rows" in printed.splitlines()


def test_what_is_left_takes_as_long_as_what_was_done_of_the_same_data_model_and_plan(finished):
    for rule, minutes in (("train_stage", 100), ("train_last_stage", 3)):
        for path in (finished / "results/benchmarks" / rule).rglob("*.tsv"):
            path.write_text(f"s\th:m:s\n{60 * minutes}\t-\n")
    (finished / LAST_STAGE / "metrics.parquet").unlink()
    rows, _ = status(finished)
    assert rows["tiny"] == ["1/1", "7/8", "–", "1", "0", "3"]


def test_the_time_of_what_was_never_measured_is_unknown(finished):
    shutil.rmtree(finished / "results/base_models")
    shutil.rmtree(finished / "results/benchmarks/train_base_model")
    rows, _ = status(finished)
    assert rows["tiny"][0] == "0/1"
    assert rows["tiny"][-1] == "?"


@pytest.fixture
def job(tmp_path):
    """Gives a job whose log holds a text."""

    def written(text):
        (tmp_path / "job.log").write_text(text)
        return Job("stage", ("stage",), tmp_path / "made", tmp_path / "job.log", tmp_path / "job.tsv")

    return written


@pytest.mark.parametrize(("text", "told"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_told_by_the_line_that_names_it(job, text, told):
    failed = job(text)
    assert (failed.state, failed.failure) == ("failed", told)


@pytest.mark.parametrize("text", STARTED.values(), ids=STARTED)
def test_a_job_that_has_not_failed_is_started(job, text):
    assert job(text).state == "started"


def test_a_job_that_is_killed_without_a_word_has_failed_until_it_is_started_again(finished):
    (finished / "results/facts/people/facts.parquet").unlink()
    script = "import os, sys\nopen(sys.argv[-1], 'w').close()\nos.kill(os.getpid(), 9)\n"
    (finished / "scripts/extract_facts.py").write_text(script)
    snakemake("results/facts/people/facts.parquet", cwd=finished, check=False, cold=True)
    log = finished / "results/logs/extract_facts/people.log"
    assert log.read_text() == ""
    rows, printed = status(finished)
    assert rows["tiny"][3:5] == ["0", "1"]
    assert f"failed: {log.relative_to(finished)}: its command died with <Signals.SIGKILL: 9>" in printed.splitlines()
    os.utime(log, times=(log.stat().st_atime, log.stat().st_mtime + 60))
    assert status(finished)[0]["tiny"][3:5] == ["1", "0"]


@pytest.mark.parametrize(
    ("log", "made"),
    [
        ("prepare_model/hub", "pretrained_models"),
        ("write_documents/people/tve/seed0", "documents/people/tve/seed0/documents.parquet"),
        ("estimate_effects/tiny", "tables/tiny/effects.parquet"),
        ("judge_claims", "summaries/claims.md"),
    ],
)
def test_jobs_that_train_nothing_fail_too(finished, log, made):
    def change(config):
        config["models"]["hub"] = {"pretrained": {"hub": "a/b", "revision": "v1"}}
        config["studies"]["tiny"]["models"].append("hub")

    change_config(finished, change)
    (finished / "results" / made).unlink(missing_ok=True)
    path = finished / f"results/logs/{log}.log"
    path.parent.mkdir(exist_ok=True)
    path.write_text("error: nobody is there\n")
    rows, printed = status(finished)
    assert rows["tiny"][3:5] == ["0", "1"]
    assert printed.splitlines()[-1] == f"failed: results/logs/{log}.log: error: nobody is there"


def test_measurements_are_counted_and_take_their_time(finished):
    def change(config):
        config["measurements"] = {"readout": {"kind": "readout_overlap"}}
        config["studies"]["tiny"]["measurements"] = ["readout"]

    change_config(finished, change)
    assert status(finished)[0]["tiny"] == ["1/1", "8/8", "0/4", "0", "0", "?"]
    measured = Path(LAST_STAGE.removeprefix("results/stages/"), "readout")
    made = finished / LAST_STAGE / "measurements/readout.parquet"
    benchmark = finished / f"results/benchmarks/measure_readout_overlap/{measured}.tsv"
    log = finished / f"results/logs/measure_readout_overlap/{measured}.log".replace("seed0/stage2", "seed1/stage2")
    for path in (made, benchmark, log):
        path.parent.mkdir(parents=True)
    made.touch()
    benchmark.write_text("s\th:m:s\n120\t-\n")
    log.write_text("error: no rows\n")
    assert status(finished)[0]["tiny"] == ["1/1", "8/8", "1/4", "0", "1", "6"]


def test_every_rule_that_has_a_log_is_looked_for():
    rules = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    blocks = re.split(r"^ *(?:use )?rule ", rules, flags=re.MULTILINE)
    logs = {log: block for block in blocks for log in re.findall(r'"<logs>/(.+)\.log"', block)}
    assert len(logs) > 30
    patterns = {tuple(re.sub(r"[\w-]+\.gz$", "{file}", path) for path in pair) for pair in OTHERS.items()}
    for made, log in patterns:
        assert f"<results>/{made.removesuffix('.png')}" in logs.pop(log, "")
    others = {log.partition("/")[0] for log in logs}
    of_cells = {rule for rule in others if rule.startswith(("train_", "measure_"))}
    assert others - of_cells == set(FIRST_MODELS.values()) - {"train_base_model"}
