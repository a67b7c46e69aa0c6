"""The sources of facts by the name that the configuration gives them."""

from __future__ import annotations

from metaocl.facts import Fact, people

READERS = {"people": people.read_people}
CREDITS = {"people": people.CREDIT}


def read_facts(source: str, entities: int) -> list[Fact]:
    """The facts about the `entities` best-known entities of a source. Raises FactsError."""
    return READERS[source](entities)
