"""The sources of facts by the name that the configuration gives them."""

from __future__ import annotations

from pathlib import Path

from metaocl.config import Source
from metaocl.facts import Fact, people

CREDITS = {"people": people.CREDIT}


def read_facts(source: Source, entities: int, data: Path | None = None) -> list[Fact]:
    """The facts about the `entities` best-known entities of a source. Raises FactsError.

    data: the file that the source reads, for sources that have one.
    """
    match source.kind:
        case "people":
            return people.read_people(entities)
        case kind:
            raise NotImplementedError(kind)
