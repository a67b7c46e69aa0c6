"""Draw a document of every kind as a network of images sees it."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_rows
from metaocl.commands import command_parser, run_command
from metaocl.config.models import ConvNet
from metaocl.documents.records import Document
from metaocl.figures.pictures import draw_side_by_side
from metaocl.figures.style import save_figure
from metaocl.vision.handwriting import read_handwriting
from metaocl.vision.shown import show_documents


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help="all documents of a cell")
    parser.add_argument("--settings", type=ConvNet.from_argument, required=True, help="of the network, as JSON")
    parser.add_argument("--figures", type=Path, nargs="+", required=True, help="files to write: .pdf, .svg, .png")
    arguments = parser.parse_args()

    documents = [document for path in arguments.documents for document in read_rows(path, Document)]
    shown = show_documents(documents, read_handwriting(arguments.settings.handwriting), arguments.settings.letters)

    figure = draw_side_by_side(
        [each.picture for each in shown], [each.kind for each in shown], [each.text for each in shown]
    )
    with published(*arguments.figures) as places:
        for place in places:
            save_figure(figure, place)


if __name__ == "__main__":
    run_command(main)
