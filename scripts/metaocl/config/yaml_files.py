"""Reading YAML as people do: what YAML 1.1 would take for something else is refused, with its lines; and writing it.

Snakemake reads a configuration before the workflow sees it, so its file is read once more here, to be checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from metaocl.config.entry import ConfigError

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is twenty times as fast
TAG = "tag:yaml.org,2002:"
# What people and YAML read alike; YAML has true, 0x1F, 017, 1_000, 1:30 and .inf written in further ways.
ALIKE = {
    "bool": re.compile("true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"[-+]?(0|[1-9]\d*)"),
    "float": re.compile(r"[-+]?(0|[1-9]\d*)?(\.\d*)?([eE][-+]?\d+)?"),
    "str": re.compile(r"(?![-+]?0\d[\d_]*(\.\d*)?$).*", re.DOTALL),  # 08 is a text, as it is no octal number
    "timestamp": re.compile("(?!)"),
}

LINE_BREAKS = set("\x85\u2028\u2029")  # of YAML, beside the usual: without double quotes a blank takes their place


def read_yaml(path: Path) -> Any:
    """The content of a YAML or JSON file. Raises ConfigError, with a line for each thing that is not what it seems."""
    try:
        text = path.read_text(encoding="utf-8")
        is_json = _is_json(text)
        # Where JSON is no YAML: tabs between words, and letters in two halves, which the loader in C takes for none.
        loader = yaml.SafeLoader(text.expandtabs()) if is_json else LOADER(text)
        node = loader.get_single_node()
        doubts = [] if node is None else list(_doubts(node, (), set()))
        if not doubts:
            return json.loads(text) if is_json else loader.construct_document(node) if node else None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from None
    raise ConfigError("\n".join(f"{path}: {doubt}" for doubt in doubts))


def as_yaml(content: Any) -> str:
    """The text of a YAML file of plain values: `read_yaml` reads it as them, with no doubt."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Quotes texts that are read as something else, by people or by the reader."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_alike = ALIKE["str"].fullmatch(text) and not LINE_BREAKS & set(text)
    return dumper.represent_scalar(f"{TAG}str", text, style=None if is_alike else '"')


_Dumper.add_representer(str, _represent_text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _doubts(node: yaml.Node, place: tuple[str, ...], seen: set[int]) -> Iterator[str]:
    """What is not as it seems in a node at a place of the document; `seen` are the nodes that were looked at."""
    if id(node) in seen:  # an alias of it, or it holds itself
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        yield from _misread(node, place)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _doubts(item, (*place, str(number)), seen)
    elif isinstance(node, yaml.MappingNode):
        yield from _doubled(node, place)
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            yield from _doubts(key, (*place, name), seen)
            yield from _doubts(value, (*place, name), seen)


def _doubled(node: yaml.MappingNode, place: tuple[str, ...]) -> Iterator[str]:
    lines: dict[str, list[str]] = {}
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            lines.setdefault(key.value, []).append(str(key.start_mark.line + 1))
    for name, given in lines.items():
        if len(given) > 1:
            where = f"lines {', '.join(given[:-1])} and {given[-1]}"
            yield f"{'.'.join((*place, name))} is given {len(given)} times, in {where}; give it once"


def _misread(node: yaml.ScalarNode, place: tuple[str, ...]) -> Iterator[str]:
    kind = node.tag.removeprefix(TAG)
    if node.style or kind not in ALIKE or ALIKE[kind].fullmatch(node.value):
        return
    where = f"line {node.start_mark.line + 1}: {'.'.join(place)}: {node.value}"
    if kind == "bool":
        yield f"{where} is read as {SafeConstructor().construct_object(node)}; write true or false, or a text in quotes"
    elif kind == "timestamp":
        yield f"{where} is read as a date; a date is a text, in quotes"
    elif kind == "str":
        yield f"{where} is read as a text; write a number without zeros in front, or a text in quotes"
    else:
        number = SafeConstructor().construct_object(node)
        yield f"{where} is read as {number}; write a number in decimal digits alone, or a text in quotes"
