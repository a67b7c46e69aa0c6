from __future__ import annotations

import ast
import pkgutil
import shutil
import sys
from pathlib import Path

import pytest

from metaocl.artifacts.code_version import (
    EXCLUDED,
    INSTALLED_AS,
    _canonical,
    _pinned_versions,
    code_in,
    code_version,
    reached_definitions,
)

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "scripts"
LIBRARY = SCRIPTS / "metaocl"
POSTPONED = "from __future__ import annotations\n"


def version(script: Path) -> str:
    code_in.cache_clear()
    return code_version(script)


@pytest.fixture
def run(tmp_path):
    """Writes a script, what it requires, and modules of its library, by name; gives the script's version."""

    def run(script: str, requirements: str | None = None, **modules: str) -> str:
        shutil.rmtree(tmp_path / "project", ignore_errors=True)
        files = {"run": script} | {f"metaocl/{name.replace('__in__', '/')}": text for name, text in modules.items()}
        for name, text in files.items():
            path = tmp_path / f"project/scripts/{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if requirements is not None:
            (tmp_path / "project/requirements.txt").write_text(requirements)
        return version(tmp_path / "project/scripts/run.py")

    return run


@pytest.fixture(scope="module")
def versions():
    """The versions of all scripts."""
    code_in.cache_clear()
    return {script.name: code_version(script) for script in SCRIPTS.glob("*.py")}


@pytest.fixture
def scripts(tmp_path) -> Path:
    """A copy of the scripts that a test may change."""
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    return shutil.copytree(SCRIPTS, tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))


def changed(scripts: Path, versions: dict[str, str]) -> set[str]:
    code_in.cache_clear()
    return {script.stem for script in scripts.glob("*.py") if code_version(script) != versions[script.name]}


def file_with(scripts: Path, text: str) -> Path:
    """The one file of the library that holds a text, wherever it lies."""
    (path,) = [path for path in (scripts / "metaocl").rglob("*.py") if text in path.read_text()]
    return path


def edit(scripts: Path, definition: str, old: str, new: str) -> None:
    """Replace a text behind the head of a definition, in the file that holds it."""
    path = file_with(scripts, definition)
    before, after = path.read_text().split(definition)
    assert old in after
    path.write_text(before + definition + after.replace(old, new, 1))


def test_a_version_is_sixteen_hexadecimal_digits_and_depends_on_the_script(versions):
    assert len(set(versions.values())) == len(versions)
    assert all(len(v) == 16 and int(v, 16) >= 0 for v in versions.values())


def test_a_version_does_not_depend_on_where_the_code_lies(scripts, versions):
    assert changed(scripts, versions) == set()


def test_a_script_that_is_not_there_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        code_version(tmp_path / "missing.py")


