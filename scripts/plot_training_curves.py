"""Plot exact match and, where measured, entity attribution and the area under the ROC curve over all epochs."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_table
from metaocl.commands import command_parser, run_command
from metaocl.figures.style import save_figure
from metaocl.figures.training_curves import draw_training_curves


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--metrics", type=Path, required=True, help="table of metrics of the study")
    parser.add_argument("--figures", type=Path, nargs="+", required=True, help="files to write: .pdf, .svg, .png")
    arguments = parser.parse_args()

    figure = draw_training_curves(read_table(arguments.metrics).to_pandas())
    with published(*arguments.figures) as places:
        for place in places:
            save_figure(figure, place)


if __name__ == "__main__":
    run_command(main)
