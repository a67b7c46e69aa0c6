from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from metaocl.artifacts import code_version as library

SCRIPTS = library.LIBRARY.parent


@pytest.fixture
def scripts(tmp_path, monkeypatch) -> Path:
    """A copy of the scripts that a test may change."""
    copy = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(library, "LIBRARY", copy / "metaocl")
    return copy


def version(script: Path) -> str:
    library._imports.cache_clear()
    library._bare_code.cache_clear()
    return library.code_version(script)


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_a_version_is_sixteen_hexadecimal_digits_and_depends_on_the_script(scripts):
    versions = {version(script) for script in scripts.glob("*.py")}
    assert len(versions) == len(list(scripts.glob("*.py")))
    assert all(len(v) == 16 and int(v, 16) >= 0 for v in versions)


def test_a_version_does_not_depend_on_where_the_code_lies(scripts, tmp_path, monkeypatch):
    before = version(scripts / "train_stage.py")
    moved = tmp_path / "elsewhere"
    scripts.rename(moved)
    monkeypatch.setattr(library, "LIBRARY", moved / "metaocl")
    assert version(moved / "train_stage.py") == before


@pytest.mark.parametrize("file", ["train_stage.py", "metaocl/training/loop.py"])
def test_comments_blank_lines_and_docstrings_change_nothing(scripts, file):
    before = version(scripts / "train_stage.py")
    path = scripts / file
    text = path.read_text()
    docstring = text.split('"""')[1]
    path.write_text(text.replace(docstring, "Another docstring.", 1).replace("\n\n", "\n# why\n\n\n"))
    assert path.read_text() != text
    assert version(scripts / "train_stage.py") == before


# errors, for one, is reached through other modules only.
@pytest.mark.parametrize(
    "file",
    [
        "train_stage.py",
        "metaocl/training/loop.py",
        "metaocl/facts/fact.py",
        "metaocl/design/subsets.py",
        "metaocl/errors.py",
    ],
)
def test_code_behind_the_script_changes_its_version(scripts, file):
    before = version(scripts / "train_stage.py")
    append(scripts / file, "\nCHANGED = True\n")
    assert version(scripts / "train_stage.py") != before


@pytest.mark.parametrize(
    "file", ["metaocl/figures/training_curves.py", "metaocl/statistics/effects.py", "metaocl/facts/people.py"]
)
def test_code_that_the_script_never_imports_does_not_change_its_version(scripts, file):
    before = version(scripts / "train_stage.py")
    append(scripts / file, "\nCHANGED = True\n")
    assert version(scripts / "train_stage.py") == before


def test_a_source_of_facts_counts_for_the_script_that_reads_facts(scripts):
    before = version(scripts / "extract_facts.py")
    append(scripts / "metaocl/facts/people.py", "\nCHANGED = True\n")
    assert version(scripts / "extract_facts.py") != before


def test_the_settings_module_does_not_count(scripts):
    before = version(scripts / "train_stage.py")
    append(scripts / "metaocl/config/plans.py", "\nCHANGED = True\n")
    assert version(scripts / "train_stage.py") == before