USE_F = "from metaocl.a import f\nf()\n"
# What is in the library, an edit of it, and whether it counts for a script that uses `f` of module a.
EDITS = {
    "body": ("def f(): return 1", "return 1", "return 2", True),
    "name that f uses": ("X = 1\ndef f(): return X", "X = 1", "X = 2", True),
    "name that f does not use": ("X = 1\ndef f(): return 2", "X = 1", "X = 3", False),
    "name through a function": ("X = 1\ndef g(): return X\ndef f(): return g()", "X = 1", "X = 2", True),
    "default argument": ("X = 1\ndef f(a=X): return a", "X = 1", "X = 2", True),
    "decorator": ("def d(g): return g\n@d\ndef f(): return 1", "return g", "return d", True),
    "decorator's argument": ("X = 1\n@print(X)\ndef f(): return 1", "X = 1", "X = 2", True),
    "base class": ("class B: a = 1\nclass f(B): b = 2", "a = 1", "a = 2", True),
    "class body": ("X = 1\nclass f:\n    a = X", "X = 1", "X = 2", True),
    "method": ("class f:\n    def m(self): return 1", "return 1", "return 2", True),
    "field's annotation": (f"{POSTPONED}class f:\n    a: int", "int", "float", True),
    "name in a field's annotation": (f"{POSTPONED}L = int\nclass f:\n    a: L", "= int", "= float", True),
    "argument's annotation": (f"{POSTPONED}def f(a: int = 1) -> int: return a", "int", "float", False),
    "annotation that is evaluated": ("def f(a: int = 1): return a", "int", "float", True),
    "annotation under a decorator": (f"{POSTPONED}@print\ndef f(a: int = 1): return a", "int", "float", True),
    "name in an annotation": (f"{POSTPONED}L = int\ndef f(a: L = 1): return a", "= int", "= float", False),
    "variable's annotation": ("def f():\n    a: int = 1\n    return a", "int", "float", False),
    "tuple": ("X, (Y, *Z) = 1, (2, 3)\ndef f(): return Z", "(2, 3)", "(2, 4)", True),
    "augmented assignment": ("X = 1\nX += 1\ndef f(): return X", "+= 1", "+= 2", True),
    "second definition": ("def f(): return 1\ndef f(): return 2", "return 2", "return 3", True),
    "global": ("X = 1\ndef f():\n    global X\n    X += 1", "X = 1", "X = 2", True),
    "item": ("X = {}\nX[0] = 1\ndef f(): return X", "= 1", "= 2", True),
    "statement": ("print(1)\ndef f(): return 1", "print(1)", "print(2)", True),
    "condition": ("if True:\n    X = 1\nelse:\n    X = 2\ndef f(): return X", "X = 2", "X = 3", True),
    "definition in a condition": ("if True:\n    def f(): return 1", "return 1", "return 2", True),
    "attempt": ("try:\n    X = 1\nexcept OSError:\n    X = 2\ndef f(): return X", "X = 2", "X = 3", True),
    "variable of the same name elsewhere": ("def f():\n    a = 1\n    def g(): return a", "a = 1", "a = 2", True),
    "docstring": ('def f():\n    """One."""\n    return 1', "One", "Two", False),
    "docstring alone": ('class f:\n    """One."""', '"""One."""', "pass", False),
    "comment": ("def f(): return 1  # one", "one", "two", False),
    "layout": ("def f(): return [1, 2]", "[1, 2]", "[\n        1,\n        2,\n    ]", False),
    "message of an exception": ("def f(): raise ValueError('one')", "one", "two", False),
    "class of an exception": ("def f(): raise ValueError('one')", "ValueError", "OSError", True),
    "name in a message": ("X = 1\ndef f(): raise ValueError(X)", "X = 1", "X = 2", False),
    "class of an exception in the library": (
        "class E(ValueError): a = 1\ndef f(): raise E('')",
        "a = 1",
        "a = 2",
        True,
    ),
    "printed message": ("import sys\ndef f(): print('one', file=sys.stderr)", "one", "two", False),
    "new printed message": ("import sys\ndef f():\n    if f: pass", "pass", "print(1, file=sys.stderr)", False),
    "printed result": ("def f(): print('one')", "one", "two", True),
    "help": ("def f(p): p.add_argument('--a', type=int, help='one')", "one", "two", False),
    "type of an argument": ("def f(p): p.add_argument('--a', type=int, help='one')", "int", "str", True),
    "bracket": ("def f(a): return 1, 2, a", "1, 2, a", "1, (2, a)", True),
    "number for a text": ("def f(): return 1", "1", "'1'", True),
    "number for a name": ("def f(): return 1e999", "1e999", "inf", True),
}


@pytest.mark.parametrize(("library", "old", "new", "counts"), EDITS.values(), ids=EDITS)
def test_an_edit_counts_if_a_result_may_depend_on_it(run, library, old, new, counts):
    assert library.count(old) >= 1
    before, after = run(USE_F, a=library), run(USE_F, a=library.replace(old, new))
    assert (before != after) == counts


B = "X = 1\ndef g(): return X\ndef h(): return 3\n"
# How module a imports from module b, to which `X = 2` is then given; and whether that counts.
IMPORTS = {
    "from": ("from metaocl.b import X\ndef f(): return X", True),
    "from, another name": ("from metaocl.b import h\ndef f(): return h()", False),
    "from, renamed": ("from metaocl.b import g as k\ndef f(): return k()", True),
    "from, not used": ("from metaocl.b import g\ndef f(): return 1", False),
    "relative": ("from .b import g\ndef f(): return g()", True),
    "package's module": ("from metaocl import b\ndef f(): return b.g()", True),
    "package's module, another name": ("from metaocl import b\ndef f(): return b.h()", False),
    "package's module, passed on": ("from metaocl import b\ndef f(): return vars(b)", True),
    "package's module, by text": ("from metaocl import b\ndef f(): return getattr(b, 'h')", True),
    "package's module, unknown name": ("from metaocl import b\ndef f(): return b.__dict__", True),
    "module": ("import metaocl.b\ndef f(): return metaocl.b.h()", True),
    "module, renamed": ("import metaocl.b as b\ndef f(): return b.h()", True),
    "star": ("from metaocl.b import *\ndef f(): return g()", True),
    "in a function": ("def f():\n    from metaocl.b import g\n    return g()", True),
    "module in a function": ("def f():\n    import metaocl.b\n    return metaocl.b", True),
    "in a condition": ("if True:\n    from metaocl.b import g\nelse:\n    g = 1\ndef f(): return g", True),
    "in an attempt": ("try:\n    import c as g\nexcept OSError:\n    from metaocl.b import g\ndef f(): return g", True),
    "for type checkers": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from metaocl.b import g\ndef f(a: g): return a",
        False,
    ),
    "else for type checkers": (
        "import typing\nif typing.TYPE_CHECKING:\n    pass\nelse:\n    from metaocl.b import g\ndef f(): return g()",
        True,
    ),
}


