"""After a finished run: what a second run does again, and what it leaves alone."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from project import change_config, planned_jobs, snakemake

from metaocl.artifacts.code_version import code_in, code_version

REPORTING = {"collect_metrics": 1, "estimate_effects": 1, "plot_training_curves": 1, "write_summary": 1}
TRAINING = {"train_base_model": 1, "train_stage": 4, "train_last_stage": 4}


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def code_versions(folder: Path) -> dict[str, str]:
    code_in.cache_clear()  # it reads a folder once
    return {script.stem: code_version(script) for script in (folder / "scripts").glob("write_*.py")}


def change_training_code(folder: Path) -> None:
    replace_in(
        folder / "scripts/metaocl/training/loop.py", "optimizer.zero_grad()", "optimizer.zero_grad(set_to_none=True)"
    )


def test_a_second_run_has_nothing_to_do(finished):
    assert planned_jobs(cwd=finished) == {}


def test_one_more_seed_runs_the_jobs_of_that_seed_only(finished):
    change_config(finished, lambda config: config["studies"]["tiny"]["seeds"].append(2))
    new = {"write_documents": 2, "train_stage": 2, "write_new_definitions": 2, "train_last_stage": 2}
    assert planned_jobs(cwd=finished) == new | REPORTING


def test_one_more_define_type_runs_its_cells_only(finished):
    def add(config):
        config["define_types"]["vte"] = {"order": "vte"}
        config["studies"]["tiny"]["define_types"].append("vte")

    change_config(finished, add)
    new = {"write_documents": 2, "train_stage": 2, "write_new_definitions": 2, "train_last_stage": 2}
    assert planned_jobs(cwd=finished) == new | REPORTING


def test_one_more_model_runs_its_cells_only(finished):
    def add(config):
        config["models"]["other"] = config["models"]["tiny"] | {"threads": 2}
        config["studies"]["tiny"]["models"].append("other")

    change_config(finished, add)
    assert planned_jobs(cwd=finished) == {"train_base_model": 1, "train_stage": 4, "train_last_stage": 4} | REPORTING


def test_a_study_that_shares_cells_adds_only_the_new_ones(finished):
    def add(config):
        config["studies"]["second"] = config["studies"]["tiny"] | {"seeds": [1, 2]}

    change_config(finished, add)
    jobs = planned_jobs("second", cwd=finished)
    assert jobs.pop("second") == 1
    new = {"write_documents": 2, "train_stage": 2, "write_new_definitions": 2, "train_last_stage": 2}
    assert jobs == new | REPORTING


def test_a_key_of_a_model_retrains_but_writes_no_documents(finished):
    change_config(finished, lambda config: config["models"]["tiny"]["base_training"].update(steps=21))
    assert planned_jobs(cwd=finished) == TRAINING | REPORTING


def test_a_key_of_a_data_set_leaves_its_facts_alone(finished):
    change_config(finished, lambda config: config["datasets"]["people"].update(held_out_share="1/3"))
    written = {"write_documents": 4, "write_new_definitions": 4, "train_stage": 4, "train_last_stage": 4}
    assert planned_jobs(cwd=finished) == written | REPORTING


def test_one_more_stage2_seed_reuses_stage_1(finished):
    change_config(finished, lambda config: config["studies"]["tiny"].update(stage2_seeds=[0, 1]))
    assert planned_jobs(cwd=finished) == {"write_new_definitions": 4, "train_last_stage": 4} | REPORTING


def test_one_seed_less_trains_nothing(finished):
    change_config(finished, lambda config: config["studies"]["tiny"].update(seeds=[0]))
    assert planned_jobs(cwd=finished) == REPORTING


def test_a_key_of_the_last_stage_reruns_that_stage_only(finished):
    change_config(finished, lambda config: config["plans"]["two_stages"]["stages"][1].update(epochs=3))
    assert planned_jobs(cwd=finished) == {"train_last_stage": 4} | REPORTING


def test_a_key_of_a_define_type_reruns_its_own_cells_only(finished):
    change_config(finished, lambda config: config["define_types"]["tve_uninformative"].update(alpha=0.4))
    own = {"write_documents": 2, "train_stage": 2, "write_new_definitions": 2, "train_last_stage": 2}
    assert planned_jobs(cwd=finished) == own | REPORTING


def test_what_only_figures_and_pages_show_reruns_nothing(finished):
    change_config(finished, lambda config: config["models"]["tiny"].update(parameters=1000))
    change_config(finished, lambda config: config["studies"]["tiny"].update(description="A tiny one."))
    assert planned_jobs(cwd=finished) == {}


def test_a_default_written_out_reruns_nothing(finished):
    change_config(finished, lambda config: config["define_types"]["tve"].update(alpha=1.0, tag_letters=6))
    assert planned_jobs(cwd=finished) == {}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("figures/training_curves.py", "axes.set_xlabel(", "axes.grid(True)\n    axes.set_xlabel("),
        ("figures/style.mplstyle", "figure.figsize", "lines.markersize: 3\nfigure.figsize"),
    ],
)
def test_new_looks_redraw_the_figures_only(finished, file, old, new):
    replace_in(finished / "scripts/metaocl" / file, old, new)
    assert planned_jobs(cwd=finished) == {"plot_training_curves": 1}


def test_a_new_caption_reruns_nothing(finished):
    with (finished / "workflow/report/training_curves.rst").open("a") as caption:
        caption.write("\nOne more sentence.\n")
    assert planned_jobs(cwd=finished) == {}


def test_new_training_code_retrains_but_writes_no_documents(finished):
    change_training_code(finished)
    assert planned_jobs(cwd=finished) == TRAINING | REPORTING


def test_old_results_can_be_kept_after_a_change_of_code(finished):
    change_training_code(finished)
    assert planned_jobs("--rerun-triggers", "mtime", "input", cwd=finished) == {}


def test_documents_that_stay_the_same_after_an_edit_of_what_writes_them_rerun_nothing_else(finished):
    writing = finished / "scripts/metaocl/documents/writing.py"
    replace_in(writing, "facts_of = group_facts(facts)", "facts_of = dict(group_facts(facts))")
    # Both scripts reach the function that was edited.
    assert planned_jobs("documents", cwd=finished) == {"write_documents": 4, "write_new_definitions": 4, "documents": 1}
    before = {path: path.read_bytes() for path in (finished / "results/documents").rglob("*.parquet")}
    assert len(before) == 16
    snakemake("documents", cwd=finished)
    assert {path: path.read_bytes() for path in before} == before
    assert planned_jobs(cwd=finished) == {}


def test_an_edit_of_what_only_stage_1s_documents_need_counts_for_their_script_alone(finished):
    before = code_versions(finished)
    replace_in(finished / "scripts/metaocl/documents/writing.py", "if len(about) < 2:", "if 2 > len(about):")
    after = code_versions(finished)
    assert {script for script in before if after[script] != before[script]} == {"write_documents"}
    assert planned_jobs("documents", "--until", "write_documents", cwd=finished) == {"write_documents": 4}


def test_a_definition_that_moves_to_another_module_reruns_nothing(finished):
    library = finished / "scripts/metaocl"
    text = (library / "training/optimizers.py").read_text()
    start = text.index("def stage_optimizer(")
    moved = text[start : text.index("\n\n\n", start)]
    imports = text[text.index("from __future__") : text.index("\n\n\ndef ")]
    more = "from metaocl.training.optimizers import _embeddings_apart, adamw"
    (library / "training/chosen.py").write_text(f"{imports}\n{more}\n\n\n{moved}\n")
    replace_in(library / "training/optimizers.py", moved, "")
    replace_in(
        library / "training/loop.py",
        "import adamw, linear_schedule, stage_optimizer",
        "import adamw, linear_schedule\nfrom metaocl.training.chosen import stage_optimizer",
    )
    assert planned_jobs(cwd=finished) == {}


def test_an_edit_of_a_measure_of_the_tables_trains_nothing(finished):
    replace_in(
        finished / "scripts/metaocl/statistics/study_tables.py", "above, below = ", "below = 0\n    above, below = "
    )
    assert planned_jobs(cwd=finished) == REPORTING


def test_a_message_reruns_nothing(finished):
    replace_in(finished / "scripts/metaocl/training/loop.py", "out of memory: going on", "no memory left: going on")
    replace_in(finished / "scripts/metaocl/documents/reading.py", "to train on", "to learn from")
    assert planned_jobs(cwd=finished) == {}


def test_which_weights_are_kept_is_no_reason_to_train(finished):
    change_config(finished, lambda config: config.update(keep="until_measured"))
    assert planned_jobs(cwd=finished) == {}


def test_comments_and_docstrings_rerun_nothing(finished):
    for script in (finished / "scripts").rglob("*.py"):
        script.write_text(f"# A comment.\n{script.read_text()}\n\n# Another one.\n")
    replace_in(finished / "scripts/metaocl/training/loop.py", '"""The training loops:', '"""All training loops:')
    replace_in(finished / "scripts/metaocl/training/loop.py", '"""Train on one batch,', '"""Train on a single batch,')
    assert planned_jobs(cwd=finished) == {}


def test_new_dates_without_new_content_rerun_nothing(finished):
    touched = [*(finished / "scripts").rglob("*.*"), *(finished / "results/documents").rglob("documents.parquet")]
    assert len(touched) > 20
    for path in touched:
        os.utime(path)
    assert planned_jobs(cwd=finished) == {}


def test_the_printed_commands_can_be_run_by_hand(finished):
    target = "results/documents/people/tve/seed0/stage2_seed0/documents.parquet"
    before = (finished / target).read_bytes()
    plan = snakemake("--dry-run", "--forceall", "--printshellcmds", target, cwd=finished)
    commands = re.findall(r"^Shell command: (.*)$", plan.stdout + plan.stderr, re.MULTILINE)
    assert [re.search(r"scripts/(\w+)", command)[1] for command in commands] == [
        "extract_facts",
        "write_documents",
        "write_new_definitions",
    ]
    (finished / target).unlink()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in commands:
        subprocess.run(["bash", "-c", command], cwd=finished, env=os.environ | {"PATH": path}, check=True)
    assert (finished / target).read_bytes() == before
