"""The library's packages are floors: imports go down, never up or across, and what reads tables needs no torch."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "scripts/metaocl"
FLOORS = (
    {"errors", "randomness", "design"},
    {"config", "artifacts", "commands"},
    {"facts", "planning", "training"},
    {"documents", "statistics"},
    {"text", "vision", "claims", "figures", "stage_command", "studies"},
    {"runs", "reports"},
    {"mechanisms"},
)
READING_WING = {"statistics", "claims", "figures", "reports", "studies"}
HEAVY = {"torch", "transformers", "tokenizers", "safetensors"}
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 45


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(LIBRARY.rglob("*.py"))}


def imported_by(module: str) -> set[str]:
    """What a module names in its import lines, wherever they stand."""
    found: set[str] = set()
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= modules & MODULES.keys() or {str(node.module)}
    return found


def floor_of(module: str) -> int:
    package = module.split(".")[1]
    return next(number for number, packages in enumerate(FLOORS) if package in packages)


def test_every_package_has_a_floor():
    packages = {path.stem for path in LIBRARY.iterdir() if path.name[0] not in "_."}
    assert packages == set().union(*FLOORS)


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"metaocl"}))
def test_imports_go_down_or_stay_in_the_package(module):
    wrong = {
        other
        for other in imported_by(module) & MODULES.keys()
        if other.split(".")[1] != module.split(".")[1] and floor_of(other) >= floor_of(module)
    }
    assert wrong == set()


def test_no_modules_import_each_other():
    sorter = TopologicalSorter({module: imported_by(module) & MODULES.keys() for module in MODULES})
    assert len(list(sorter.static_order())) == len(MODULES)


def test_what_reads_tables_never_imports_torch():
    waiting = {module for module in MODULES if module.partition(".")[2].split(".")[0] in READING_WING}
    assert len(waiting) > 8
    reached: set[str] = set()
    while waiting:
        reached |= waiting
        waiting = {other for module in waiting for other in imported_by(module)} & MODULES.keys() - reached
    packages = {name.split(".")[0] for module in reached for name in imported_by(module)}
    assert packages & HEAVY == set()


def test_the_floor_of_words_needs_nothing_heavy():
    design = [module for module in MODULES if module.startswith("metaocl.design.")]
    packages = {name.split(".")[0] for module in design for name in imported_by(module)}
    assert packages & {"numpy", "pandas", "scipy", *HEAVY} == set()


def test_packages_have_no_code_of_their_own():
    assert {path.read_text() for path in LIBRARY.rglob("__init__.py")} <= {"", (LIBRARY / "__init__.py").read_text()}
    assert ast.parse((LIBRARY / "__init__.py").read_text()).body[1:] == []


FILES = [
    path
    for folder in ("scripts", "tests", "workflow")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".smk") or path.name == "Snakefile"
]


def test_files_and_functions_are_short_enough_to_be_read():
    long_files = [path.name for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES]
    long_functions = [
        f"{path.name}: {node.name}"
        for path in FILES
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert (long_files, long_functions) == ([], [])
