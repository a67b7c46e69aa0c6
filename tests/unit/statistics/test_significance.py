from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from metaocl.statistics.significance import EXACT_UP_TO, SAMPLED_FLIPS, holm, sign_flip_p, t_statistic, t_test_p


def test_t_tests_of_many_studies_are_those_of_scipy_one_by_one():
    studies = np.random.default_rng(0).normal(0.3, 1, size=(20, 6))
    t = t_statistic(studies)
    expected = stats.ttest_1samp(studies, 0, axis=1, alternative="greater")
    assert t == pytest.approx(expected.statistic)
    assert t_test_p(t, 6) == pytest.approx(expected.pvalue)
    assert t_test_p(-t, 6) == pytest.approx(1 - expected.pvalue)


@pytest.mark.parametrize("values", [[0.25], [0.1, 0.1, 0.1], [0.0, 0.0, 0.0]])
def test_seeds_without_any_spread_have_no_t(values):
    assert np.isnan(t_statistic(np.array(values)))


def test_a_sign_flip_counts_every_mean_that_is_as_large():
    # Of the eight means of ±1, ±2, ±4, those of (1, 2, 4) and (-1, 2, 4) are at least that of (-1, 2, 4).
    assert sign_flip_p(np.array([-1, 2, 4])) == pytest.approx(2 / 8)


@pytest.mark.parametrize("n_seeds", [2, 3, 7, 8, 9, 12, EXACT_UP_TO, EXACT_UP_TO + 1])
@pytest.mark.parametrize("unit", [None, 0.1, 1 / 7], ids=["different", "tenths", "sevenths"])
def test_the_p_of_sign_flips_is_to_the_bit_that_of_scipy(n_seeds, unit):
    # Tenths and sevenths have many flips whose means are equal but for rounding.
    random = np.random.default_rng(n_seeds)
    values = random.normal(0.2, 1, n_seeds) if unit is None else unit * random.integers(-2, 4, n_seeds)
    test = stats.permutation_test(
        (values,),
        np.mean,
        permutation_type="samples",
        alternative="greater",
        n_resamples=2**n_seeds if n_seeds <= EXACT_UP_TO else SAMPLED_FLIPS,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    assert sign_flip_p(values) == test.pvalue


def test_twelve_positive_seeds_reach_the_smallest_exact_p_value():
    assert sign_flip_p(0.1 + 0.01 * np.arange(12)) == pytest.approx(1 / 4096)


def test_no_difference_at_all_is_no_evidence():
    assert sign_flip_p(np.zeros(3)) == 1


def test_holm_multiplies_the_smallest_p_by_their_number_and_never_falls():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1, 1]
    assert holm([]) == []


def test_orders_of_rounding_make_no_difference_where_the_mean_is_next_to_nothing():
    assert sign_flip_p(np.array([0.1, 0.2, -0.3])) == sign_flip_p(np.array([1.0, 2.0, -3.0])) == 5 / 8
