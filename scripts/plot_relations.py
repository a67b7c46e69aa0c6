"""Plot gradient alignment against the effect of the tag: seeds and cells told apart."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_table
from metaocl.commands import command_parser, run_command
from metaocl.figures.relations import draw_relations
from metaocl.figures.style import save_figure


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--gaps", type=Path, required=True, help="table of the study's gaps, a row per stage-1 seed")
    parser.add_argument("--figures", type=Path, nargs="+", required=True, help="files to write: .pdf, .svg, .png")
    arguments = parser.parse_args()

    figure = draw_relations(read_table(arguments.gaps).to_pandas())
    with published(*arguments.figures) as places:
        for place in places:
            save_figure(figure, place)


if __name__ == "__main__":
    run_command(main)
