"""What is noted of the code that made a result."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from metaocl.artifacts.provenance import processor

SCRIPTS = Path(__file__).parents[3] / "scripts"
ASK = "from metaocl.artifacts.provenance import _git_state; print(_git_state()['clean'])"


@pytest.mark.parametrize(
    ("information", "told"),
    [
        ("model name\t: AMD EPYC\nflags\t\t: fpu avx avx2 avx512f\n", ["AMD EPYC", "avx512f"]),
        ("model name\t: AMD EPYC\nflags\t\t: fpu avx avx2\n", ["AMD EPYC", "avx2"]),
        ("Features\t: fp asimd\n", []),
        (None, []),
    ],
)
def test_a_processor_is_told_by_what_rounds_its_sums(tmp_path, information, told):
    file = tmp_path / "cpuinfo"
    if information:
        file.write_text(information)
    assert processor(file) == ", ".join([platform.machine(), *told])


def is_clean(scripts):
    asked = subprocess.run([sys.executable, "-c", ASK], cwd=scripts, capture_output=True, text=True, check=True)
    return {"True": True, "False": False}[asked.stdout.strip()]


def test_code_has_edits_where_scripts_or_rules_have_and_not_where_other_files_lie_beside(tmp_path):
    scripts = tmp_path / "scripts"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".gitignore", "my.yaml", "workflow/Snakefile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("__pycache__\n")
    as_somebody = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-C", str(tmp_path)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*as_somebody, *words], check=True)
    assert is_clean(scripts)
    (tmp_path / "my.yaml").write_text("study: mine\n")
    (tmp_path / "mine.yaml").touch()
    assert is_clean(scripts)
    for name in ("workflow/Snakefile", "scripts/metaocl/facts/mine.py"):
        (tmp_path / name).write_text("# an edit\n")
        assert not is_clean(scripts)
        subprocess.run([*as_somebody, "stash", "-qu"], check=True)
    assert is_clean(scripts)
