"""What of a module's text counts for a fingerprint: its syntax trees without what no result depends on, as text.

Nothing here knows where a name comes from: that is `metaocl.artifacts.code_version`'s part.
"""

from __future__ import annotations

import ast
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from importlib.util import resolve_name
from pathlib import Path
from typing import Any

# What an import statement names: a module, and a name in it; "" for the module itself, "*" for all of its names.
Origin = tuple[str, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef

HELP = {"help", "metavar"}  # of an argument parser's add_argument
TYPE_CHECKING = {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


class Module:
    """A module, cut into its definitions and the rest: import lines, and statements that are no definitions.

    definitions: the statements that define a function, a class or a variable of the module, in order, by its name.
    """

    def __init__(self, name: str, path: Path) -> None:
        is_package = path.is_dir()
        file = path / "__init__.py" if is_package else path
        # A package may do without a file of its own.
        text = file.read_text(encoding="utf-8") if file.is_file() or not is_package else ""
        self.name = name
        self._package = name if is_package else name.rpartition(".")[0]
        self.definitions: dict[str, list[ast.stmt]] = defaultdict(list)
        self._rest: list[ast.stmt] = []
        for statement in ast.parse(text, filename=str(file)).body:
            names = _defined_names(statement)
            for defined in names:
                self.definitions[defined].append(statement)
            if not names:
                self._rest.append(statement)
        self._read: dict[str, BareCode] = {}

    @cached_property
    def rest(self) -> BareCode:
        return BareCode(self._rest, self._package)

    def definition(self, name: str) -> BareCode:
        if name not in self._read:
            postponed = ("__future__", "annotations") in self.rest.imports.get("annotations", ())
            self._read[name] = BareCode(self.definitions[name], self._package, postponed)
        return self._read[name]

    def defines_function(self, name: str) -> bool:
        return name in self.definitions and all(isinstance(part, Function) for part in self.definitions[name])


def _defined_names(statement: ast.stmt) -> list[str]:
    """The names that a statement of a module defines; none if it does anything else besides.

    Names that are bound in an `if`, a `try` or a loop are not looked for: the whole statement counts.
    """
    if isinstance(statement, Function | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    else:
        return []
    parts = [part for target in targets for part in ast.walk(target)]
    if any(isinstance(part, ast.Attribute | ast.Subscript) for part in parts):  # a change of what is there
        return []
    return [part.id for part in parts if isinstance(part, ast.Name)]


class BareCode(ast.NodeVisitor):
    """Statements without what no result depends on.

    Left out are layout, docstrings, `pass`, import lines, what an exception is raised with, prints to standard error,
    help texts of argument parsers, blocks for type checkers, and annotations: of variables outside class bodies, and
    of functions without decorators where they are not evaluated (`from __future__ import annotations`).

    text: the rest. uses: the names in it, as `name` or `name.attribute`.
    imports: what the import lines in it say, by the name that they bind.
    """

    def __init__(self, statements: Iterable[ast.stmt], package: str, annotations_are_postponed: bool = False) -> None:
        self.uses: set[str] = set()
        self.imports: dict[str, list[Origin]] = defaultdict(list)
        self._package = package
        self._annotations_are_postponed = annotations_are_postponed
        self._in_class = False
        self._words: list[str] = []
        for statement in statements:
            self.visit(statement)
        self.text = " ".join(self._words)

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def generic_visit(self, node: ast.AST) -> None:
        """Write a node with its fields, as words that could be read in no other way."""
        self._words += type(node).__name__, "("
        for field in node._fields:
            value: Any = getattr(node, field, None)
            if value is None or value == [] or field == "ctx":  # ctx says what the place of a name says
                continue
            self._words.append(field)
            if isinstance(value, list):
                self._words.append("[")
                for item in value:
                    self._write(item)
                self._words.append("]")
            else:
                self._write(value)
        self._words.append(")")

    def _write(self, value: Any) -> None:
        if isinstance(value, ast.AST):
            self.visit(value)
        else:
            self._words.append(repr(value))

    def visit_Constant(self, node: ast.Constant) -> None:
        self._words.append(f"={node.value!r}")  # `inf` may be a number or a name

    def visit_Name(self, node: ast.Name) -> None:
        self.uses.add(node.id)
        self._words.append(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if name := _dotted(node):
            self.uses.add(name)
            self._words.append(name)
        else:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.imports[alias.asname or alias.name.partition(".")[0]].append((alias.name, ""))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = resolve_name("." * node.level + (node.module or ""), self._package)
        for alias in node.names:
            self.imports[alias.asname or alias.name].append((module, alias.name))

    def visit_Pass(self, node: ast.Pass) -> None:
        pass

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant) and not _prints_a_message(node.value):
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        self.generic_visit(ast.Raise(raised, node.cause))

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            node = ast.Call(node.func, node.args, [word for word in node.keywords if word.arg not in HELP])
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if _dotted(node.test) in TYPE_CHECKING:
            for statement in node.orelse:
                self.visit(statement)
        else:
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if self._in_class:
            self.generic_visit(node)
        elif node.value:
            self.generic_visit(ast.Assign([node.target], node.value))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        around, self._in_class = self._in_class, True
        self.generic_visit(node)
        self._in_class = around

    def visit_FunctionDef(self, node: Function) -> None:
        if self._annotations_are_postponed and not node.decorator_list:
            _forget_annotations(node)
        around, self._in_class = self._in_class, False
        self.generic_visit(node)
        self._in_class = around

    visit_AsyncFunctionDef = visit_FunctionDef


def _dotted(node: ast.AST) -> str | None:
    """A name with the attributes that are taken of it, `a.b.c`; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := _dotted(node.value)):
        return f"{owner}.{node.attr}"
    return None


def _prints_a_message(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and _dotted(node.func) == "print"
        and any(word.arg == "file" and _dotted(word.value) == "sys.stderr" for word in node.keywords)
    )


def _forget_annotations(function: Function) -> None:
    function.returns = None
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if argument:
            argument.annotation = None
