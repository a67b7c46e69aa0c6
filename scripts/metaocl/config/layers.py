"""Configurations in layers: a file lies over the one that it `extends`, and what stands higher holds.

Snakemake itself lays the files of --configfile and the words of --config over each other, but knows no `extends`. So
the workflow, which is read anew in every submitted job, and every tool read the layers here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

from metaocl.config.configuration import Config
from metaocl.config.entry import ConfigError
from metaocl.config.new_entries import NewEntry
from metaocl.config.parsing import parse_config
from metaocl.config.studies import Study
from metaocl.config.yaml_files import read_yaml

EXTENDS = "extends"


class Layer(NamedTuple):
    """A part of a configuration: its file, None for what the command line adds, and the keys that it gives."""

    file: Path | None
    keys: dict[str, Any]

    @property
    def origin(self) -> str:
        """What messages call it."""
        return str(self.file or "--config")


def load_config(file: Path) -> Config:
    """The typed form of a configuration file, with all that it extends. Raises ConfigError, one line per mistake."""
    return parse_layers(read_layers([file]))


def parse_layers(layers: Sequence[Layer]) -> Config:
    """The typed form of all layers as one. Raises ConfigError, one line per mistake."""
    new = dict(_new_entries(layers))
    config = parse_config(merged(layers), in_words(layers), new)
    lines = [
        f"{entry.layer}: {entry.not_below}, and no study has it as a new one"
        for entry in new.values()
        if entry.meant and entry.section in Study.model_fields and entry.name not in _used(layers, entry.section)
    ]
    if lines:
        raise ConfigError("\n".join(lines))
    return config


def read_config(file: Path) -> dict[str, Any]:
    """The content of a configuration file with all that it extends, as YAML would give it if one file held it all."""
    return merged(read_layers([file]))


def read_layers(files: Sequence[Path], command_line: Mapping[str, Any] | None = None) -> list[Layer]:
    """What a configuration is made of, the lowest layer first.

    Each file lies over the one before it, and directly over what it extends, unless that lies further below already.
    command_line: keys that lie over all files. Raises ConfigError for a file that cannot be read or laid anywhere.
    """
    layers: list[Layer] = []
    for file in files:
        *below, named = _chain(file)
        if _has(layers, file):
            raise ConfigError(f"{file}: lies below {layers[-1].origin} already; name it once, before what extends it")
        layers += [layer for layer in below if not _has(layers, layer.file)]
        layers.append(named)
    if command_line and EXTENDS in command_line:
        raise ConfigError(
            f"--config: extends is {command_line[EXTENDS]!r}; only a file extends another, so name files, the lowest "
            "first, behind --configfile"
        )
    return [*layers, Layer(None, dict(command_line))] if command_line else layers


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """The resolved configuration: all layers as one."""
    return reduce(_laid_over, [layer.keys for layer in layers], {})


def in_words(layers: Sequence[Layer]) -> str:
    """The layers by name, the highest first: where a mistake may be."""
    return " over ".join(layer.origin for layer in reversed(layers))


def _new_entries(layers: Sequence[Layer]) -> Iterator[tuple[tuple[str, str], NewEntry]]:
    """What each layer adds to the sections of those below it."""
    for number, layer in enumerate(layers[1:], start=1):
        below = merged(layers[:number])
        for section, entries in layer.keys.items():
            known = below.get(section, {})
            if isinstance(entries, dict) and isinstance(known, dict):
                names = [str(name) for name in known]
                for name, entry in entries.items():
                    if name not in known and (entry is None or isinstance(entry, dict)):
                        added = NewEntry(layer.origin, in_words(layers[:number]), section, str(name), names)
                        yield (section, added.name), added


def _used(layers: Sequence[Layer], section: str) -> set[str]:
    """The entries of a section that studies name, or that plans branch off, in whatever layer: one above may have
    taken a study's list away since."""
    names: set[str] = set()
    for layer in layers:
        for study in _entries(layer, "studies"):
            listed = study.get(section)
            names |= {str(name) for name in listed} if isinstance(listed, list) else set()
        if section == "plans":
            names |= {str(plan.get("branch_of")) for plan in _entries(layer, "plans")}
    return names


def _entries(layer: Layer, section: str) -> list[dict[str, Any]]:
    """A layer's entries of a section, as far as they are what they should be."""
    entries = layer.keys.get(section)
    return [each for each in entries.values() if isinstance(each, dict)] if isinstance(entries, dict) else []


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two layers as one: mappings by key, anything else as a whole; null takes away what lies below."""
    both = dict(below)
    for key, value in above.items():
        if value is None and key in both:
            del both[key]
        elif isinstance(value, Mapping) and isinstance(both.get(key), Mapping):
            both[key] = _laid_over(both[key], value)
        else:
            both[key] = value  # a null of nothing stays, and is refused where a misspelt name of an entry has it
    return both


def _chain(file: Path) -> list[Layer]:
    """A file over the one that it extends, over the one that that one extends, …: the lowest first."""
    chain: list[Layer] = []
    while True:
        keys = read_yaml(file)
        if not isinstance(keys, dict):
            raise ConfigError(f"{file}: holds {keys!r}; a configuration is a mapping, of `study`, `studies` and so on")
        extended = keys.pop(EXTENDS, ...)
        chain.insert(0, Layer(file, keys))
        if extended is ...:
            return chain
        file = _extended(file, extended)
        if _has(chain, file):
            back = next(n for n, layer in enumerate(chain) if layer.file and layer.file.samefile(file))
            circle = [layer.origin for layer in (*reversed(chain[: back + 1]), chain[back])]
            raise ConfigError(f"{chain[0].origin}: extends is {extended!r}, a circle: {' → '.join(circle)}")


def _extended(file: Path, value: object) -> Path:
    """The file that a file extends, of which `value` is the path from the folder of the other."""
    if not isinstance(value, str):
        raise ConfigError(f"{file}: extends is {value!r}; it takes the path of one file, from this file's folder")
    if not os.path.isfile(below := file.parent / value):
        raise ConfigError(f"{file}: extends is {value!r}, from this file's folder; there is no file {below}")
    return below


def _has(layers: Sequence[Layer], file: Path | None) -> bool:
    """Whether a file is among layers, by whatever path."""
    return file is not None and any(layer.file and layer.file.samefile(file) for layer in layers)
