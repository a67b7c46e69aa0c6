"""Linters, formatters and the type checker are content, no source runs texts; generated files and pins are in step."""

import ast
import json
import os
import pydoc
import re
import shlex
import subprocess
import sys
from importlib.metadata import distributions, packages_distributions, requires, version
from pathlib import Path

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from project import ROOT

MAIN_PACKAGES = {"snakemake", "torch", "transformers", "datasets", "pandas", "matplotlib"}
# What tests, linters and the type checker need, and no job.
FOR_DEVELOPERS = {"datasets", "hypothesis", "mypy", "pytest", "pytest-xdist", "ruff", "snakefmt", "types-pyyaml"}
INSTALLED = {canonicalize_name(distribution.name) for distribution in distributions()}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)


def pins(lines: list[str]) -> dict[str, str]:
    """Versions by package, of the lines that have the form name==version."""
    found = re.findall(r"^([\w.-]+)==([^\s;\\]+)", "\n".join(lines), re.MULTILINE)
    return {name.lower().replace("_", "-"): pinned.partition("+")[0] for name, pinned in found}


@pytest.fixture(scope="module")
def locked():
    return pins((ROOT / "requirements.txt").read_text().splitlines())


def conda_environment(file: str) -> tuple[dict, dict[str, str]]:
    """A file of conda's: what it says beside the packages that pip installs, and the versions of these."""
    content = yaml.safe_load((ROOT / file).read_text())
    (pip,) = [entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict)]
    others = [entry for entry in content["dependencies"] if isinstance(entry, str)]
    return {"channels": content["channels"], "dependencies": others}, pins(pip)


@pytest.fixture(scope="module")
def environment():
    return conda_environment("environment.yml")[1]


def installed_with(packages: set[str]) -> set[str]:
    """These packages and all that they require, without their extras."""
    found: set[str] = set()
    waiting = set(packages)
    while waiting:
        found |= waiting
        needed = [Requirement(text) for package in waiting for text in requires(package) or []]
        # Those of other systems, such as CUDA's, are not installed everywhere.
        wanted = {each.name for each in needed if not each.marker or each.marker.evaluate({"extra": ""})}
        waiting = {canonicalize_name(name) for name in wanted} & INSTALLED - found
    return found


