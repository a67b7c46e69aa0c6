"""The archive of a finished study: everything is in it, described and whole, and nothing of anybody's machine."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest
import yaml
from huggingface_hub import DatasetCard, ModelCard
from project import LAST_STAGE, ROOT, assert_nothing_ran, change_config, snakemake
from rocrate.rocrate import ROCrate

from metaocl.artifacts.code_version import reached_definitions
from metaocl.config.layers import load_config
from metaocl.config.parsing import canonical_json, parse_config
from metaocl.studies import read_study

ARCHIVE = "results/archives/tiny.zip"
DESCRIPTION = """`touch hacked` "tags" | {study} --- <b>\nlicense: mit\n$(touch hacked) 'α'"""
CLAIM = {
    "id": "mine",
    "statement": "New aliases | are *answered*.",
    "tests": [{"study": "tiny", "minimum_seeds": 2, "parts": [{"contrast": "meta_ocl", "must_be": "above"}]}],
}


@pytest.fixture(scope="module")
def project(finished_run, tmp_path_factory) -> Path:
    """A finished study that is archived, with a hostile description and a claim about it."""
    folder = shutil.copytree(finished_run, tmp_path_factory.mktemp("archived") / "project", symlinks=True)
    (folder / "mine.yaml").write_text(yaml.safe_dump({"claims": [CLAIM]}))

    def change(config):
        config["studies"]["tiny"]["description"] = DESCRIPTION
        config["claims"] = ["mine.yaml"]

    change_config(folder, change)
    said = snakemake("archive", cwd=folder)
    (folder / "said").write_text(said.stdout + said.stderr)
    return folder


def archive_again(project: Path, place: str) -> subprocess.CompletedProcess[str]:
    """What the job's own command does, with the zip in another place."""
    words = re.search(r"Shell command: python (.*archive_study\.py.*) --log", (project / "said").read_text())[1]
    command = f"{sys.executable} {words.replace(ARCHIVE, place)}"
    return subprocess.run(["bash", "-c", command], cwd=project, capture_output=True, text=True)


@pytest.fixture(scope="module")
def unpacked(project) -> Path:
    with ZipFile(project / ARCHIVE) as archive:
        archive.extractall(project.parent / "unpacked")
    return project.parent / "unpacked"


def test_a_crate_describes_every_file_and_each_is_as_it_says(project, unpacked):
    crate = ROCrate(project / ARCHIVE)
    described = {entity.id: entity for entity in crate.data_entities}
    files = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert described.keys() == files - {"ro-crate-metadata.json"}
    assert len(files) >= 20
    for name, entity in described.items():
        assert entity["description"]
        assert "/" in entity["encodingFormat"]
        if name != "SHA256SUMS":
            content = (unpacked / name).read_bytes()
            said = (entity["sha256"], entity["contentSize"])
            assert said == (hashlib.sha256(content).hexdigest(), str(len(content)))
    checked = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=unpacked, capture_output=True)
    assert checked.returncode == 0, checked.stderr
    assert len((unpacked / "SHA256SUMS").read_text().splitlines()) == len(files) - 1


def test_a_crate_says_what_made_the_study_and_when(project):
    crate = ROCrate(project / ARCHIVE)
    records = [json.loads(path.read_text()) for path in (project / "results/stages").rglob("stage2_seed*/run.json")]
    assert crate.datePublished.isoformat() == max(record["finished"] for record in records)
    assert crate.description == DESCRIPTION
    (run,) = crate.get_by_type("CreateAction")
    assert {entity.id for entity in run["result"]} >= {"summaries/tiny.md", "figures/tiny/training_curves.png"}
    requirements = {each["name"]: each["version"] for each in run["instrument"]["softwareRequirements"]}
    assert requirements == {**records[0]["packages"], "python": records[0]["python"]}
    (facts,) = [each for each in run["object"] if each.id == "#facts-people"]
    assert facts["license"].id == "https://creativecommons.org/licenses/by-sa/3.0/"


def test_nothing_of_the_machine_is_in_an_archive(unpacked, project):
    local = [str(project), str(ROOT), sys.prefix, platform.release()]
    for path in (path for path in unpacked.rglob("*") if path.is_file()):
        assert [text for text in local if text.encode() in path.read_bytes()] == [], path
    assert_nothing_ran(project)


def test_the_same_results_give_the_same_bytes(project):
    assert archive_again(project, "again.zip").stderr == ""
    assert (project / "again.zip").read_bytes() == (project / ARCHIVE).read_bytes()


