"""Write the documents of one seed: aliases, stage-1 definitions and questions, and all test questions."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_rows
from metaocl.commands import command_parser, run_command
from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.documents.aliases import draw_aliases
from metaocl.documents.writing import save_documents, write_stage1_documents
from metaocl.facts.fact import Fact


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--facts", type=Path, required=True, help="parquet of facts")
    parser.add_argument("--dataset", type=Dataset.from_argument, required=True, help="settings, as JSON")
    parser.add_argument("--define-type", type=DefineType.from_argument, required=True, help="settings, as JSON")
    parser.add_argument("--seed", type=int, required=True, help="stage-1 seed")
    parser.add_argument("--documents", type=Path, required=True, help="parquet to write: one row per document")
    parser.add_argument("--aliases", type=Path, required=True, help="parquet to write: what each alias stands for")
    parser.add_argument("--manifest", type=Path, required=True, help="JSON to write: counts, seeds, hashes")
    arguments = parser.parse_args()

    facts, dataset, define_type, seed = (
        read_rows(arguments.facts, Fact),
        arguments.dataset,
        arguments.define_type,
        arguments.seed,
    )
    aliases = draw_aliases(facts, dataset, define_type, seed)
    documents = write_stage1_documents(aliases, facts, dataset, define_type, seed)
    with published(arguments.documents, arguments.aliases, arguments.manifest) as places:
        save_documents(documents, aliases, {"seed": seed}, *places)


if __name__ == "__main__":
    run_command(main)
