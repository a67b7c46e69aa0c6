"""Plot OCL and meta-OCL against what a study varies, a line per combination of everything else."""

from __future__ import annotations

import json
from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_table
from metaocl.commands import command_parser, run_command
from metaocl.figures.gaps import draw_gaps
from metaocl.figures.style import save_figure


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--gaps", type=Path, required=True, help="table of the study's gaps, a row per stage-1 seed")
    parser.add_argument(
        "--axis", type=json.loads, required=True, help="what the study varies, as JSON: label, log, and values by cell"
    )
    parser.add_argument("--figures", type=Path, nargs="+", required=True, help="files to write: .pdf, .svg, .png")
    arguments = parser.parse_args()

    figure = draw_gaps(read_table(arguments.gaps).to_pandas(), arguments.axis)
    with published(*arguments.figures) as places:
        for place in places:
            save_figure(figure, place)


if __name__ == "__main__":
    run_command(main)