def test_a_finished_study_is_archived_by_one_job(project):
    jobs = re.findall(r"^(\w+) +\d$", (project / "said").read_text(), re.MULTILINE)
    assert sorted(jobs) == ["archive", "archive_study", "total"]


def test_an_unpacked_study_can_be_read_and_its_settings_are_those_it_was_made_with(project, unpacked):
    study, made = (read_study(folder, "tiny") for folder in (unpacked, project / "results"))
    pd.testing.assert_frame_equal(study.effects, made.effects)
    assert study.summary == made.summary
    config = load_config(project / "tiny.yaml")
    archived = parse_config(yaml.safe_load((unpacked / "settings.yaml").read_text()), "settings.yaml")
    assert archived.studies["tiny"] == config.studies["tiny"]
    assert canonical_json(archived.plans["two_stages"]) == canonical_json(config.plans["two_stages"])


def test_claims_about_the_study_are_judged_and_no_others(unpacked):
    table = pd.read_csv(unpacked / "tables/claims.csv")
    assert table[["claim", "study", "verdict", "n_seeds"]].values.tolist() == [["mine", "tiny", "inconclusive", 2]]
    assert r"| New aliases \| are *answered*. |" in (unpacked / "summaries/claims.md").read_text()
    assert yaml.safe_load((unpacked / "claims.yaml").read_text()) == {"claims": [CLAIM]}


def test_cards_of_all_models_and_data_sets_are_read_by_the_hubs_own_library(unpacked, project):
    cards = {path.parent: ModelCard.load(path) for path in (unpacked / "stages").rglob("README.md")}
    assert len(cards) == 2 * 2  # define types, seeds
    metrics = pd.read_parquet(project / "results/tables/tiny/metrics.parquet")
    end = metrics.query("define_type == 'tve' and seed == 0 and stage == 2 and epoch == 2 and measure == 'exact_match'")
    card = cards[unpacked / LAST_STAGE.removeprefix("results/")]
    found = {(each.dataset_split, each.metric_args["subset"]): each.metric_value for each in card.data.eval_results}
    assert found == pytest.approx(end.set_index(["test_set", "subset"])["value"].to_dict(), abs=1e-6)
    weights = hashlib.sha256((project / LAST_STAGE / "model/model.safetensors").read_bytes()).hexdigest()
    assert weights in card.text
    assert DatasetCard.load(unpacked / "facts/people/README.md").data.license == "cc-by-sa-3.0"


def test_a_study_that_is_not_finished_is_told_in_one_line(project, tmp_path):
    (project / "results/summaries/tiny.json").rename(tmp_path / "tiny.json")
    run = archive_again(project, "unfinished.zip")
    shutil.move(tmp_path / "tiny.json", project / "results/summaries")
    assert run.returncode == 1
    assert run.stderr == "error: results: has no finished study 'tiny'; there are tiny\n"


def test_what_the_page_says_of_reading_an_archive_is_so(project, tmp_path):
    page = (ROOT / "docs/publishing.md").read_text().partition("## Read one\n")[2].replace("laptop", "tiny")
    shell, python = re.search(r"```\n(.*?)```\n\n```python\n(.*?)```", page, re.DOTALL).groups()
    shutil.copy(project / ARCHIVE, tmp_path)
    unpacked = subprocess.run(["bash", "-euc", shell], cwd=tmp_path, capture_output=True, text=True)
    assert unpacked.returncode == 0, unpacked.stderr
    command = [sys.executable, "-c", python]
    environment = {"PYTHONPATH": str(ROOT / "scripts")}
    read = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
    assert "Study tiny of metaocl" in read.stdout
    assert "meta_ocl" in read.stdout


@pytest.mark.parametrize(
    ("given", "asked"), [([], "config/config.yaml"), (["CONFIG=a.yaml", "STUDY=b"], "a.yaml --config study=b")]
)
def test_make_asks_snakemake_for_the_archive(given, asked):
    made = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "--assume-old=.venv/installed", "archive", *given],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert made.stdout.splitlines()[-1].replace('"', "").strip() == f"snakemake archive --configfile {asked}"


def test_only_the_archive_is_made_again_after_an_edit_of_what_makes_it():
    own = {"metaocl.reports.archives", "metaocl.reports.cards", "metaocl.reports.crates", "metaocl.reports.records"}
    reached = {
        script.stem: own & {module for module, _ in reached_definitions(script)}
        for script in (ROOT / "scripts").glob("*.py")
    }
    assert {script for script, modules in reached.items() if modules} == {"archive_study"}
    assert reached["archive_study"] == own
