"""Verdicts: hand-worked cases, and how often they err in simulated studies."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import judge_claims
from metaocl.claims.verdicts import Claim, Question, Series, ask, decide, judge, parse_claims
from metaocl.config.entry import ConfigError
from metaocl.config.yaml_files import read_yaml
from metaocl.statistics.effects import CELL

FILE = Path(__file__).parents[3] / "config" / "claims.yaml"
STUDIES = 2_000
# 5 %, and three standard errors of a share of so many studies: 6.5 %.
MOST_FALSE_POSITIVES = 0.05 + 3 * math.sqrt(0.05 * 0.95 / STUDIES)
GAP, SPREAD = 0.029, 0.025  # published, between stage-1 seeds


def make_claim(*parts, **keys):
    keys = {"id": "c", "statement": "A claim.", "study": "s", "minimum_seeds": 4} | keys
    return Claim.model_validate(keys | {"parts": list(parts)})


def above(contrast="meta_ocl", **keys):
    return {"contrast": contrast, "must_be": "above"} | keys


def make_gaps(values, contrast="meta_ocl", first_seed=0, **cell):
    """One row per value: the gap of one stage-1 seed in one cell."""
    cell = {"dataset": "data", "define_type": "tve", "model": "small", "plan": "two"} | cell
    rows = [{"seed": first_seed + place, "gap": value} for place, value in enumerate(values)]
    table = pd.DataFrame(rows).assign(**cell, measure="exact_match", contrast=contrast, when="stage2")
    return table[[*CELL, "seed", "measure", "contrast", "when", "gap"]]


def axis_of(**xs):
    """x by define type."""
    return {f"data/{define_type}/small/two": x for define_type, x in xs.items()}


# Their mean is 3 and their variance 10/3: t = 3 / sqrt(10/12) = 3.286, p = .0231 with 3 degrees of freedom.
FOUR = [1.0, 2.0, 4.0, 5.0]


def test_four_seeds_give_the_t_test_worked_out_by_hand():
    verdict = judge(make_claim(above()), make_gaps(FOUR), {})
    assert verdict.verdict == "reproduced"
    t = 3 / math.sqrt(10 / 12)
    # Student's t with 3 degrees of freedom has a closed form.
    x = t / math.sqrt(3)
    assert verdict.p_value == pytest.approx(0.5 - (x / (1 + x**2) + math.atan(x)) / math.pi)
    assert verdict.p_sign_flip == pytest.approx(1 / 16)
    assert verdict.n_seeds == 4
    assert "meta_ocl is 3.000 [0.095, 5.905], p = 0.023 for above 0" in verdict.reason


def test_the_same_effect_in_the_other_direction_contradicts():
    claim = make_claim(above())
    assert judge(claim, make_gaps([-gap for gap in FOUR]), {}).verdict == "contradicted"
    below = make_claim(above(must_be="below"))
    assert judge(below, make_gaps(FOUR), {}).verdict == "contradicted"
    assert judge(below, make_gaps([-gap for gap in FOUR]), {}).verdict == "reproduced"


def test_an_effect_in_the_other_direction_has_no_number_of_seeds():
    assert judge(make_claim(above()), make_gaps([-gap for gap in FOUR]), {}).seeds_needed is None


def test_no_clear_effect_is_inconclusive_and_says_how_many_seeds_it_needs():
    # d = 1 / sqrt(20/3) = .387. By the normal distribution (1.645 + .842)² / d² = 41.2; Student's t needs a few more.
    verdict = judge(make_claim(above()), make_gaps([-2, 0, 2, 4]), {})
    assert (verdict.verdict, verdict.seeds_needed) == ("inconclusive", 43)


def test_a_threshold_shifts_the_question():
    claim = make_claim(above(threshold=2.9))
    assert judge(claim, make_gaps(FOUR), {}).verdict == "inconclusive"
    assert judge(make_claim(above(threshold=9)), make_gaps(FOUR), {}).verdict == "contradicted"


def test_too_few_seeds_never_give_a_verdict():
    claim = make_claim(above(), minimum_seeds=10)
    for sign in (1, -1):
        verdict = judge(claim, make_gaps([sign * gap for gap in [1, 1.1, 0.9, 1, 1.2, 1, 1.1, 1, 1]]), {})
        assert (verdict.verdict, verdict.n_seeds) == ("inconclusive", 9)
    assert judge(claim, make_gaps([1, 1.1, 0.9, 1, 1.2, 1, 1.1, 1, 1, 1.05]), {}).verdict == "reproduced"


def test_seeds_needed_are_never_fewer_than_the_claim_asks_for():
    assert judge(make_claim(above(), minimum_seeds=10), make_gaps([1, 1.1, 0.9, 1]), {}).seeds_needed == 10


def test_one_seed_is_inconclusive():
    verdict = judge(make_claim(above()), make_gaps([0.5]), {})
    assert (verdict.verdict, verdict.n_seeds, verdict.p_value) == ("inconclusive", 1, None)


def test_no_table_is_not_run_and_neither_is_a_table_without_the_contrast():
    assert judge(make_claim(above()), None, {}).verdict == "not run"
    assert judge(make_claim(above()), make_gaps(FOUR, "ocl"), {}).verdict == "not run"


def test_a_failed_control_forbids_any_verdict():
    claim = make_claim(above(), controls=[{"contrast": "meta_ocl_before_stage2"}])
    for sign in (1, -1):
        gaps = pd.concat([make_gaps([sign * gap for gap in FOUR]), make_gaps(FOUR, "meta_ocl_before_stage2")])
        verdict = judge(claim, gaps, {})
        assert verdict.verdict == "inconclusive"
        assert "The control failed: meta_ocl_before_stage2 is in [0.095, 5.905]" in verdict.reason


def test_a_control_that_holds_0_lets_the_verdict_pass():
    claim = make_claim(above(), controls=[{"contrast": "meta_ocl_before_stage2"}])
    gaps = pd.concat([make_gaps(FOUR), make_gaps([-1, 1, 2, -2], "meta_ocl_before_stage2")])
    assert judge(claim, gaps, {}).verdict == "reproduced"


@pytest.mark.parametrize("control", [[], [1.0, -1.0]])
def test_a_control_that_is_missing_or_has_too_few_seeds_forbids_any_verdict(control):
    claim = make_claim(above(), controls=[{"contrast": "meta_ocl_before_stage2"}])
    gaps = pd.concat([make_gaps(FOUR), *([make_gaps(control, "meta_ocl_before_stage2")] if control else [])])
    assert judge(claim, gaps, {}).verdict == "inconclusive"


def test_all_parts_must_hold():
    claim = make_claim(above(), above("ocl"))
    weak = make_gaps([-1, 1, 2, -2], "ocl")
    assert judge(claim, pd.concat([make_gaps(FOUR), weak]), {}).verdict == "inconclusive"
    assert judge(claim, pd.concat([make_gaps(FOUR), make_gaps(FOUR, "ocl")]), {}).verdict == "reproduced"


def test_a_part_that_was_not_measured_forbids_reproduced_but_not_contradicted():
    claim = make_claim(above(), above("ocl"))
    verdict = judge(claim, make_gaps(FOUR), {})
    assert verdict.verdict == "inconclusive"
    assert "Not measured: ocl" in verdict.reason
    assert judge(claim, make_gaps([-gap for gap in FOUR]), {}).verdict == "contradicted"


def test_contradiction_by_one_of_two_parts_is_tested_at_half_the_level():
    claim = make_claim(above(), above("ocl"))
    # p = .023 the other way passes 5 % / 2; with three parts it does not pass 5 % / 3.
    gaps = pd.concat([make_gaps([-gap for gap in FOUR]), make_gaps(FOUR, "ocl")])
    assert judge(claim, gaps, {}).verdict == "contradicted"
    three = make_claim(above(), above("ocl"), above("consistent_over_none"))
    gaps = pd.concat([gaps, make_gaps(FOUR, "consistent_over_none")])
    assert judge(three, gaps, {}).verdict == "inconclusive"


def test_equality_is_shown_by_two_one_sided_tests():
    # Mean 0, standard error .0913 (sd sqrt(1/30)): t = 2.353 · .0913 = .215 is the margin at which p is 5 %.
    values = [-0.2, -0.1, 0.1, 0.2]
    assert judge(make_claim(above(must_be="within", threshold=0.22)), make_gaps(values), {}).verdict == "reproduced"
    assert judge(make_claim(above(must_be="within", threshold=0.21)), make_gaps(values), {}).verdict == "inconclusive"
    claim = make_claim(above(must_be="within", threshold=0.5))
    assert judge(claim, make_gaps([value + 2 for value in values]), {}).verdict == "contradicted"
    assert judge(claim, make_gaps([value - 2 for value in values]), {}).verdict == "contradicted"


def test_seeds_that_all_agree_are_judged_without_a_t_test():
    assert judge(make_claim(above()), make_gaps([0.1] * 4), {}).verdict == "reproduced"
    assert judge(make_claim(above()), make_gaps([-0.1] * 4), {}).verdict == "contradicted"
    assert judge(make_claim(above()), make_gaps([0.0] * 4), {}).verdict == "inconclusive"
    zero = make_claim(above("attribution_none", must_be="within", threshold=0.01))
    assert judge(zero, make_gaps([0.0] * 4, "attribution_none"), {}).verdict == "reproduced"


def test_a_slope_is_that_of_least_squares_in_every_seed():
    # Seed by seed the slopes on x = 0, 1, 2 are 1, 2, 4 and 5.
    cells = [make_gaps([7 + slope * x for slope in FOUR], define_type=f"x{x}") for x in (0, 1, 2)]
    claim = make_claim(above(slope_along="define_types"))
    verdict = judge(claim, pd.concat(cells), axis_of(x0=0, x1=1, x2=2))
    assert verdict.verdict == "reproduced"
    assert "slope of meta_ocl is 3.000 [0.095, 5.905]" in verdict.reason
    doubling = judge(
        make_claim(above(slope_along="define_types", scale="log")), pd.concat(cells), axis_of(x0=1, x1=2, x2=4)
    )
    assert doubling == verdict


def test_models_of_different_level_do_not_disturb_a_slope():
    low = [make_gaps([slope * x for slope in FOUR], define_type=f"x{x}") for x in (0, 1)]
    high = [make_gaps([50 + slope * x for slope in FOUR], define_type=f"x{x}", model="large") for x in (1, 2)]
    axis = axis_of(x0=0, x1=1) | {"data/x1/large/two": 1, "data/x2/large/two": 2}
    verdict = judge(make_claim(above(slope_along="define_types")), pd.concat([*low, *high]), axis)
    assert "slope of meta_ocl is 3.000 [0.095, 5.905]" in verdict.reason


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

    assert mean(define_types=["x10"]) == "30.000"
    assert mean(x_range=[1, 10]) == "16.500"
    assert mean(x_end="smallest") == "3.000"
    assert mean(x_end="largest") == "300.000"
    assert mean() == "111.000"


def test_a_named_cell_that_is_not_there_is_not_replaced_by_the_others():
    claim = make_claim(above(cells={"define_types": ["tve", "vte"]}))
    assert judge(claim, make_gaps(FOUR), {}).verdict == "not run"


def test_cells_and_contrasts_are_subtracted_seed_by_seed():
    gaps = pd.concat([make_gaps([11, 22, 34, 45]), make_gaps([10, 20, 30, 40], define_type="evt")])
    claim = make_claim(above(cells={"define_types": ["tve"]}, against={"define_types": ["evt"]}))
    assert "meta_ocl (tve against evt) is 3.000 [0.095, 5.905]" in judge(claim, gaps, {}).reason
    gaps = pd.concat([make_gaps([11, 22, 34, 45], "relative_meta_ocl"), make_gaps([10, 20, 30, 40])])
    claim = make_claim(above("relative_meta_ocl", less="meta_ocl"))
    assert "relative_meta_ocl − meta_ocl is 3.000 [0.095, 5.905]" in judge(claim, gaps, {}).reason


def test_seeds_that_lack_a_cell_are_counted_in_the_reason():
    gaps = pd.concat([make_gaps([*FOUR, 3.0, 3.0]), make_gaps(FOUR, define_type="vte")])
    verdict = judge(make_claim(above()), gaps, {})
    assert verdict.n_seeds == 4
    assert "2 seeds that lack a cell are left out" in verdict.reason


def share(verdicts, wanted):
    return np.mean([verdict.verdict == wanted for verdict in verdicts])


def decide_all(claim, *studies):
    """Verdicts on simulated studies; `studies` holds one array (studies × seeds) per part."""
    return [
        decide(
            claim,
            [
                question
                for part, values in zip(claim.parts, study, strict=True)
                for question in ask(part, Series("x", values))
            ],
        )
        for study in zip(*studies, strict=True)
    ]


def test_a_gap_that_is_not_there_is_found_in_5_of_100_studies():
    values = np.random.default_rng(1).normal(0, SPREAD, size=(STUDIES, 10))
    claim = make_claim(above(), minimum_seeds=10)
    verdicts = decide_all(claim, values)
    assert share(verdicts, "reproduced") <= MOST_FALSE_POSITIVES
    assert share(verdicts, "contradicted") <= MOST_FALSE_POSITIVES
    for study in range(3):
        full = judge(claim, make_gaps(values[study]), {})
        assert (full.verdict, full.p_value) == (verdicts[study].verdict, pytest.approx(verdicts[study].p_value))


def test_an_order_of_which_one_step_is_not_there_is_found_in_5_of_100_studies():
    # The worst case: the other step is so clear that it always shows. The steps share a subset, so they correlate.
    random = np.random.default_rng(2)
    first, second, third = (random.normal(0, SPREAD, size=(STUDIES, 10)) for _ in range(3))
    steps = first + 0.2 - second, second - third
    claim = make_claim(above("consistent_over_none"), above("none_over_inconsistent"), minimum_seeds=10)
    verdicts = decide_all(claim, *steps)
    assert 0.03 <= share(verdicts, "reproduced") <= MOST_FALSE_POSITIVES
    assert share(verdicts, "contradicted") <= MOST_FALSE_POSITIVES
    for study in range(3):
        gaps = [make_gaps(step[study], part.contrast) for step, part in zip(steps, claim.parts, strict=True)]
        assert judge(claim, pd.concat(gaps), {}).verdict == verdicts[study].verdict


def test_an_order_of_which_no_step_is_there_is_hardly_ever_found():
    random = np.random.default_rng(3)
    claim = make_claim(above("consistent_over_none"), above("none_over_inconsistent"), minimum_seeds=10)
    verdicts = decide_all(claim, *random.normal(0, SPREAD, size=(2, STUDIES, 10)))
    assert share(verdicts, "reproduced") <= 0.05**2 + 3 * math.sqrt(0.05**2 / STUDIES)
    assert share(verdicts, "contradicted") <= MOST_FALSE_POSITIVES


def test_a_trend_that_is_not_there_is_found_in_5_of_100_studies():
    # Seeds differ in level, which all their cells share: a test over cells would take them for evidence.
    random = np.random.default_rng(4)
    x = np.array([0.5, 0.7, 0.9, 0.95])
    gaps = random.normal(0, SPREAD, size=(STUDIES, 10, 1)) + random.normal(GAP, SPREAD, size=(STUDIES, 10, 4))
    slopes = gaps @ (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    claim = make_claim(above(slope_along="define_types"), minimum_seeds=10)
    verdicts = decide_all(claim, slopes)
    assert share(verdicts, "reproduced") <= MOST_FALSE_POSITIVES
    axis = {f"data/a{place}/small/two": value for place, value in enumerate(x)}
    for study in range(3):
        cells = [make_gaps(gaps[study, :, place], define_type=f"a{place}") for place in range(4)]
        full = judge(claim, pd.concat(cells), axis)
        assert full.p_value == pytest.approx(verdicts[study].p_value)


def test_an_equality_that_is_just_not_there_is_found_in_5_of_100_studies():
    values = np.random.default_rng(5).normal(0.015, 0.01, size=(STUDIES, 10))
    claim = make_claim(above(must_be="within", threshold=0.015), minimum_seeds=10)
    assert share(decide_all(claim, values), "reproduced") <= MOST_FALSE_POSITIVES


def test_the_published_effect_is_found_as_often_as_its_power_says():
    values = np.random.default_rng(6).normal(GAP, SPREAD, size=(600, 12))
    for seeds in (5, 8, 12):
        series = Series("x", np.array([-1.0, 1.0]) / math.sqrt(2) * SPREAD + GAP)  # mean and SD exactly as published
        predicted = Question(series, 1, 0).power(seeds)
        verdicts = decide_all(make_claim(above(), minimum_seeds=seeds), values[:, :seeds])
        assert share(verdicts, "reproduced") == pytest.approx(predicted, abs=0.06)  # three standard errors


def test_seeds_needed_for_several_parts_find_all_of_them_in_80_of_100_studies():
    claim = make_claim(above(), above("ocl"), minimum_seeds=2)
    exact = np.array([-1.0, 1.0]) / math.sqrt(2) * SPREAD + GAP
    needed = decide_all(claim, [exact], [exact])[0].seeds_needed
    random = np.random.default_rng(7)
    verdicts = decide_all(claim, *random.normal(GAP, SPREAD, size=(2, STUDIES, needed)))
    assert 0.78 <= share(verdicts, "reproduced") <= 0.9


def test_the_file_holds_the_fifteen_claims_of_the_paper():
    claims = parse_claims(read_yaml(FILE), str(FILE))
    assert len(claims) == 15
    assert {claim.study for claim in claims[11:14]} == {"mnist_qa", "gradient_alignment", "tag_probes"}
    assert all(claim.minimum_seeds >= 10 and claim.significance == 0.05 for claim in claims)


def mistaken(change):
    raw = yaml.safe_load(FILE.read_text())
    change(raw["claims"][0])
    return raw


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(studdy="main"), "claim stage1_order: unknown key studdy (got 'main')"),
        (
            lambda c: c.update(minimum_seeds=1),
            "claim stage1_order: minimum_seeds: .* greater than or equal to 2 (got 1)",
        ),
        (
            lambda c: c.update(significance=0.2),
            "claim stage1_order: significance: .* less than or equal to 0.05 (got 0.2)",
        ),
        (lambda c: c.pop("study"), "claim stage1_order: study: Field required"),
        (lambda c: c.pop("id"), "claim number 1: id: Field required"),
        (lambda c: c.update(parts=[]), "claim stage1_order: parts: List should have at least 1 item"),
        (lambda c: c.update(id="alpha"), "claims has the id alpha more than once"),
        (
            lambda c: c["parts"][0].update(must_be="abov"),
            "parts.0.must_be: .*'above', 'below' or 'within' (got 'abov')",
        ),
        (
            lambda c: c["parts"][0].update(contrast="meta"),
            "parts.0.contrast: no such contrast; known are ocl, .* (got 'meta')",
        ),
        (
            lambda c: c["parts"][0].update(must_be="within"),
            "parts.0: threshold is 0; with must_be: within it must be positive",
        ),
        (lambda c: c["parts"][0].update(scale="log"), "parts.0: scale needs slope_along"),
        (
            lambda c: c["parts"][0].update(slope_along="models", against={}),
            "parts.0: give either against or slope_along",
        ),
        (lambda c: c["parts"][0].update(cells={"model": ["a"]}), "unknown key parts.0.cells.model (got ['a'])"),
        (lambda c: c["parts"][0].update(cells={"x_range": [2, 1]}), "x_range is [2.0, 1.0]; its first number"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_that_names_claim_key_and_value(change, message):
    with pytest.raises(ConfigError) as error:
        parse_claims(mistaken(change), "claims.yaml")
    text = str(error.value)
    assert text.startswith("claims.yaml: ")
    assert "\n" not in text
    for piece in message.split(".*"):
        assert piece in text


@pytest.mark.parametrize("raw", [None, [], {"claims": {}}, {"claims": [1]}, {"claims": None}])
def test_a_file_of_another_shape_is_refused(raw):
    with pytest.raises(ConfigError, match=r"^claims\.yaml: "):
        parse_claims(raw, "claims.yaml")


def run_script(monkeypatch, folder, *arguments):
    outputs = ["--table", str(folder / "claims.csv"), "--markdown", str(folder / "claims.md")]
    monkeypatch.setattr("sys.argv", ["judge_claims.py", "--claims", str(FILE), *arguments, *outputs])
    judge_claims.main()
    return pd.read_csv(folder / "claims.csv").set_index("claim"), (folder / "claims.md").read_text()


def test_without_any_table_every_claim_is_not_run(tmp_path, monkeypatch):
    table, page = run_script(monkeypatch, tmp_path, "--axis", "{}")
    assert set(table["verdict"]) == {"not run"}
    assert page.count("**not run**") == 15
    assert "nan" not in page


def test_a_table_of_a_study_gives_its_claims_a_verdict(tmp_path, monkeypatch):
    random = np.random.default_rng(8)
    order = ("named_over_consistent", "consistent_over_none", "none_over_inconsistent")
    gaps = [make_gaps(random.normal(GAP, 0.01, size=12), contrast) for contrast in order]
    before = random.normal(0, 0.01, size=6)
    gaps.append(make_gaps([*before, *-before], "meta_ocl_before_stage2"))
    sizes = [make_gaps(random.normal(0, 0.01, size=3), model=model) for model in ("small", "large")]
    pd.concat(gaps).to_parquet(tmp_path / "main.parquet")
    pd.concat(sizes).to_parquet(tmp_path / "sizes.parquet")
    axis = {"model_size": {"data/tve/small/two": 1e8, "data/tve/large/two": 1e9}}
    tables = [f"main={tmp_path / 'main.parquet'}", f"model_size={tmp_path / 'sizes.parquet'}"]
    table, page = run_script(monkeypatch, tmp_path, "--gaps", *tables, "--axis", json.dumps(axis))
    assert table["verdict"]["stage1_order"] == "reproduced"
    assert table["verdict"]["equal_before_stage2"] == "inconclusive"
    assert table["verdict"]["meta_ocl"] == "not run"
    assert table["n_seeds"]["model_size"] == 3
    assert table["verdict"]["model_size"] == "inconclusive"
    assert "| 1 | After stage 1: real names" in page
    assert "| **reproduced** | 12 |" in page


@pytest.mark.parametrize("script", ["judge_claims", "estimate_cost"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"claims: [", "while parsing"),
        (b"\xff\xfe", "codec"),
        (None, "No such file"),
        (b"!!python/name:os.system", "tag"),
    ],
    ids=["half a list", "no text", "absent", "Python"],
)
def test_a_file_that_is_no_yaml_is_refused(tmp_path, monkeypatch, script, content, said):
    file = tmp_path / "file.yaml"
    if content is not None:
        file.write_bytes(content)
    options = ["--claims", str(file), "--axis", "{}", "--table", "a", "--markdown", "b"]
    monkeypatch.setattr("sys.argv", [script, *(options if script == "judge_claims" else [str(file)])])
    with pytest.raises(ConfigError, match=rf"file\.yaml: cannot be read as YAML: .*{said}"):
        importlib.import_module(script).main()