@pytest.mark.parametrize(("importing", "counts"), IMPORTS.values(), ids=IMPORTS)
def test_what_an_import_leads_to_counts(run, importing, counts):
    before, after = run(USE_F, a=importing, b=B), run(USE_F, a=importing, b=B.replace("X = 1", "X = 2"))
    assert (before != after) == counts


def test_a_name_is_followed_through_modules_that_pass_it_on(run):
    passing = {"a__in____init__": "from metaocl.a.inner import g as f", "a__in__inner": "from metaocl.b import g"}
    assert run(USE_F, b=B, **passing) != run(USE_F, b=B.replace("X = 1", "X = 2"), **passing)
    assert run(USE_F, b=B, **passing) == run(USE_F, b=B.replace("return 3", "return 4"), **passing)


def test_a_package_that_imports_its_own_module_is_followed(run):
    script = "from metaocl.a import inner\ninner.g()\n"
    package = "from metaocl.a import inner"
    before = run(script, a__in____init__=package, a__in__inner=B)
    assert run(script, a__in____init__=package, a__in__inner=B.replace("X = 1", "X = 2")) != before


def test_statements_count_that_an_import_runs_on_its_way(run):
    files = {"a": "from metaocl.b import h\ndef f(): return 1", "p__in____init__": "print(1)", "p__in__q": "Y = 1"}
    before = run(USE_F, b="from metaocl.p.q import Y\ndef h(): return Y", **files)
    files["p__in____init__"] = "print(2)"
    assert run(USE_F, b="from metaocl.p.q import Y\ndef h(): return Y", **files) != before


def test_a_moved_definition_counts_as_before(run):
    before = run(USE_F, a="X = 1\ndef g(): return X\ndef f(): return g()")
    assert run(USE_F, a="from metaocl.b import g\ndef f(): return g()", b=B) == before
    moved = {"p__in__b": "from metaocl.c import X\ndef g(): return X", "c": "X = 1"}
    assert run(USE_F, a="from metaocl.p.b import g\ndef f(): return g()", **moved) == before


def test_two_definitions_of_one_name_both_count(run):
    a = "from metaocl.b import g\nfrom metaocl.c import g as k\ndef f(): return g() + k()"
    before = run(USE_F, a=a, b="def g(): return 1", c="def g(): return 2")
    assert run(USE_F, a=a, b="def g(): return 3", c="def g(): return 2") != before
    assert run(USE_F, a=a, b="def g(): return 1", c="def g(): return 3") != before


def test_names_that_swap_what_they_stand_for_count(run):
    a = "from metaocl.b import g\nfrom metaocl.c import g as k\ndef f(): return g() - k()"
    before = run(USE_F, a=a, b="def g(): return 1", c="def g(): return 2")
    assert run(USE_F, a=a, b="def g(): return 2", c="def g(): return 1") != before


OUTSIDE = (
    "import numpy as np\nfrom torch.nn import functional\nfrom math import pi\ndef f(): return np.a, functional.b, pi"
)
PINS = "numpy==1.0\ntorch==2.0 --hash=x\npandas==3.0\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("numpy as", "numpy.linalg as"),
        ("torch.nn", "torch.fx"),
        ("functional\n", "other as functional\n"),
        ("math", "cmath"),
    ],
)
def test_what_an_outside_name_is_imported_from_counts(run, old, new):
    assert old in OUTSIDE
    assert run(USE_F, a=OUTSIDE) != run(USE_F, a=OUTSIDE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("numpy==1.0", "numpy==1.1", True),
        ("torch==2.0", "torch==2.1", True),
        ("3.0", "3.1", False),
        ("=x", "=y", False),
    ],
)
def test_the_pinned_version_of_a_package_counts_for_what_uses_it(run, old, new, counts):
    before, after = run(USE_F, PINS, a=OUTSIDE), run(USE_F, PINS.replace(old, new), a=OUTSIDE)
    assert (before != after) == counts


def test_a_package_is_pinned_by_the_name_it_is_installed_by(run):
    before = run("import sklearn\nsklearn.a()", "scikit_learn==1.0")
    assert run("import sklearn\nsklearn.a()", "scikit_learn==1.1") != before