@pytest.mark.parametrize(
    "command",
    [
        "-m ruff check .",
        "-m ruff format --check .",
        "-m mypy",
        f"{Path(sys.executable).parent / 'snakefmt'} --check workflow",
        "scripts/tools/document_config.py --check",
    ],
)
def test_the_checker_is_content(command):
    checked = run(*command.split())
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_make_format_wraps_a_line_that_has_grown_too_long(tmp_path):
    recipe = re.search(r"^format:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    commands = [line.split() for line in recipe.splitlines() if line.split()[0] == "ruff"]
    grown = tmp_path / "grown.py"
    grown.write_text(f"KINDS = list[\n    {' | '.join(['bytearray'] * 15)},\n]\n")
    for _, *arguments in commands:
        checked = run("-m", "ruff", *arguments[:-1], "--no-cache", "--config", "pyproject.toml", str(grown))
        assert checked.returncode == 0, checked.stdout + checked.stderr
    assert max(map(len, grown.read_text().splitlines())) <= 120


def test_the_hooks_of_pre_commit_look_at_files_that_there_are():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    patterns = {hook["id"]: hook["files"] for hook in config["repos"][0]["hooks"] if "files" in hook}
    assert len(patterns) >= 2
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for start, alternatives, end in (re.fullmatch(r"(\^?)\((.+)\)(\$?)", each).groups() for each in patterns.values()):
        for alternative in alternatives.split("|"):
            assert any(re.search(start + alternative + end, file) for file in tracked), alternative
    assert re.search(patterns["config-docs"], "scripts/metaocl/config/studies.py")


@pytest.mark.parametrize(
    ("command", "status", "goes_on"), [("exec sleep 30", 0, True), ("true", 0, False), ("exit 1", 2, False)]
)
def test_make_gpu_ends_well_where_it_is_its_time_that_ends_the_study(tmp_path, command, status, goes_on):
    last = re.search(r"^\ttimeout (?:.*\\\n)*.*\n", (ROOT / "Makefile").read_text(), re.MULTILINE)[0]
    (tmp_path / "Makefile").write_text("gpu:\n" + last.replace(" 600 ", " 1 "))
    (tmp_path / "snakemake").write_text(f"#!/bin/sh\n{command}\n")
    (tmp_path / "snakemake").chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    made = subprocess.run(["make", "-s", "gpu"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert made.returncode == status, made.stderr
    assert ("the same command goes on" in made.stdout) == goes_on


def test_planning_imports_nothing_that_takes_seconds():
    """The rules are read again by every job on a cluster."""
    rules = "\n".join(path.read_text() for path in (ROOT / "workflow").rglob("*") if path.is_file())
    modules = sorted(set(re.findall(r"^from (metaocl[\w.]+) import", rules, re.MULTILINE)))
    assert len(modules) >= 4
    imported = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", imported], cwd=ROOT / "scripts", capture_output=True, text=True, check=True
    )
    assert {"torch", "transformers", "pandas", "scipy", "numpy"} & set(found.stdout.split()) == set()


def test_snakemake_lint_finds_nothing():
    assert run("-m", "snakemake", "--lint").returncode == 0


def test_the_slurm_profile_is_found_by_its_name_and_plans_the_study():
    plan = run("-m", "snakemake", "--profile", "slurm", "--dry-run")
    assert plan.returncode == 0, plan.stdout + plan.stderr


def test_the_lock_file_and_the_environment_agree(locked, environment):
    assert environment.keys() >= MAIN_PACKAGES
    assert {name: locked.get(name) for name in environment} == environment


def test_the_nodes_of_a_cluster_have_all_but_what_developers_need(environment):
    rest, whole = conda_environment("environment-jobs.yml")
    assert rest == conda_environment("environment.yml")[0]
    assert environment.keys() >= FOR_DEVELOPERS
    assert whole == {name: version for name, version in environment.items() if name not in FOR_DEVELOPERS}


def test_what_the_code_imports_is_installed_on_the_nodes_of_a_cluster():
    scripts = [*ROOT.glob("scripts/*.py"), *ROOT.glob("scripts/metaocl/**/*.py")]
    rules = "\n".join(path.read_text() for path in (ROOT / "workflow").rglob("*") if path.is_file())
    named = set(re.findall(r"^(?:from|import) (\w+)", rules, re.MULTILINE))
    for node in (node for path in scripts for node in ast.walk(ast.parse(path.read_text()))):
        modules = [node.module] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        named |= {str(module).partition(".")[0] for module in modules}
    outside = named - sys.stdlib_module_names - {"metaocl", "tensorboard"}  # the latter is optional
    packages = {canonicalize_name(package) for name in outside for package in packages_distributions()[name]}
    assert packages > {"torch", "huggingface-hub", "rocrate"}
    on_nodes = installed_with(set(conda_environment("environment-jobs.yml")[1]))
    assert packages - on_nodes == set()
    assert FOR_DEVELOPERS & on_nodes == set()


def test_the_catalog_of_workflows_is_told_in_its_own_words():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage.keys() == {"mandatory-flags", "software-stack-deployment", "report"}
    assert usage["mandatory-flags"].keys() == {"desc", "flags"}
    assert usage["software-stack-deployment"].keys() == {"conda", "apptainer", "apptainer+conda"}


def test_what_is_optional_agrees_with_the_lock_file(locked):
    tensorboard, site = (
        pins((ROOT / f"requirements-{name}.txt").read_text().splitlines()) for name in ("tensorboard", "site")
    )
    assert "tensorboard" in tensorboard
    assert "mkdocs" in site
    assert locked.keys() & (tensorboard.keys() | site.keys()) == set()
    assert tensorboard | site == site | tensorboard


def test_the_installed_versions_are_the_pinned_ones(locked):
    installed = {name: version(name).partition("+")[0] for name in locked}
    assert installed == locked


def test_the_tests_on_github_call_what_exists():
    jobs = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    commands = [shlex.split(line) for step in steps for line in step.get("run", "").splitlines()]
    targets = re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(commands) >= 5
    assert {program for program, *_ in commands} == {"make"}
    assert [target for _, target, *_ in commands if target not in targets] == []
    settings = [setting.partition("=") for _, _, *settings in commands for setting in settings]
    assert {name for name, _, _ in settings} == {"TESTS"}
    assert [path for _, _, paths in settings for path in paths.split() if not (ROOT / path).exists()] == []
    actions = [step["uses"] for step in steps if "uses" in step]
    assert [action for action in actions if not re.fullmatch(r"actions/[\w-]+@v\d+", action)] == []


FORBIDDEN = {
    "pickles": r"\b(import|from) +(c?[pP]ickle|dill|joblib|shelve|marshal)\b|read_pickle|torch\.load\(|weights_only",
    "arrays of pickles": r"allow_pickle=True",
    "code that comes with a model": r"trust_remote_code=(?!False)",
    "texts as commands": r"shell=True|os\.system|os\.popen",
    "texts as Python": r"(?<![\w.])(eval|exec|__import__)\(",
    "YAML with Python objects": r"yaml\.(load|unsafe_load|full_load)\(",
}


@pytest.mark.parametrize("pattern", FORBIDDEN.values(), ids=FORBIDDEN)
def test_no_source_reads_pickles_or_runs_texts(pattern):
    sources = [*ROOT.glob("scripts/**/*.py"), *ROOT.glob("workflow/**/*.smk"), ROOT / "workflow/Snakefile"]
    assert len(sources) > 50
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for path in sources
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert found == []


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_editors_find_a_schema_that_the_configuration_meets(path):
    line = path.read_text(encoding="utf-8").splitlines()[0]
    if path.stem in ("claims", "hypotheses"):  # of other types
        assert "schema" not in line
        return
    schema = path.parent / line.removeprefix("# yaml-language-server: $schema=")
    jsonschema.validate(
        yaml.safe_load(path.read_text(encoding="utf-8")), json.loads(schema.read_text(encoding="utf-8"))
    )


def test_what_texts_name_in_the_library_is_there():
    files = [
        path for folder in ("scripts", "docs") for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md")
    ]
    named = {name for path in files for name in re.findall(r"`(metaocl(?:\.\w+)+)`", path.read_text(encoding="utf-8"))}
    assert len(named) > 5
    assert {name for name in named if pydoc.locate(name) is None} == set()
