from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from metaocl.errors import UserError
from metaocl.figures.relations import draw_relations

CELL = {"dataset": "d", "model": "m", "plan": "p"}


def related(*define_types, **cell):
    """Per define type 5 seeds whose loss falls as alignment grows."""
    tables = []
    for level, define_type in enumerate(define_types):
        x = level + np.linspace(0, 0.1, 5)
        for contrast, measure, values in (
            ("alignment", "cosine:all", x),
            ("question_loss_paired", "question_loss", -x),
            ("meta_ocl_paired", "exact_match", 0.1 * x),
        ):
            rows = pd.DataFrame({"seed": range(5), "gap": values})
            tables.append(rows.assign(**CELL | cell, define_type=define_type, measure=measure, contrast=contrast))
    return pd.concat(tables)


def test_seeds_and_cells_are_told_apart():
    figure = draw_relations(related("tve", "weak"))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "ρ inside cells -1.00, over 2 cells -1.00",
        "ρ inside cells 1.00, over 2 cells 1.00",
    ]
    lines = figure.axes[0].lines
    assert [len(line.get_xdata(orig=False)) for line in lines] == [5, 1, 5, 1]
    assert lines[0].get_marker() != lines[2].get_marker()
    assert np.allclose(lines[3].get_xydata(), [[1.05, -1.05]])


def test_a_cell_looks_the_same_in_all_panels_and_is_named_by_what_tells_it_apart():
    gaps = pd.concat([related("tve", dataset=dataset) for dataset in ("cities", "people")])
    without = (gaps["dataset"] == "cities") & (gaps["contrast"] == "question_loss_paired")
    loss, match = draw_relations(gaps[~without]).axes
    colors = {line.get_label(): line.get_color() for line in match.lines if line.get_label() in ("cities", "people")}
    assert len(set(colors.values())) == 2
    assert [line.get_color() for line in loss.lines] == [colors["people"]] * 2
    (legend,) = loss.figure.legends
    assert {text.get_text() for text in legend.get_texts()} == {"cities", "people"}


@pytest.mark.parametrize("name", ["tve", "a_define_type_with_a_long_name_that_wants_room"])
def test_no_name_of_a_cell_is_cut_off(name):
    figure = draw_relations(related(*(f"{name}_{cell}" for cell in range(5))))
    (legend,) = figure.legends
    figure.canvas.draw()
    extent = legend.get_window_extent()
    assert figure.bbox.x0 <= extent.x0
    assert extent.x1 <= figure.bbox.x1


def test_a_study_without_pairs_is_told_what_it_needs():
    gaps = related("tve")
    with pytest.raises(UserError, match="ask for paired: true"):
        draw_relations(gaps[gaps["contrast"] == "alignment"])


def test_an_effect_that_no_cell_has_beside_alignment_has_no_panel():
    alignment, loss, match = (part for _, part in related("tve").groupby("contrast", sort=False))
    elsewhere = loss.assign(model="other")
    figure = draw_relations(pd.concat([alignment, elsewhere, match]))
    assert [axes.get_ylabel() for axes in figure.axes] == ["exact match, reliable − unreliable"]
    with pytest.raises(UserError, match="no cell with alignment and question_loss_paired or meta_ocl_paired"):
        draw_relations(pd.concat([alignment, elsewhere]))