@pytest.fixture(scope="module")
def nodes():
    """The syntax trees of all scripts and of the library, in pieces."""
    return [
        node
        for path in (*SCRIPTS.glob("*.py"), *LIBRARY.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
    ]


def test_every_outside_package_is_pinned(nodes):
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    packages = {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - {"metaocl"}
    files = (ROOT / "requirements.txt", ROOT / "requirements-tensorboard.txt")
    pinned = {name for file in files for name in _pinned_versions(file)}
    assert {package for package in packages if _canonical(INSTALLED_AS.get(package, package)) not in pinned} == set()
    assert packages >= INSTALLED_AS.keys()


def test_nothing_is_asked_for_in_a_way_that_cannot_be_followed(nodes):
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert names & {"globals", "eval", "exec", "__import__"} == set()
    assert "import_module" not in names | attributes


def test_an_edit_of_what_writes_documents_counts_for_that_script_only(scripts, versions):
    edit(scripts, "def write_stage1_documents(", "    facts_of = ", "    ignored = 1\n    facts_of = ")
    assert changed(scripts, versions) == {"write_documents"}


def test_an_edit_of_the_loss_counts_for_the_scripts_that_train(scripts, versions):
    edit(scripts, "def completion_loss(", ".float()", ".double()")
    rerun = changed(scripts, versions)
    assert {"train_base_model", "train_stage"} <= rerun
    assert "train_stage_on_images" not in rerun
    # A measurement of a finished model may reach it, too; what comes before and what reads tables does not.
    making = {"extract_facts", "write_documents", "write_new_definitions", "initialize_model"}
    reading = {
        "collect_metrics",
        "estimate_effects",
        "plot_gaps",
        "plot_training_curves",
        "write_summary",
        "judge_claims",
    }
    assert not rerun & (making | reading)


def test_an_edit_of_the_loss_of_images_counts_for_no_training_of_text(scripts, versions):
    edit(scripts, "def letters_loss(", ".float()", ".double()")
    rerun = changed(scripts, versions)
    assert "train_stage_on_images" in rerun
    assert not rerun & {"train_stage", "train_base_model"}


@pytest.mark.parametrize(
    ("definition", "old", "new", "reaching"),
    [
        ("def read_people(", "_answers", "list", {"extract_facts"}),
        ("def holm(", '"stable"', '"mergesort"', {"estimate_effects"}),
        ("def measure_tag_semantics(", "if not asked", "if asked == []", {"measure_tag_semantics"}),
        (
            "def placeholders(",
            "not None",
            "not False",
            {"write_counterfactuals", "write_documents", "write_new_definitions"},
        ),
    ],
)
def test_an_edit_counts_for_the_scripts_that_reach_it(scripts, versions, definition, old, new, reaching):
    edit(scripts, definition, old, new)
    assert changed(scripts, versions) == reaching


@pytest.mark.parametrize(
    ("definition", "old", "new"),
    [
        ("def check_hash(", "its SHA-256 is", "its SHA256 is"),
        ("def _resume(", "going on from", "continuing from"),
        ("def describe_run(", '"python"', '"python_version"'),
        ("RECORDED_PACKAGES = (", '"torch"', '"scipy", "torch"'),
        ("def run_command(", "error: ", "mistake: "),
        ("class Stage(", "default=256", "default=128"),
        ("def code_version(", "[:16]", "[:17]"),
    ],
)
def test_messages_provenance_commands_and_settings_count_for_nothing(scripts, versions, definition, old, new):
    edit(scripts, definition, old, new)
    assert changed(scripts, versions) <= {"document_config"}  # which makes a page of the settings


def test_a_function_that_moves_to_another_module_changes_nothing(scripts, versions):
    path = file_with(scripts, "def linear_schedule(")
    text = path.read_text()
    (function,) = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == "linear_schedule"]
    moved = ast.get_source_segment(text, function)
    imports = f"{POSTPONED}import torch\nfrom torch.optim.lr_scheduler import LambdaLR\n"
    (scripts / "metaocl/schedules.py").write_text(f"{imports}\n\n{moved}\n")
    path.write_text(text.replace(moved, "from metaocl.schedules import linear_schedule"))
    assert changed(scripts, versions) == set()
    places = {script.stem: reached_definitions(script) for script in scripts.glob("train_*.py")}
    assert all(("metaocl.schedules", "linear_schedule") in reached for reached in places.values())


@pytest.mark.parametrize("name", EXCLUDED)
def test_what_is_excluded_is_there(name):
    assert pkgutil.resolve_name(name)
