"""A fingerprint of the code behind a script, for Snakemake to rerun a job when that code changes, and only then.

It follows names. Of the library it covers the definitions (functions, classes, variables of a module) that the script
reaches, itself or through others, wherever they lie: an edit of one counts for the scripts that reach it and for no
other, and a definition that is moved to another module counts as before. The script itself is covered whole.

- What a name stands for decides, not how it is imported: `from metaocl.facts import people` reaches `read_people` where
  `people.read_people` is used. A module is reached whole if it is used in another way than `module.attribute`, if
  `import` or `*` imports it, or if the name that is asked of it is not defined there.
- Imports inside functions count, and those in all branches of a condition; those for type checkers alone do not.
- Statements of a module that are no definitions count wherever importing the module runs them.
- A name from outside the library counts with the name it has there, and with the version of its package that
  requirements.txt, beside the folder of the scripts, pins; without that file no version counts.
- A class counts with all its methods. A local variable counts for the definition that it shares its name with, too.
  What the code only names in a text (`globals`, `import_module`) is missed.
- Of the settings only functions count, no methods: whatever else they decide reaches a job as settings.
- `metaocl.artifacts.bare_code` says what of a definition counts: no comments, docstrings or messages, for instance.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from metaocl.artifacts.bare_code import BareCode, Module, Origin

# Modules, and definitions in modules, that count for nothing, with all that only they reach.
EXCLUDED = {
    "metaocl.commands": "how a command reads its arguments and ends; what it does in between is the script's",
    "metaocl.artifacts.provenance": "what is written of a run changes no result",
    "metaocl.artifacts.code_version": "says which code there is, and makes no result",
    "metaocl.artifacts.bare_code": "the same",
}
SETTINGS = "metaocl.config"  # with all of its modules
# Packages that are imported by another name than they are installed by.
INSTALLED_AS = {"PIL": "pillow", "sklearn": "scikit-learn", "yaml": "PyYAML"}

# A module and a name in it: that of a definition, or one of these two. Outside the folder of the scripts: any name.
Place = tuple[str, str]
STATEMENTS, WHOLE = "", "*"


def code_version(script: Path) -> str:
    """Sixteen hexadecimal digits that change when the code that `script` runs changes."""
    code = code_in(script.parent)
    parts = {code.part(place).fingerprint for place in code.reached_from(script)}
    return hashlib.sha256("".join(sorted(parts)).encode()).hexdigest()[:16]


def reached_definitions(script: Path) -> set[Place]:
    """The definitions that count for a script, as pairs of a module and a name; the script itself is a module, too."""
    places = code_in(script.parent).reached_from(script)
    return {(module, name) for module, name in places if name not in (STATEMENTS, WHOLE)}


@cache
def code_in(folder: Path) -> Code:
    return Code(folder)


@dataclass(frozen=True)
class Part:
    """What lies at a place: a fingerprint of its text and of what the names in it stand for; and where they lead."""

    fingerprint: str
    links: set[Place]


class Code:
    """The scripts in a folder, and the modules that Python finds there before all others. Each is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pinned = _pinned_versions(folder.parent / "requirements.txt")
        self._modules: dict[str, Module | None] = {}
        self._parts: dict[Place, Part] = {}

    def reached_from(self, script: Path) -> set[Place]:
        """All places that names and imports lead to. Raises FileNotFoundError."""
        found: set[Place] = set()
        waiting = {(script.stem, WHOLE)}
        while waiting:
            found |= waiting
            waiting = {link for place in waiting for link in self.part(place).links} - found
        return found

    def part(self, place: Place) -> Part:
        """Raises FileNotFoundError for a module that is not in the folder."""
        if place not in self._parts:
            module, name = self._module(place[0]), place[1]
            if module is None:
                raise FileNotFoundError(f"{self._folder}: holds no module {place[0]}")
            self._parts[place] = self._all_of(module) if name == WHOLE else self._read(module, name)
        return self._parts[place]

    def _all_of(self, module: Module) -> Part:
        """What a module defines, and what it imports."""
        links = {(module.name, name) for name in (STATEMENTS, *module.definitions)}
        for name in module.rest.imports:
            links.update(self._meanings([name], module, module.rest))
        return Part("", set(filter(self._counts, links)))

    def _read(self, module: Module, name: str) -> Part:
        code = module.rest if name == STATEMENTS else module.definition(name)
        links = {(module.name, STATEMENTS), *self._run_by_imports(code)}
        meanings = set()
        for use in code.uses:
            for meaning in self._meanings(use.split("."), module, code):
                links.add(meaning)
                meanings.add(f"{use} is {self._describe(meaning)}")
        text = "\n".join([code.text, *sorted(meanings)]) if code.text else ""
        return Part(hashlib.sha256(text.encode()).hexdigest(), set(filter(self._counts, links)))

    def _meanings(self, names: list[str], module: Module, code: BareCode) -> Iterator[Place]:
        """Where that may lie which `names` stand for, in a part of a module: a name and attributes of it."""
        if names[0] in module.definitions:
            yield module.name, names[0]
        for origin in {*code.imports.get(names[0], ()), *module.rest.imports.get(names[0], ())}:
            yield from self._follow(origin, names[1:])

    def _follow(self, origin: Origin, attributes: list[str]) -> Iterator[Place]:
        """Where the definition lies that an import line names, if not there then behind the imports of that module."""
        module, name = self._module(origin[0]), origin[1]
        if module is None or name in module.definitions:
            yield origin
        elif passed_on := [other for other in module.rest.imports.get(name, ()) if other != origin]:
            for other in passed_on:
                yield from self._follow(other, attributes)
        elif name and self._module(submodule := f"{module.name}.{name}"):
            yield from self._follow((submodule, attributes[0] if attributes else ""), attributes[1:])
        else:
            yield module.name, WHOLE

    def _run_by_imports(self, code: BareCode) -> Iterator[Place]:
        """The statements of all modules that imports in a piece of code run, and modules imported with all names."""
        for module, name in {origin for origins in code.imports.values() for origin in origins}:
            steps = f"{module}.{name}".split(".")
            yield from ((".".join(steps[:end]), STATEMENTS) for end in range(1, len(steps) + 1))
            if name == "*":
                yield module, WHOLE

    def _describe(self, place: Place) -> str:
        """What a place holds, whatever its module is called; outside the folder: its name, and the pinned version."""
        module = self._module(place[0])
        if module is None:
            package = place[0].partition(".")[0]
            version = self._pinned.get(_canonical(INSTALLED_AS.get(package, package)), "")
            return f"{place[0]}.{place[1]} {version}"
        if place[1] == WHOLE or not self._counts(place):
            return "of the library"
        return module.definition(place[1]).digest

    def _counts(self, place: Place) -> bool:
        module = self._module(place[0])
        if module is None or any(f"{place[0]}.{place[1]}.".startswith(f"{excluded}.") for excluded in EXCLUDED):
            return False
        is_settings = f"{module.name}.".startswith(f"{SETTINGS}.")
        return not is_settings or place[1] == WHOLE or module.defines_function(place[1])

    def _module(self, name: str) -> Module | None:
        if name not in self._modules:
            path = self._folder.joinpath(*name.split("."))
            path = path if path.is_dir() else path.with_suffix(".py")
            self._modules[name] = Module(name, path) if path.exists() else None
        return self._modules[name]


def _pinned_versions(requirements: Path) -> dict[str, str]:
    """Versions by package, of the lines `name==version` of a file; none if it is not there."""
    text = requirements.read_text(encoding="utf-8") if requirements.is_file() else ""
    pins = re.findall(r"^([\w.-]+)==([^\s;+]+)", text, re.MULTILINE)
    return {_canonical(name): version for name, version in pins}


def _canonical(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()
