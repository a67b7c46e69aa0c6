"""Files of claims and hypotheses at planning: what is wrong with them is told, and which studies they are tested by."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from metaocl.config.entry import ConfigError
from metaocl.config.parsing import parse_config
from metaocl.planning.judging import check_judged_files, judged_studies

ROOT = Path(__file__).parents[3]
TINY = yaml.safe_load((ROOT / "tests/workflow/tiny.yaml").read_text())
PART = {"contrast": "ocl", "must_be": "above"}
ABOUT = {"id": "mine", "statement": "It is so."}


def judged(study, part):
    """The content of a file of either kind, by key of the configuration."""
    prediction = {"id": "seen", "statement": "It is seen.", "study": study} | part
    return {
        "claims": {"claims": [ABOUT | {"tests": [{"study": study, "parts": [part]}]}]},
        "hypotheses": {"hypotheses": [ABOUT | {"bed": "tiny", "predictions": [prediction]}]},
    }


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def check(key, *files):
    check_judged_files(parse_config(TINY | {key: list(files)}, "tiny.yaml"), "tiny.yaml", ROOT)


@pytest.mark.parametrize("key", ["claims", "hypotheses"])
def test_a_file_that_is_not_there_is_named(tmp_path, key):
    Path("mine.yaml").write_text(yaml.safe_dump(judged("tiny", PART)[key]))
    check(key, "mine.yaml")
    for name in ("mien.yaml", "."):
        with pytest.raises(ConfigError) as caught:
            check(key, "mine.yaml", name)
        assert str(caught.value) == f"tiny.yaml: {key} has {name!r}; {tmp_path} has no such file"


@pytest.mark.parametrize(
    ("key", "place"),
    [("claims", "mine.yaml: claim mine: tests.0.parts.0"), ("hypotheses", "mine.yaml: hypotheses.0.predictions.0")],
)
def test_a_contrast_that_there_is_not_is_told_before_anything_runs(key, place):
    Path("mine.yaml").write_text(yaml.safe_dump(judged("tiny", PART | {"contrast": "meta_olc"})[key]))
    with pytest.raises(ConfigError) as caught:
        check(key, "mine.yaml")
    message = str(caught.value)
    assert message.startswith(f"{place}.contrast: no such contrast; did you mean meta_ocl? Known are ocl, ")
    assert message.endswith("(got 'meta_olc')")


@pytest.mark.parametrize("key", ["claims", "hypotheses"])
def test_studies_that_test_nothing_are_not_asked_for(key):
    config = parse_config(TINY | {"studies": dict.fromkeys(("tiny", "other"), TINY["studies"]["tiny"])}, "")
    for study, asked in (("other", ["other"]), ("elsewhere", [])):
        Path("mine.yaml").write_text(yaml.safe_dump(judged(study, PART)[key]))
        assert judged_studies(key, ["mine.yaml"], config) == asked


@pytest.mark.parametrize("key", ["claims", "hypotheses"])
@pytest.mark.parametrize("axis", [None, "plan"])
@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"slope_along": "plans"}, "slope_along"),
        ({"cells": {"x_range": [0, 1]}}, "x_range"),
        ({"against": {"x_end": "largest"}}, "x_end"),
    ],
)
def test_what_needs_numbers_on_an_axis_is_told_before_anything_runs(key, axis, asked, named):
    Path("mine.yaml").write_text(yaml.safe_dump(judged("tiny", PART | asked)[key]))
    name = {"claims": "mine", "hypotheses": "seen"}[key]
    study = TINY["studies"]["tiny"] | {"axis": axis}
    with pytest.raises(ConfigError) as caught:
        check_judged_files(
            parse_config(TINY | {key: ["mine.yaml"], "studies": {"tiny": study}}, "t.yaml"), "t.yaml", ROOT
        )
    assert str(caught.value) == (
        f"t.yaml: {key} {name}: {named} needs numbers on the axis of study tiny, which is {axis or 'not given'}; those "
        "with numbers are alpha, model_size, batch_size, entities"
    )
    study["axis"] = "batch_size"
    check_judged_files(parse_config(TINY | {key: ["mine.yaml"], "studies": {"tiny": study}}, "t.yaml"), "t.yaml", ROOT)


def check_study(study, key, part, **sections):
    Path("mine.yaml").write_text(yaml.safe_dump(judged("tiny", PART | part)[key]))
    config = TINY | {key: ["mine.yaml"], "studies": {"tiny": TINY["studies"]["tiny"] | study}} | sections
    check_judged_files(parse_config(config, "t.yaml"), "t.yaml", ROOT)


@pytest.mark.parametrize("key", ["claims", "hypotheses"])
@pytest.mark.parametrize(
    ("axis", "section"), [("alpha", "define_types"), ("batch_size", "plans"), ("entities", "datasets")]
)
def test_a_slope_is_along_what_lies_on_the_axis(key, axis, section):
    name = {"claims": "mine", "hypotheses": "seen"}[key]
    check_study({"axis": axis}, key, {"slope_along": section})
    with pytest.raises(ConfigError) as caught:
        check_study({"axis": axis}, key, {"slope_along": "models"})
    assert str(caught.value) == (
        f"t.yaml: {key} {name}: slope_along is models; what lies on the axis of study tiny, {axis}, is {section}"
    )


def test_a_slope_on_a_logarithm_has_an_axis_above_0():
    types = {"never": {"alpha": 0}, "half": {"alpha": 0.5}, "always": {"alpha": 1}}
    study = {"axis": "alpha", "define_types": list(types)}
    slope = {"slope_along": "define_types", "scale": "log"}
    check_study(study, "claims", slope | {"scale": "linear"}, define_types=types)
    for cells in ({"x_range": [0.1, 1]}, {"define_types": ["half", "always"]}):
        check_study(study, "claims", slope | {"cells": cells}, define_types=types)
    with pytest.raises(ConfigError) as caught:
        check_study(study, "claims", slope, define_types=types)
    assert str(caught.value) == (
        "t.yaml: claims mine: scale: log needs an axis above 0; study tiny has 0 on its axis, alpha"
    )


def test_a_relation_over_cells_has_cells_enough_to_be_significant():
    types = {f"t{number}": {"alpha": number / 4} for number in range(5)}
    study = {"define_types": list(types)}
    relation = {"relates_to": "meta_ocl", "over": "cells"}
    check_study(study, "hypotheses", relation, define_types=types)
    check_study(study, "hypotheses", {"relates_to": "meta_ocl", "cells": {"define_types": ["t0"]}}, define_types=types)
    for axis, cells in ((None, {"define_types": ["t0", "t1", "t2"]}), ("alpha", {"x_range": [0, 0.5]})):
        with pytest.raises(ConfigError) as caught:
            check_study(study | {"axis": axis}, "hypotheses", relation | {"cells": cells}, define_types=types)
        said = str(caught.value)
        assert said.startswith("t.yaml: hypotheses seen: over: cells needs 4 cells or more to be significant; of study")
        assert [f"/t{number}/" in said for number in range(5)] == [True] * 3 + [False] * 2


@pytest.mark.parametrize("key", ["claims", "hypotheses"])
@pytest.mark.parametrize("side", ["cells", "against"])
@pytest.mark.parametrize("section", ["datasets", "define_types", "models", "plans"])
def test_cells_of_what_is_no_entry_are_told_before_anything_runs(key, side, section):
    name, known = {"claims": "mine", "hypotheses": "seen"}[key], next(iter(TINY[section]))
    Path("mine.yaml").write_text(yaml.safe_dump(judged("tiny", PART | {side: {section: [known, "typo"]}})[key]))
    with pytest.raises(ConfigError) as caught:
        check(key, "mine.yaml")
    assert str(caught.value).startswith(f"tiny.yaml: {key} {name}: {section} has typo; the configuration has ")
    for study, given in (("tiny", known), ("elsewhere", "typo")):
        Path("mine.yaml").write_text(yaml.safe_dump(judged(study, PART | {side: {section: [given]}})[key]))
        check(key, "mine.yaml")


@pytest.mark.parametrize(
    ("key", "study", "claim", "asks"),
    [
        ("claims", "alpha", "alpha", "slope_along"),
        ("claims", "gradient_alignment", "gradient_alignment", "x_range"),
        ("hypotheses", "correlation", "h2b_slope", "slope_along"),
    ],
)
def test_the_projects_own_files_ask_for_numbers_of_a_study_of_their_name(key, study, claim, asks):
    """Whatever its entries are called: what else they name, such a study may lack."""
    settings = TINY["studies"]["tiny"]
    with pytest.raises(ConfigError) as caught:
        check_judged_files(
            parse_config(TINY | {"study": study, "studies": {study: settings}}, "t.yaml"), "t.yaml", ROOT
        )
    assert str(caught.value) == (
        f"t.yaml: {key} {claim}: {asks} needs numbers on the axis of study {study}, which is not given; those with "
        "numbers are alpha, model_size, batch_size, entities; or call the study otherwise, or give "
        f"{key}, files in place of {ROOT}/config/{key}.yaml"
    )
    for changed in ({"studies": {study: settings | {"axis": "alpha"}}}, {"studies": {"other": settings}}):
        check_judged_files(
            parse_config(TINY | {"study": next(iter(changed["studies"]))} | changed, "t.yaml"), "t.yaml", ROOT
        )


def test_the_projects_own_slopes_are_along_the_axis_of_a_study_of_their_name():
    settings = TINY["studies"]["tiny"] | {"axis": "batch_size"}
    with pytest.raises(ConfigError) as caught:
        check_judged_files(
            parse_config(TINY | {"study": "alpha", "studies": {"alpha": settings}}, "t.yaml"), "t.yaml", ROOT
        )
    assert str(caught.value) == (
        "t.yaml: claims alpha: slope_along is define_types; what lies on the axis of study alpha, batch_size, is plans;"
        f" or call the study otherwise, or give claims, files in place of {ROOT}/config/claims.yaml"
    )
