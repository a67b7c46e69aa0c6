"""Reading a configuration: to typed entries and back to JSON, with one line per mistake.

`config/README.md` and `workflow/schemas/config.schema.json` are generated from the entries, and a test keeps them in
step. Nothing in this package imports torch or pandas: the Snakefile reads it again in every submitted job.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from metaocl.config.branches import with_branches
from metaocl.config.configuration import Config
from metaocl.config.entry import ConfigError, Entry
from metaocl.config.new_entries import NewEntry

NewEntries = Mapping[tuple[str, str], NewEntry]  # by section and name
LACKING = ("missing", "union_tag_not_found")


def parse_config(raw: object, origin: str, new: NewEntries | None = None) -> Config:
    """The typed form of `raw`, as YAML gives it; `origin` names its file in messages.

    new: what a layer adds to those below. Raises ConfigError with one line per mistake.
    """
    try:
        return with_branches(Config.model_validate(raw))
    except ValidationError as error:
        raise ConfigError("\n".join(dict.fromkeys(_lines(error.errors(), origin, new or {})))) from None


def _lines(mistakes: Sequence[Any], origin: str, new: NewEntries) -> Iterator[str]:
    """A line for each mistake, but one for all that a new entry lacks."""
    lacking: dict[tuple[str, str], list[str]] = {}
    for mistake in mistakes:
        if mistake["type"] in LACKING:
            keys = [*mistake["loc"][2:], *(["kind"] if mistake["type"] == "union_tag_not_found" else [])]
            lacking.setdefault(mistake["loc"][:2], []).append(".".join(map(str, keys)))
    for mistake in mistakes:
        line, entry = describe_mistake(mistake, origin, mistake["loc"], "config/README.md"), mistake["loc"][:2]
        if entry in new and mistake["type"] in LACKING:
            line = f"{new[entry].layer}: {new[entry].not_below}, and a new one needs {', '.join(lacking[entry])}"
        elif mistake["loc"] in new and new[entry].meant:
            line = f"{line}; {new[entry].not_below}"
        yield line


def describe_mistake(mistake: Any, where: str, place: Sequence[str | int], keys_at: str) -> str:
    """One line for one pydantic error: where and at which key it is, what was expected, and the value.

    keys_at: the file that lists the keys there are.
    """
    key = ".".join(str(part) for part in place if part != "[key]")
    value = mistake["input"]
    shown = f" (got {value!r})" if isinstance(value, (str, int, float, list, type(None))) else ""
    if mistake["type"] == "extra_forbidden":
        return f"{where}: unknown key {key}{shown}; {keys_at} lists the keys"
    return f"{where}: {key + ': ' if key else ''}{mistake['msg'].removeprefix('Value error, ')}{shown}"


def canonical_json(entry: Entry) -> str:
    """All settings of an entry, defaults included, as one line of sorted JSON: what a rule hands to its script.

    Two entries that mean the same give the same text, so that only a real change makes Snakemake rerun a job.
    """
    settings = entry.model_dump(mode="json", exclude=set(entry.cosmetic))
    return json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
