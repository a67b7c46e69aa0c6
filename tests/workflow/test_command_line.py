"""What is easily mistyped on the command line, or named unhappily, ends in one line that says what to do."""

import pytest
import yaml
from project import CONFIG, TINY, change_config, copy_project, snakemake


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("command line"))
    (folder / "page.md").write_text("# A target that is there")
    return folder


def said(run):
    """What a refused run printed, but for the line that names its profile."""
    output = run.stdout + run.stderr
    assert run.returncode == 1, output
    assert "Traceback" not in output
    return [line for line in output.splitlines() if line and not line.startswith("Using ")]


@pytest.mark.parametrize("target", ["tiny", "results/facts/people/facts.parquet", "page.md"])
def test_a_target_after_configfile_is_told_where_to_go(project, target):
    [line] = said(snakemake("--configfile", CONFIG, target, "--dry-run", cwd=project, check=False))
    assert line == (
        f"error: {target} is no configuration, and all words after --configfile must be; put targets first: "
        f"snakemake {target} --configfile {CONFIG}"
    )


def test_a_configuration_that_is_not_there_is_named(project):
    [line] = said(snakemake("--configfile", "nowhere.yaml", "--dry-run", cwd=project, check=False))
    assert line == "error: --configfile nowhere.yaml: there is no such file"


def test_a_target_before_configfile_or_behind_dashes_is_planned(project):
    for words in (("second.yaml", "--", "tiny"), ("second.yaml", CONFIG)):
        (project / "second.yaml").write_text(TINY.read_text())
        snakemake("--dry-run", "--configfile", *words, cwd=project)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("all", "the name of a rule"),
        ("prepare_model", "the name of a rule"),
        ("claims", "the name of a page of verdicts on all studies"),
        ("hypotheses", "the name of a page of verdicts on all studies"),
        ("class", "a name that is a word of Snakemake's own"),
        ("rule", "a name that is a word of Snakemake's own"),
    ],
)
def test_a_study_takes_no_name_that_means_something_else(project, name, meaning):
    config = yaml.safe_load(TINY.read_text())
    config |= {"study": name, "studies": {name: config["studies"]["tiny"]}}
    (project / "named.yaml").write_text(yaml.safe_dump(config))
    lines = said(snakemake("--dry-run", "--configfile", "named.yaml", cwd=project, check=False))
    message = f"{project / 'named.yaml'}: studies.{name} has {meaning}; give it another one"
    assert [line for line in lines if f"studies.{name}" in line] == [message]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("seeds: [0, 1]", "seeds: [010, 011]", ["line {}: studies.tiny.seeds.0: 010 is read as 8"]),
        ("entities: 24", "entities: 1:30", ["line {}: datasets.people.entities: 1:30 is read as 90"]),
        ("  tve:\n", "  tve: {alpha: 0.5}\n  tve:\n", ["define_types.tve is given 2 times, in lines {} and"]),
    ],
)
def test_yaml_that_people_read_otherwise_is_told_with_file_and_lines(project, old, new, told):
    text = TINY.read_text()
    assert old in text
    (project / "misread.yaml").write_text(text.replace(old, new, 1))
    line = text[: text.index(old)].count("\n") + 1
    lines = said(snakemake("--dry-run", "--configfile", "misread.yaml", cwd=project, check=False))
    for words in told:
        assert any(f"{project / 'misread.yaml'}: {words.format(line)}" in each for each in lines)


def test_a_warm_up_longer_than_a_stage_is_told_before_anything_runs(project):
    change_config(project, lambda config: config["plans"]["two_stages"]["stages"][0].update(warmup_steps=1000))
    lines = said(snakemake("--dry-run", cwd=project, check=False))
    assert any("plans.two_stages.stages.0.warmup_steps is 1000; on people the stage ends" in line for line in lines)
