"""The sources of facts by the name that the configuration gives them."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.checksums import check_hash
from metaocl.config.sources import Cities, Cvdb, Grids, Modular, People, SetInclusion, Source, Table, Trex
from metaocl.facts import cities, cvdb, grids, modular, people, set_inclusion, table, trex
from metaocl.facts.fact import Fact

CREDITS = {
    "people": people.CREDIT,
    "cities": cities.CREDIT,
    "cvdb": cvdb.CREDIT,
    "trex": trex.CREDIT,
    "table": table.CREDIT,
    "set_inclusion": set_inclusion.CREDIT,
    "modular": modular.CREDIT,
    "grids": grids.CREDIT,
}


def read_facts(source: Source, entities: int, data: Path | None = None) -> list[Fact]:
    """The facts about the `entities` best-known entities of a source. Raises FactsError.

    data: the file (cvdb, table) or the table of triples made from it (trex), for the sources that read one.
    """
    match source, data:
        case People(), None:
            return people.read_people(entities)
        case Cities(), None:
            return cities.read_cities(entities)
        case SetInclusion(), None:
            return set_inclusion.draw_set_inclusion(entities, source)
        case Modular(), None:
            return modular.draw_modular(entities, source)
        case Grids(), None:
            return grids.draw_grids(entities, source)
        case Cvdb(sha256=expected), Path() as file:
            check_hash(file, expected)
            return cvdb.read_cvdb(entities, file)
        case Table(sha256=expected), Path() as file:
            check_hash(file, expected)
            return table.read_own_table(entities, file, source)
        case Trex(), Path() as triples:
            return trex.read_trex(entities, triples)
    raise ValueError(f"the source {source.kind} takes {'no file' if data else 'a file'}")
