"""Divide the stage-2 aliases of one seed by a stage-2 seed; write their new definitions and tests that need them."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_rows
from metaocl.commands import command_parser, run_command
from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.documents.aliases import divide_stage2
from metaocl.documents.records import Alias
from metaocl.documents.writing import save_documents, write_stage2_documents
from metaocl.facts.fact import Fact


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--stage1-aliases", type=Path, required=True, help="parquet that write_documents.py wrote")
    parser.add_argument("--facts", type=Path, required=True, help="parquet of facts")
    parser.add_argument("--dataset", type=Dataset.from_argument, required=True, help="settings, as JSON")
    parser.add_argument("--define-type", type=DefineType.from_argument, required=True, help="settings, as JSON")
    parser.add_argument("--seed", type=int, required=True, help="stage-1 seed")
    parser.add_argument("--stage2-seed", type=int, required=True, help="stage-2 seed")
    parser.add_argument("--documents", type=Path, required=True, help="parquet to write: one row per document")
    parser.add_argument("--aliases", type=Path, required=True, help="parquet to write: what each alias stands for")
    parser.add_argument("--manifest", type=Path, required=True, help="JSON to write: counts, seeds, hashes")
    arguments = parser.parse_args()

    stage1_aliases = read_rows(arguments.stage1_aliases, Alias)
    seeds = {"seed": arguments.seed, "stage2_seed": arguments.stage2_seed}
    aliases = divide_stage2(stage1_aliases, arguments.dataset, *seeds.values())
    facts = read_rows(arguments.facts, Fact)
    documents = write_stage2_documents(aliases, facts, arguments.dataset, arguments.define_type, *seeds.values())
    with published(arguments.documents, arguments.aliases, arguments.manifest) as places:
        save_documents(documents, aliases, seeds, *places)


if __name__ == "__main__":
    run_command(main)
