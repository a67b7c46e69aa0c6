"""How often verdicts err in simulated studies."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from claim_samples import GAP, SPREAD, above, make_claim, make_gaps

from metaocl.claims.measuring import Series
from metaocl.claims.verdicts import Question, ask, count_seeds_needed, decide, judge

STUDIES = 2_000
# 5 %, and three standard errors of a share of so many studies: 6.5 %.
MOST_FALSE_POSITIVES = 0.05 + 3 * math.sqrt(0.05 * 0.95 / STUDIES)


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
        predicted = Question(series, 1, 0).power(seeds, 0.05)
        verdicts = decide_all(make_claim(above(), minimum_seeds=seeds), values[:, :seeds])
        assert share(verdicts, "reproduced") == pytest.approx(predicted, abs=0.06)  # three standard errors


def test_seeds_needed_for_several_parts_find_all_of_them_in_80_of_100_studies():
    claim = make_claim(above(), above("ocl"), minimum_seeds=2)
    exact = np.array([-1.0, 1.0]) / math.sqrt(2) * SPREAD + GAP
    needed = count_seeds_needed(claim, [question for part in claim.parts for question in ask(part, Series("x", exact))])
    random = np.random.default_rng(7)
    verdicts = decide_all(claim, *random.normal(GAP, SPREAD, size=(2, STUDIES, needed)))
    assert 0.78 <= share(verdicts, "reproduced") <= 0.9
