"""A fingerprint of the code behind a script, for Snakemake to rerun a job when that code changes, and only then.

It covers the script and every module of this library that it imports, directly or not. Comments, docstrings and
layout do not count. Nor does `metaocl.config`: whatever it decides reaches a job as settings.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).parents[1]


def code_version(script: Path) -> str:
    """Sixteen hexadecimal digits that change when the code that `script` runs changes."""
    digest = hashlib.sha256(_bare_code(script).encode())
    for module in sorted(_modules_behind(script)):
        digest.update(f"{module}\n{_bare_code(_module_path(module))}".encode())
    return digest.hexdigest()[:16]


def _modules_behind(script: Path) -> set[str]:
    """The library modules that a script imports, directly or through others."""
    found: set[str] = set()
    waiting = set(_imports(script))
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= set(_imports(_module_path(module))) - found
    return found


@cache
def _imports(path: Path) -> frozenset[str]:
    """The library modules that a file names in its import statements, settings aside."""
    named: set[str] = set()
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    modules = {name for name in named if name.split(".")[0] == LIBRARY.name and _module_path(name).is_file()}
    return frozenset(name for name in modules if not name.startswith("metaocl.config"))


def _module_path(module: str) -> Path:
    path = LIBRARY.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _bare_code(path: Path) -> str:
    """The syntax tree of a file without its docstrings, as text."""
    tree = _parse(path)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    return ast.dump(tree)


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
