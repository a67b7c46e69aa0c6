"""Write a true definition of every alias with each tag, for measurements and for training with other tags."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_rows, write_rows
from metaocl.commands import command_parser, run_command
from metaocl.config.define_types import DefineType
from metaocl.documents.counterfactuals import write_counterfactuals
from metaocl.documents.records import Alias, Document


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--stage1-aliases", type=Path, required=True, help="parquet file of stage-1 aliases")
    parser.add_argument("--aliases", type=Path, required=True, help="parquet file of stage-2 aliases")
    parser.add_argument("--define-type", type=DefineType.from_argument, required=True, help="settings, as JSON")
    parser.add_argument("--seed", type=int, required=True, help="stage-1 seed")
    parser.add_argument("--stage2-seed", type=int, required=True, help="stage-2 seed")
    parser.add_argument("--documents", type=Path, required=True, help="parquet to write")
    arguments = parser.parse_args()

    earlier, new = (read_rows(path, Alias) for path in (arguments.stage1_aliases, arguments.aliases))
    documents = write_counterfactuals(earlier, new, arguments.define_type, arguments.seed, arguments.stage2_seed)
    with published(arguments.documents) as (place,):
        write_rows(documents, Document, place)


if __name__ == "__main__":
    run_command(main)
