"""Plot the gaps of all studies on one page, a row per cell."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_table
from metaocl.commands import command_parser, run_command, study_and_path
from metaocl.figures.studies import draw_studies
from metaocl.figures.style import save_figure


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument(
        "--effects", nargs="+", required=True, type=study_and_path, metavar="STUDY=PATH", help="effects of each study"
    )
    parser.add_argument("--figures", type=Path, nargs="+", required=True, help="files to write: .pdf, .svg, .png")
    arguments = parser.parse_args()

    figure = draw_studies({study: read_table(path).to_pandas() for study, path in arguments.effects})
    with published(*arguments.figures) as places:
        for place in places:
            save_figure(figure, place)


if __name__ == "__main__":
    run_command(main)
