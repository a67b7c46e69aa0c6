from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from metaocl.errors import UserError
from metaocl.figures.studies import draw_studies

CELL = {"dataset": "d", "model": "m", "plan": "p"}


def effects(means, contrasts=("ocl", "meta_ocl"), **cell):
    """A row per define type and contrast; another measure beside it, which is not shown."""
    rows = [
        {"define_type": define_type, "contrast": contrast, "measure": measure, "n_seeds": 10}
        | {"mean": mean + shift, "ci_low": mean + shift - 0.02, "ci_high": mean + shift + 0.02}
        for define_type, mean in means.items()
        for shift, contrast in enumerate(contrasts)
        for measure in ("token_f1", "exact_match")
    ]
    return pd.DataFrame(rows).assign(**CELL | cell)


def test_each_cell_has_a_row_below_its_study_and_a_panel_for_each_gap():
    figure = draw_studies({"main": effects({"tve": 0.1}), "order": effects({"tve": 0.1, "evt": -0.2})})
    ocl, meta_ocl = figure.axes
    assert [axes.get_xlabel() for axes in figure.axes] == ["OCL", "meta-OCL"]
    labels = [tick.get_text() for tick in ocl.get_yticklabels()]
    assert labels == ["main, 10 seeds", "m", "order, 10 seeds", "tve", "evt"]
    assert [tick.get_fontweight() for tick in ocl.get_yticklabels()] == ["bold", "normal", "bold", "normal", "normal"]
    intervals, points = meta_ocl.lines[:-1:2], meta_ocl.lines[1:-1:2]
    assert np.allclose([line.get_xydata()[0] for line in points], [(1.1, 1), (1.1, 3), (0.8, 4)])
    assert np.allclose([line.get_xdata() for line in intervals], [(1.08, 1.12), (1.08, 1.12), (0.78, 0.82)])


def test_attribution_has_a_panel_where_a_study_asks_for_it():
    asked = effects({"tve": 0.1}, contrasts=("ocl", "meta_ocl", "attribution_meta_ocl"))
    figure = draw_studies({"main": effects({"tve": 0.1}), "asked": asked})
    assert figure.axes[2].get_xlabel() == "meta-OCL, attribution"
    assert len(figure.axes[2].lines) == 2 + 1


def test_cells_that_differ_in_nothing_of_a_study_are_named_by_their_model():
    figure = draw_studies({"main": effects({"tve": 0.1}, model="tiny")})
    assert figure.axes[0].get_yticklabels()[1].get_text() == "tiny"


def test_studies_without_a_gap_are_refused():
    with pytest.raises(UserError, match="no gap"):
        draw_studies({"main": effects({"tve": np.nan})})
