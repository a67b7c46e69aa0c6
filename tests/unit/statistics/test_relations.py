"""Relations that were simulated: intervals cover, permutation tests err as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from metaocl.statistics import relations
from metaocl.statistics.relations import (
    relate_over_cells,
    relate_over_seeds,
    relate_within_seeds,
    remaining_effect,
    spearman,
)


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr(relations, "RESAMPLED", 200)
    monkeypatch.setattr(relations, "PERMUTED", 199)


def test_spearman_is_that_of_scipy():
    random = np.random.default_rng(0)
    one, other = random.integers(0, 6, size=(2, 30)).astype(float)
    assert spearman(one, other) == pytest.approx(stats.spearmanr(one, other).statistic)
    assert np.isnan(spearman(np.ones(5), other[:5]))


@pytest.mark.parametrize("shape", [(1,), (7,), (4, 9), (2, 3, 5), (0,), (3, 0)])
def test_ranks_are_to_the_bit_those_of_scipy(shape):
    random = np.random.default_rng(0)
    ties = random.integers(-2, 3, shape) * 0.1
    holes = np.where(random.random(shape) < 0.1, np.nan, ties)
    ends = random.choice([-np.inf, np.inf, 0.0, -0.0], shape)
    for values in (random.normal(size=shape), ties, holes, ends, np.zeros(shape)):
        np.testing.assert_array_equal(relations._ranks(values), stats.rankdata(values, axis=-1))


def test_a_permutation_test_has_no_more_false_positives_than_it_says():
    random = np.random.default_rng(1)
    positive = [relate_over_seeds(*random.standard_normal((2, 12))).p_above <= 0.05 for _ in range(200)]
    # 200 at 5 %: more than 20 have a probability of .1 %.
    assert np.sum(positive) <= 20


def test_an_interval_covers_the_true_relation_at_its_rate():
    random = np.random.default_rng(2)
    correlation = 0.8
    truth = 6 / np.pi * np.arcsin(correlation / 2)  # Spearman's, of normal variables
    covered = []
    for _ in range(150):
        one, noise = random.standard_normal((2, 30))
        found = relate_over_seeds(one, correlation * one + np.sqrt(1 - correlation**2) * noise)
        covered.append(found.ci_low <= truth <= found.ci_high)
    assert 0.85 <= np.mean(covered) <= 1


def test_cells_are_compared_by_their_means():
    random = np.random.default_rng(3)
    levels = np.arange(6.0)
    measure, effect = (levels + 0.1 * random.standard_normal((10, 6)) for _ in range(2))
    found = relate_over_cells(measure, effect)
    assert (found.rho, found.n_seeds) == (1, 10)
    assert found.p_above == pytest.approx(1 / 720)
    assert found.p_below == 1


def test_the_seed_is_the_unit_of_what_aliases_say():
    random = np.random.default_rng(4)
    measures = [random.standard_normal(40) for _ in range(6)]
    effects = [-each + random.standard_normal(40) for each in measures]
    found = relate_within_seeds(measures, effects)
    assert found.ci_low < found.rho < found.ci_high < 0
    assert (found.p_below, found.n_seeds) == (pytest.approx(1 / 200), 6)


def test_what_varies_in_nothing_has_no_relation_and_no_interval():
    levels = np.array([[1.0, 2.0]] * 7 + [[9.0, 2.0]])  # means of 2: resampled ones differ, either way
    for found in (
        relate_over_seeds(np.ones(8), np.arange(8.0)),
        relate_over_cells(levels, levels),
        relate_within_seeds([np.ones(3), np.arange(3.0)] * 4, [np.arange(3.0)] * 8),
    ):
        assert np.isnan([found.rho, found.ci_low, found.ci_high]).all()
        assert (found.p_above, found.p_below) == (1, 1)


def test_fewer_than_five_seeds_have_a_relation_without_an_interval():
    random = np.random.default_rng(5)
    for seeds in (2, 3, 4, 5):
        cells = np.arange(4.0) + random.standard_normal((seeds, 4))
        aliases = list(random.standard_normal((2, seeds, 20)))
        over_seeds = relate_over_seeds(cells[:, 0], cells[:, 1])
        for found in (over_seeds, relate_over_cells(cells, -cells), relate_within_seeds(*map(list, aliases))):
            assert np.isfinite([found.rho, found.p_above, found.p_below]).all()
            assert np.isnan([found.ci_low, found.ci_high]).tolist() == [seeds < 5] * 2


def test_an_effect_that_is_all_the_measures_leaves_nothing():
    measures = np.array([1.0, 2.0, 4.0, 3.0])
    assert remaining_effect(3 * measures, measures) == pytest.approx((7.5, 0))
    whole, left = remaining_effect(np.array([2.0, 2.0, 2.0, 2.0]), measures)
    assert (whole, left) == pytest.approx((2, 2))


def test_aliases_of_a_seed_that_do_not_vary_have_no_relation():
    found = relate_within_seeds([np.array([1.0, 1, 1]), np.array([1.0, 2, 3])], [np.array([1.0, 2, 3])] * 2)
    assert np.isnan(found.rho)
    assert (found.p_above, found.p_below) == (1, 1)
