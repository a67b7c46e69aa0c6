"""One number per seed, however a claim compares cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from claim_samples import FOUR, above, axis_of, make_claim, make_gaps

from metaocl.claims.measuring import in_words
from metaocl.claims.verdicts import judge
from metaocl.config.claims import Comparison
from metaocl.config.entry import ConfigError


@pytest.mark.parametrize(
    ("values", "contrast", "keys", "shown"),
    [
        ([0.9, 0.99, 0.8], "meta_ocl", {}, "1.000]"),
        ([0.02, 0.0, 0.03], "attribution_none", {}, "[0.000, "),
        ([1.5, 1.9, 1.3], "meta_ocl", {"against": {"define_types": ["evt"]}}, "2.000]"),
        ([1.5, 1.9, 1.3], "relative_meta_ocl", {"less": "meta_ocl"}, "2.000]"),
        ([5.0, 9.0, 7.0], "meta_ocl", {"slope_along": "define_types"}, "11.968]"),
    ],
)
def test_an_interval_does_not_leave_what_can_be(values, contrast, keys, shown):
    gaps = [make_gaps(values, contrast), make_gaps([0.0] * 3, contrast, define_type="evt")]
    if "less" in keys:
        gaps = [make_gaps(values, contrast), make_gaps([0.0] * 3)]
    keys = {"cells": {"define_types": ["tve"]}} | keys if "slope_along" not in keys else keys
    verdict = judge(make_claim(above(contrast, **keys), minimum_seeds=3), pd.concat(gaps), axis_of(tve=1, evt=0))
    assert shown in verdict.reason


def test_a_slope_is_that_of_least_squares_in_every_seed():
    # Seed by seed the slopes on x = 0, 1, 2 are .1, .2, .4 and .5.
    cells = [make_gaps([0.7 + slope * x for slope in FOUR], define_type=f"x{x}") for x in (0, 1, 2)]
    claim = make_claim(above(slope_along="define_types"))
    verdict = judge(claim, pd.concat(cells), axis_of(x0=0, x1=1, x2=2))
    assert verdict.verdict == "reproduced"
    assert "slope of meta_ocl is 0.300 [0.009, 0.591]" in verdict.reason
    doubling = judge(
        make_claim(above(slope_along="define_types", scale="log")), pd.concat(cells), axis_of(x0=1, x1=2, x2=4)
    )
    assert "slope of meta_ocl, with each doubling is 0.300 [0.009, 0.591]" in doubling.reason
    assert replace(doubling, reason="") == replace(verdict, reason="")


def test_models_of_different_level_do_not_disturb_a_slope():
    low = [make_gaps([slope * x for slope in FOUR], define_type=f"x{x}") for x in (0, 1)]
    high = [make_gaps([5 + slope * x for slope in FOUR], define_type=f"x{x}", model="large") for x in (1, 2)]
    axis = axis_of(x0=0, x1=1) | {"data/x1/large/two": 1, "data/x2/large/two": 2}
    verdict = judge(make_claim(above(slope_along="define_types")), pd.concat([*low, *high]), axis)
    assert "slope of meta_ocl is 0.300 [0.009, 0.591]" in verdict.reason


def test_a_slope_needs_two_places_on_the_axis():
    claim = make_claim(above(slope_along="define_types", scale="log"))
    gaps = pd.concat([make_gaps(FOUR), make_gaps(FOUR, define_type="vte"), make_gaps(FOUR, define_type="evt")])
    assert judge(claim, gaps, axis_of(tve=0.7, vte=0.7, evt=0.7)).verdict == "not run"


@pytest.mark.parametrize(
    ("axis", "shown"), [({"vte": 1}, "data/vte/small/two: 1"), ({"tve": "tve"}, "two: tve"), ({}, "nothing")]
)
def test_a_cell_without_a_number_on_the_axis_is_an_error_that_names_it(axis, shown):
    claim = make_claim(above(slope_along="define_types"))
    with pytest.raises(ConfigError, match=f"no number for the cell data/tve/small/two; it has .*{shown}"):
        judge(claim, make_gaps(FOUR), axis_of(**axis))


def test_cells_are_chosen_by_name_range_and_end():
    gaps = pd.concat([make_gaps(np.array(FOUR) * scale, define_type=f"x{scale}") for scale in (1, 10, 100)])
    axis = axis_of(x1=1, x10=10, x100=100)

    def mean(**cells):
        return judge(make_claim(above(cells=cells)), gaps, axis).reason.split(" is ")[1].split(" ")[0]

    assert mean(define_types=["x10"]) == "3.000"
    assert mean(x_range=[1, 10]) == "1.650"
    assert mean(x_end="smallest") == "0.300"
    assert mean(x_end="largest") == "30.000"
    assert mean() == "11.100"


def test_a_named_cell_that_is_not_there_is_not_replaced_by_the_others():
    claim = make_claim(above(cells={"define_types": ["tve", "vte"]}))
    assert judge(claim, make_gaps(FOUR), {}).verdict == "not run"


def test_cells_and_contrasts_are_subtracted_seed_by_seed():
    gaps = pd.concat([make_gaps([0.11, 0.22, 0.44, 0.55]), make_gaps([0.01, 0.02, 0.04, 0.05], define_type="evt")])
    claim = make_claim(above(cells={"define_types": ["tve"]}, against={"define_types": ["evt"]}))
    assert "meta_ocl (tve against evt) is 0.300 [0.009, 0.591]" in judge(claim, gaps, {}).reason
    gaps = pd.concat([make_gaps([0.11, 0.22, 0.44, 0.55], "relative_meta_ocl"), make_gaps([0.01, 0.02, 0.04, 0.05])])
    claim = make_claim(above("relative_meta_ocl", less="meta_ocl"))
    assert "relative_meta_ocl − meta_ocl is 0.300 [0.009, 0.591]" in judge(claim, gaps, {}).reason


def test_seeds_that_lack_a_cell_are_counted_in_the_reason():
    gaps = pd.concat([make_gaps([*FOUR, 0.3, 0.3]), make_gaps(FOUR, define_type="vte")])
    verdict = judge(make_claim(above()), gaps, {})
    assert verdict.n_seeds == 4
    assert "2 seeds that lack a cell are left out" in verdict.reason


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        ({"cells": {"plans": ["one", "two"]}}, "meta_ocl (one + two)"),
        ({"against": {"plans": ["one"]}}, "meta_ocl (all cells against one)"),
        ({"cells": {"x_end": "largest"}, "against": {}}, "meta_ocl (largest x against all cells)"),
        ({"less": "ocl", "cells": {"x_range": [1, 2], "models": ["m"]}}, "meta_ocl − ocl (m, x from 1 to 2)"),
        ({"slope_along": "plans", "scale": "log"}, "slope of meta_ocl, with each doubling"),
    ],
)
def test_a_comparison_in_words_says_what_is_compared(comparison, words):
    assert in_words(Comparison.model_validate({"contrast": "meta_ocl"} | comparison)) == words
