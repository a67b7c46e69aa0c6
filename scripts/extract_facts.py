"""Extract the facts of a data set: entities with question-answer pairs, one row per pair."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from metaocl.artifacts.checksums import file_hash
from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import write_json, write_rows
from metaocl.commands import command_parser, run_command
from metaocl.config.sources import parse_source
from metaocl.facts.fact import Fact
from metaocl.facts.sources import CREDITS, read_facts


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--source", type=parse_source, required=True, help="settings, as JSON")
    parser.add_argument("--entities", type=int, required=True, help="how many entities to take")
    parser.add_argument("--data", type=Path, nargs="?", help="file to read, for sources that have one")
    parser.add_argument("--facts", type=Path, required=True, help="parquet to write")
    parser.add_argument("--manifest", type=Path, required=True, help="JSON to write: counts, credit, hash")
    arguments = parser.parse_args()

    source = arguments.source
    facts = read_facts(source, arguments.entities, arguments.data)
    with published(arguments.facts, arguments.manifest) as (facts_place, manifest_place):
        write_rows(facts, Fact, facts_place)
        answers = Counter(attribute for attribute, _ in {(fact.attribute, fact.answer) for fact in facts})
        manifest = {
            "credit": CREDITS[source.kind],
            "entities": len({fact.entity for fact in facts}),
            "facts": len(facts),
            "different_answers": dict(answers),
            "sha256": file_hash(facts_place),
        }
        write_json(manifest, manifest_place)


if __name__ == "__main__":
    run_command(main)
