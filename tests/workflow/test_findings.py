"""What a run prints at its end was made or checked in that run, and bears the name of its study."""

import re

from project import change_config, snakemake


def studies_printed(run):
    return re.findall(r"^Study (.*):$", run.stdout, re.MULTILINE)


def draw_otherwise(folder):
    with (folder / "scripts/metaocl/figures/style.mplstyle").open("a") as style:
        style.write("lines.markersize: 3\n")


def test_a_run_that_does_not_look_at_the_summary_prints_none(finished):
    draw_otherwise(finished)
    change_config(finished, lambda config: config["studies"]["tiny"].update(seeds=[0]))
    assert (finished / "results/summaries/tiny.md").is_file()
    run = snakemake("figures", cwd=finished)
    assert "plot_training_curves" in run.stdout + run.stderr
    assert studies_printed(run) == []
    assert "OCL" not in run.stdout


def test_a_run_prints_the_study_that_ran_with_what_it_made(finished):
    change_config(finished, lambda config: config["studies"].update(second=config["studies"]["tiny"] | {"seeds": [0]}))
    run = snakemake("second", cwd=finished)
    assert studies_printed(run) == ["second"]
    assert "results/summaries/second.md" in run.stdout.splitlines()
    assert "results/summaries/tiny.md" not in run.stdout


def test_a_summary_that_is_up_to_date_is_printed_with_the_rest(finished):
    draw_otherwise(finished)
    run = snakemake(cwd=finished)
    assert "write_summary" not in run.stdout + run.stderr
    assert studies_printed(run) == ["tiny"]


def test_touching_files_finds_nothing(finished):
    draw_otherwise(finished)
    assert studies_printed(snakemake("--touch", cwd=finished)) == []
