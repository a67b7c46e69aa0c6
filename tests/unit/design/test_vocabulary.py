"""The field's vocabulary holds together, and is light enough for whoever plans."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from metaocl.design.axes import AXES, AxisName
from metaocl.design.cells import CELL, SEEDS, Cell
from metaocl.design.contrasts import CONTRASTS, FOR_CLAIMS, HEADLINES, OF_MECHANISMS, ON_PAGE, PHENOMENA
from metaocl.design.measures import MAIN_MEASURE, MEASURES, Measure
from metaocl.design.subsets import SUBSET_TITLES, SWAPPED, TAG_OF_SUBSET
from metaocl.design.test_sets import TEST_SET_TITLES, TEST_SETS

PACKAGE = Path(__file__).parents[3] / "scripts" / "metaocl" / "design"
SPREAD = Measure("cosine", "cosine", "cosine", lowest=-1.0, highest=1.0)


def test_names_are_given_once_and_lists_name_what_there_is():
    assert len(CONTRASTS) == len(ON_PAGE) + len(FOR_CLAIMS) + len(OF_MECHANISMS)
    assert {contrast.measure for contrast in OF_MECHANISMS} - {None} <= set(MEASURES)
    assert len({contrast.title for contrast in CONTRASTS.values()}) == len(CONTRASTS)
    assert set(HEADLINES) <= set(PHENOMENA) <= set(CONTRASTS)
    assert all(CONTRASTS[name].short for name in HEADLINES)
    assert MAIN_MEASURE.analysed


def test_every_axis_test_set_and_subset_of_a_contrast_has_a_title():
    assert tuple(AXES) == get_args(AxisName)
    assert tuple(TEST_SET_TITLES) == TEST_SETS
    compared = {subset for contrast in (*ON_PAGE, *FOR_CLAIMS) for subset in (*contrast.plus, *contrast.minus)}
    assert compared | TAG_OF_SUBSET.keys() | {SWAPPED} == SUBSET_TITLES.keys()


def test_columns_are_the_fields_of_a_cell():
    assert [*CELL, *SEEDS] == [field.name for field in fields(Cell)]


@pytest.mark.parametrize(
    ("contrast", "measure", "limits"),
    [
        ("meta_ocl", MAIN_MEASURE, (-1, 1)),
        ("meta_ocl", SPREAD, (-2, 2)),
        ("relative_meta_ocl", MAIN_MEASURE, (-1, 1)),
        ("attribution_none", MAIN_MEASURE, (0, 1)),
        ("attribution_none", SPREAD, (-1, 1)),
    ],
)
def test_a_contrast_is_limited_by_the_range_of_its_measure(contrast, measure, limits):
    assert CONTRASTS[contrast].limits(measure) == limits


def test_the_measures_of_questions_are_shares():
    assert {(measure.lowest, measure.highest) for measure in MEASURES.values() if measure.analysed} == {(0, 1)}


def test_nothing_heavy_is_imported():
    modules = ", ".join(f"metaocl.design.{path.stem}" for path in sorted(PACKAGE.glob("[a-z]*.py")))
    heavy = {"torch", "pandas", "numpy", "scipy"}
    code = f"import sys, {modules}; print(*({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parents[1], capture_output=True, text=True)
    assert (run.returncode, run.stdout.split()) == (0, [])
