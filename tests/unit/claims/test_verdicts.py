"""Verdicts worked out by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from claim_samples import FOUR, above, make_claim, make_gaps

from metaocl.claims.verdicts import judge


def test_four_seeds_give_the_t_test_worked_out_by_hand():
    verdict = judge(make_claim(above()), make_gaps(FOUR), {})
    assert verdict.verdict == "reproduced"
    t = 3 / math.sqrt(10 / 12)
    # Student's t with 3 degrees of freedom has a closed form.
    x = t / math.sqrt(3)
    assert verdict.p_value == pytest.approx(0.5 - (x / (1 + x**2) + math.atan(x)) / math.pi)
    assert verdict.p_sign_flip == pytest.approx(1 / 16)
    assert verdict.n_seeds == 4
    assert "meta_ocl is 0.300 [0.009, 0.591], p = 0.023 for above 0" in verdict.reason


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
    verdict = judge(make_claim(above()), make_gaps([-0.2, 0, 0.2, 0.4]), {})
    assert (verdict.verdict, verdict.seeds_needed) == ("inconclusive", 43)


def test_a_threshold_shifts_the_question():
    claim = make_claim(above(threshold=0.29))
    assert judge(claim, make_gaps(FOUR), {}).verdict == "inconclusive"
    assert judge(make_claim(above(threshold=0.9)), make_gaps(FOUR), {}).verdict == "contradicted"


def test_too_few_seeds_never_give_a_verdict():
    claim = make_claim(above(), minimum_seeds=10)
    for sign in (1, -1):
        verdict = judge(claim, make_gaps([sign * gap for gap in [0.5, 0.55, 0.45, 0.5, 0.6, 0.5, 0.55, 0.5, 0.5]]), {})
        assert (verdict.verdict, verdict.n_seeds) == ("inconclusive", 9)
    assert judge(claim, make_gaps([0.5, 0.55, 0.45, 0.5, 0.6, 0.5, 0.55, 0.5, 0.5, 0.525]), {}).verdict == "reproduced"


def test_seeds_needed_are_never_fewer_than_the_claim_asks_for():
    assert judge(make_claim(above(), minimum_seeds=10), make_gaps([0.5, 0.55, 0.45, 0.5]), {}).seeds_needed == 10


def test_one_seed_is_inconclusive():
    verdict = judge(make_claim(above()), make_gaps([0.5]), {})
    assert (verdict.verdict, verdict.n_seeds, verdict.p_value) == ("inconclusive", 1, None)


@pytest.mark.parametrize(("seeds", "lost"), [(3, "2 seeds that lack a cell are"), (2, "1 seed that lacks a cell is")])
def test_one_seed_that_is_left_says_what_was_left_out_and_what_was_not_measured(seeds, lost):
    gaps = pd.concat([make_gaps([0.1, 0.2, 0.3][:seeds]), make_gaps([0.1], define_type="vte")])
    claim = make_claim(above(), above("ocl"), controls=[{"contrast": "relative_meta_ocl"}])
    found = judge(claim, gaps, {})
    said = f"One seed is too few for a test; not measured: ocl, relative_meta_ocl; {lost} left out."
    assert (found.verdict, found.reason, found.n_seeds) == ("inconclusive", said, 1)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([-0.1, 0.1, 0.2, -0.05, 0.15, -0.1], "With 6 seeds meta_ocl is 0.033 "),
        ([-0.3, -0.2, -0.4, -0.3, -0.2, -0.3], "With 6 seeds meta_ocl is -0.283 "),
        ([0.3, 0.2, 0.4, 0.3, 0.2, 0.3], "With 4 seeds ocl is 0.300 "),
    ],
)
def test_the_seeds_that_are_told_are_those_of_the_numbers_beside_them(more, told):
    gaps = pd.concat([make_gaps(FOUR, "ocl"), make_gaps(more)])
    found = judge(make_claim(above("ocl"), above()), gaps, {})
    assert found.reason.startswith(told)
    assert found.n_seeds == 4


def test_no_table_is_not_run_and_neither_is_a_table_without_the_contrast():
    assert judge(make_claim(above()), None, {}).verdict == "not run"
    assert judge(make_claim(above()), make_gaps(FOUR, "ocl"), {}).verdict == "not run"


def test_a_failed_control_forbids_any_verdict():
    claim = make_claim(above(), controls=[{"contrast": "meta_ocl_before_stage2"}])
    for sign in (1, -1):
        gaps = pd.concat([make_gaps([sign * gap for gap in FOUR]), make_gaps(FOUR, "meta_ocl_before_stage2")])
        verdict = judge(claim, gaps, {})
        assert verdict.verdict == "inconclusive"
        assert "The control failed: meta_ocl_before_stage2 is 0.300 [0.009, 0.591], without 0" in verdict.reason


def test_a_control_that_holds_0_lets_the_verdict_pass():
    claim = make_claim(above(), controls=[{"contrast": "meta_ocl_before_stage2"}])
    gaps = pd.concat([make_gaps(FOUR), make_gaps([-0.1, 0.1, 0.2, -0.2], "meta_ocl_before_stage2")])
    assert judge(claim, gaps, {}).verdict == "reproduced"


@pytest.mark.parametrize("control", [[], [0.1, -0.1]])
def test_a_control_that_is_missing_or_has_too_few_seeds_forbids_any_verdict(control):
    claim = make_claim(above(), controls=[{"contrast": "meta_ocl_before_stage2"}])
    gaps = pd.concat([make_gaps(FOUR), *([make_gaps(control, "meta_ocl_before_stage2")] if control else [])])
    assert judge(claim, gaps, {}).verdict == "inconclusive"


def test_all_parts_must_hold():
    claim = make_claim(above(), above("ocl"))
    weak = make_gaps([-0.1, 0.1, 0.2, -0.2], "ocl")
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
    assert judge(claim, make_gaps([value + 0.8 for value in values]), {}).verdict == "contradicted"
    assert judge(claim, make_gaps([value - 0.8 for value in values]), {}).verdict == "contradicted"


def test_seeds_that_all_agree_are_judged_by_the_sign_flip():
    # Of five gaps one pattern of signs in 32 gives a mean as large, p = .031; of four, one in 16.
    found = judge(make_claim(above()), make_gaps([0.1] * 5), {})
    assert (found.verdict, found.p_value, found.p_sign_flip) == ("reproduced", 1 / 32, 1 / 32)
    assert "meta_ocl is 0.100 in every seed, p = 0.031 for above 0" in found.reason
    assert judge(make_claim(above()), make_gaps([-0.1] * 5), {}).verdict == "contradicted"
    assert judge(make_claim(above()), make_gaps([0.1] * 4), {}).verdict == "inconclusive"
    assert judge(make_claim(above()), make_gaps([0.0] * 5), {}).verdict == "inconclusive"
    zero = make_claim(above("attribution_none", must_be="within", threshold=0.01))
    assert judge(zero, make_gaps([0.0] * 5, "attribution_none"), {}).verdict == "reproduced"


def test_seeds_that_all_agree_need_as_many_as_the_sign_flip_needs_to_be_significant():
    for significance, needed in ((0.05, 5), (0.001, 10)):
        claim = make_claim(above(), minimum_seeds=2, significance=significance)
        assert judge(claim, make_gaps([0.1] * 3), {}).seeds_needed == needed
    assert judge(make_claim(above(), minimum_seeds=8), make_gaps([0.1] * 3), {}).seeds_needed == 8


def test_a_number_that_rounds_to_0_has_no_sign():
    found = judge(make_claim(above()), make_gaps([-0.0001, -0.0002, 0.0001, -0.0001]), {})
    assert "meta_ocl is 0.000 [0.000, 0.000], p" in found.reason


def test_seeds_that_all_lie_on_the_threshold_are_no_evidence_whatever_rounding_makes_of_them():
    for must_be in ("above", "below"):
        claim = make_claim(above(must_be=must_be, threshold=0.3))
        verdict = judge(claim, make_gaps([0.1 + 0.2] * 6), {})
        assert (verdict.verdict, verdict.p_value) == ("inconclusive", 1)


def test_a_control_that_is_equal_in_all_seeds_holds_0_only_if_it_is_0():
    claim = make_claim(above(), controls=[{"contrast": "meta_ocl_before_stage2"}])

    def verdict(control):
        return judge(claim, pd.concat([make_gaps(FOUR), make_gaps([control] * 4, "meta_ocl_before_stage2")]), {})

    assert verdict(0.0).verdict == "reproduced"
    assert verdict(0.1).verdict == "inconclusive"
    assert "The control failed: meta_ocl_before_stage2 is 0.100 in every seed" in verdict(0.1).reason


def test_a_part_in_which_nothing_happens_hides_no_other_that_is_contradicted():
    gaps = [make_gaps([0.0] * 12, "ocl"), make_gaps([-0.2 + 0.01 * place for place in range(12)])]
    verdict = judge(make_claim(above("ocl"), above()), pd.concat(gaps), {})
    assert verdict.verdict == "contradicted"
    assert verdict.reason.startswith("With 12 seeds meta_ocl is -0.145 ")


def test_seeds_needed_are_those_of_the_claims_own_level():
    gaps = make_gaps([-0.2, 0, 0.2, 0.4])
    strict = judge(make_claim(above(), significance=0.001), gaps, {}).seeds_needed
    # By the normal distribution (3.09 + .842)² / .387² = 103; Student's t needs a few more.
    assert 103 < strict < 112
