"""Plot what was found of each prediction of the hypotheses, and where it had to lie."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from metaocl.artifacts.publishing import ArtifactError, published
from metaocl.commands import command_parser, run_command
from metaocl.figures.hypotheses import NUMBERS, TEXTS, draw_hypotheses
from metaocl.figures.style import save_figure


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--findings", type=Path, required=True, help="CSV file with a row per prediction")
    parser.add_argument("--figures", type=Path, nargs="+", required=True, help="files to write: .pdf, .svg, .png")
    arguments = parser.parse_args()

    figure = draw_hypotheses(_read(arguments.findings))
    with published(*arguments.figures) as places:
        for place in places:
            save_figure(figure, place)


def _read(path: Path) -> pd.DataFrame:
    try:
        # An id may be "null", "nan" or a number, and a statement "NA": only numbers are missing where nothing is.
        types = dict.fromkeys(TEXTS, str) | dict.fromkeys(NUMBERS, float)
        table = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=dict.fromkeys(NUMBERS, ""))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: is no table: {' '.join(str(error).split())}; delete it and run again") from None
    if missing := {*TEXTS, *NUMBERS} - set(table):
        raise ArtifactError(f"{path}: has no column {', '.join(sorted(missing))}; delete it and run again")
    return table


if __name__ == "__main__":
    run_command(main)
