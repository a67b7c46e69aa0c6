"""A configuration in layers is planned as one file that holds it all, and shares what its layers have in common."""

import re
import shlex
import subprocess
import sys

import pytest
import yaml
from project import CONFIG, ROOT, change_config, copy_project, planned_jobs, snakemake

from metaocl.config.layers import merged, read_layers

PAGE = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
REPORTING = {"collect_metrics": 1, "estimate_effects": 1, "plot_training_curves": 1, "write_summary": 1}
ONE_CELL = {"write_documents": 1, "train_stage": 1, "write_new_definitions": 1, "train_last_stage": 1}


def page_files(extended="config/config.yaml"):
    """The files of the page's example, by name, over the configuration that it names or over another one."""
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
    return {name: text.replace("extends: config/config.yaml", f"extends: {extended}") for name, text in blocks}


def write_files(folder, files):
    for name, text in files.items():
        (folder / name).write_text(text)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project where nothing was run yet, with the files of the page."""
    folder = copy_project(tmp_path_factory.mktemp("layers"))
    write_files(folder, page_files())
    return folder


def plan(folder, *words):
    """What Snakemake alone, as a user calls it, prints of a dry run."""
    command = [sys.executable, "-m", "snakemake", *words]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


def test_the_commands_of_the_page_plan_what_it_says(project):
    commands = [shlex.split(line, comments=True) for line in re.findall(r"^snakemake -n .*$", PAGE, re.MULTILINE)]
    plans = [plan(project, *words) for _, *words in commands]
    assert [status for status, _ in plans] == [0, 0, 0], plans
    stages = [int(re.search(r"^train_last_stage +(\d+)$", output, re.MULTILINE)[1]) for _, output in plans]
    assert stages == [2 * 3, 2 * 1, 2 * 12]


def test_the_table_of_the_page_is_what_the_layers_resolve_to(project):
    layers = read_layers([project / name for name in page_files()], {"study": "laptop"})
    assert [layer.file and layer.file.name for layer in layers] == ["config.yaml", "my.yaml", "few.yaml", None]
    config, below = merged(layers), layers[0].keys
    assert config["study"] == "laptop"
    assert config["studies"]["laptop"] == below["studies"]["laptop"]
    assert config["studies"]["mine"]["seeds"] == [0]
    assert config["studies"]["mine"]["define_types"] == ["tve", "late"]
    assert list(config["define_types"]) == ["tve", "tve_uninformative", "late"]
    assert all(config[section] == below[section] for section in ("plans", "models", "datasets"))


@pytest.mark.parametrize("words", [["study=laptop"], ["study=laptop", "keep=until_measured"]])
def test_the_command_line_lies_over_the_default_configuration(project, words):
    status, output = plan(project, "-n", "--config", *words)
    assert status == 0, output
    assert "results/tables/laptop/metrics.csv" in output


def test_a_study_of_the_command_line_that_is_not_there_is_told_with_the_layers(project):
    status, output = plan(project, "-n", "--config", "study=lap")
    assert status == 1
    assert "--config over config/config.yaml: study is 'lap'; declared studies: laptop" in output.splitlines()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "extends: gone.yaml",
            "{my}: extends is 'gone.yaml', from this file's folder; there is no file {folder}/gone.yaml",
        ),
        ("extends: my2.yaml", "{my}: extends is 'my2.yaml', a circle: {my} → {my}"),
        (
            f"extends: {CONFIG}\nstudies: {{tiny: {{seeds: [-1]}}}}",
            "{my} over {folder}/tiny.yaml: studies.tiny.seeds.0: Input should be greater than or equal to 0 (got -1)",
        ),
        (
            f"extends: {CONFIG}\nstudies: {{tinny: {{seeds: [0]}}}}",
            "{my}: {folder}/tiny.yaml has no studies.tinny to change (did you mean tiny?), and a new one needs "
            "datasets, define_types, models, plans",
        ),
        (
            f"extends: {CONFIG}\nclaims: [gone.yaml]",
            "{my} over {folder}/tiny.yaml: claims has 'gone.yaml'; {folder} has no such file",
        ),
        (
            f"extends: {CONFIG}\nmodels: {{tiny: {{threads: 2}}}}",
            "{my}: changes models.tiny of {folder}/tiny.yaml, whose results are in results/; give what is changed a "
            "name of its own, or name another folder, for example `pathvars: {{results: results/my2}}`",
        ),
    ],
)
def test_what_cannot_be_laid_over_anything_ends_snakemake_with_one_line(project, text, message):
    (project / "my2.yaml").write_text(text)
    status, output = plan(project, "-n", "--configfile", "my2.yaml")
    assert status == 1
    assert "Traceback" not in output
    assert message.format(my=project / "my2.yaml", folder=project) in output.splitlines()


def test_a_file_that_adds_a_seed_plans_the_jobs_of_that_seed_only(finished):
    write_files(finished, {"my.yaml": f"extends: {CONFIG}\nstudies: {{tiny: {{seeds: [0, 1, 2]}}}}\n"})
    jobs = {rule: 2 * count for rule, count in ONE_CELL.items()}
    assert planned_jobs("--configfile", "my.yaml", cwd=finished) == jobs | REPORTING
    assert planned_jobs(cwd=finished) == {}


def test_cells_that_a_layer_shares_run_no_more(finished):
    write_files(finished, page_files(CONFIG))
    assert planned_jobs("--configfile", "my.yaml", "few.yaml", cwd=finished) == ONE_CELL | REPORTING
    assert planned_jobs("--configfile", "my.yaml", "--config", "study=tiny", cwd=finished) == {}


def test_an_entry_that_is_changed_is_trained_anew_in_a_folder_of_its_own_and_in_place_where_that_is_said(finished):
    text = f"extends: {CONFIG}\nmodels: {{tiny: {{threads: 2}}}}\npathvars: {{results: RESULTS}}\n"
    write_files(finished, {"my.yaml": text.replace("RESULTS", "results/mine")})
    assert planned_jobs("--configfile", "my.yaml", cwd=finished)["extract_facts"] == 1
    write_files(finished, {"my.yaml": text.replace("RESULTS", "results")})
    jobs = planned_jobs("--configfile", "my.yaml", cwd=finished)
    assert jobs == {"train_base_model": 1, "train_stage": 4, "train_last_stage": 4} | REPORTING


def test_claims_and_hypotheses_of_several_files_are_judged_by_the_studies_that_they_name(project):
    part = {"contrast": "ocl", "must_be": "above"}
    about = {"id": "mine", "statement": "It is so."}
    claims = [about | {"tests": [{"study": "mine", "parts": [part]}]}]
    predictions = [about | {"id": "seen", "study": "tiny"} | part]
    files = {
        "my claims.yaml": yaml.safe_dump({"claims": claims}),
        "mine.yaml": yaml.safe_dump({"hypotheses": [about | {"bed": "tiny", "predictions": predictions}]}),
        "judged.yaml": f"extends: {CONFIG}\nclaims: [config/claims.yaml, my claims.yaml]\nhypotheses: [mine.yaml]\n"
        "studies: {mine: {datasets: [people], define_types: [tve], models: [tiny], plans: [two_stages], seeds: [0]}}\n",
    }
    write_files(project, files)
    _, output = plan(project, "-n", "mechanisms", "--configfile", "judged.yaml")
    gaps = "--gaps {0}=results/tables/{0}/gaps.parquet --axis"
    assert f"judge_claims.py --claims config/claims.yaml 'my claims.yaml' {gaps.format('mine')}" in output
    assert f"judge_hypotheses.py --hypotheses mine.yaml {gaps.format('tiny')}" in output
    jobs = planned_jobs("results/summaries/claims.md", "--configfile", "judged.yaml", cwd=project)
    assert jobs["estimate_effects"] == 1


def test_the_folder_of_a_layer_is_where_results_go_and_status_looks(tmp_path):
    folder = copy_project(tmp_path / "project")
    change_config(folder, lambda config: config.update(pathvars={"results": "results/below"}))
    (folder / "mine").mkdir()
    write_files(folder / "mine", {"my.yaml": f"extends: ../{CONFIG}\nstudies: {{tiny: {{seeds: [5]}}}}\n"})
    facts = "results/below/facts/people/facts.parquet"
    snakemake(facts, "--configfile", "mine/my.yaml", cwd=folder)
    assert (folder / facts).is_file()
    command = [sys.executable, "scripts/tools/status.py", "mine/my.yaml"]
    printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    assert re.search(r"^tiny +0/1 +0/4 ", printed, re.MULTILINE), printed
