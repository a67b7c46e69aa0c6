from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import matplotlib
import pyarrow as pa
import pytest
from figure_samples import ORDER, SIZE, axis, gaps, metrics

from metaocl.artifacts.tables import write_table
from metaocl.figures.gaps import draw_gaps
from metaocl.figures.style import save_figure
from metaocl.figures.training_curves import draw_training_curves

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture(params=["training curves", "gaps"])
def draw(request):
    if request.param == "gaps":
        return lambda: draw_gaps(gaps(SIZE), axis(SIZE, log=True))
    return lambda: draw_training_curves(metrics(attribution=True))


@pytest.mark.parametrize("ending", ["pdf", "svg", "png"])
def test_equal_figures_are_equal_files_whatever_the_user_likes(draw, ending, tmp_path):
    save_figure(draw(), tmp_path / f"one.{ending}")
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 20, "svg.hashsalt": None, "pdf.fonttype": 3}):
        save_figure(draw(), tmp_path / f"two.{ending}")
    one, two = ((tmp_path / f"{name}.{ending}").read_bytes() for name in ("one", "two"))
    assert one == two
    assert b"CreationDate" not in one
    assert b"dc:date" not in one


def test_fonts_are_embedded_as_truetype(draw, tmp_path):
    save_figure(draw(), tmp_path / "figure.pdf")
    content = (tmp_path / "figure.pdf").read_bytes()
    assert content.count(b"/FontFile2") >= 1
    assert b"/Subtype /Type3" not in content


def test_an_svg_needs_no_font(draw, tmp_path):
    save_figure(draw(), tmp_path / "figure.svg")
    assert "<text" not in (tmp_path / "figure.svg").read_text()


def test_the_script_draws_gaps_as_all_formats(tmp_path):
    write_table(pa.Table.from_pandas(gaps(ORDER)), tmp_path / "gaps.parquet")
    figures = [tmp_path / f"gaps.{ending}" for ending in ("pdf", "svg", "png")]
    command = [sys.executable, SCRIPTS / "plot_gaps.py", "--gaps", tmp_path / "gaps.parquet"]
    subprocess.run([*command, "--axis", json.dumps(axis(ORDER)), "--figures", *figures], check=True)
    assert [figure.read_bytes()[:4] for figure in figures] == [b"%PDF", b"<?xm", b"\x89PNG"]
