from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from metaocl.statistics.power import seeds_for_power, smallest_effect, t_test_power


@pytest.mark.parametrize(("effect_size", "seeds"), [(0.2, 156), (0.5, 27), (0.8, 12)])
def test_seeds_needed_are_those_of_published_tables(effect_size, seeds):
    # Small, medium and large paired effects, one-sided, 5 %, power 80 %, as G*Power gives them.
    assert seeds_for_power(effect_size) == seeds
    assert t_test_power(effect_size, seeds - 1) < 0.8 <= t_test_power(effect_size, seeds)


@pytest.mark.parametrize("n_seeds", [2, 3, 4, 12, 48, 1_000, 1_000_000])
def test_power_is_to_the_bit_that_of_scipy_also_where_there_is_none(n_seeds):
    sizes = [*np.linspace(-9, 9, 37), -1e4, 1e4, 1e9, 1e-300, -1e-300, np.inf, np.nan]
    critical = stats.t.isf(0.05, n_seeds - 1)
    expected = [stats.nct.sf(critical, n_seeds - 1, size * np.sqrt(n_seeds)) for size in sizes]
    np.testing.assert_array_equal([t_test_power(size, n_seeds) for size in sizes], expected)


def test_power_is_the_level_where_there_is_no_effect():
    assert t_test_power(0, 7) == pytest.approx(0.05)


@pytest.mark.parametrize("effect_size", [0, -1, 1e-6])
def test_no_number_of_seeds_would_find_what_is_not_there(effect_size):
    assert seeds_for_power(effect_size) is None


@pytest.mark.parametrize("seeds", [2, 5, 10, 27, 156])
def test_the_smallest_effect_that_seeds_find_is_found_with_a_power_of_80_percent(seeds):
    assert t_test_power(smallest_effect(seeds), seeds) == pytest.approx(0.8)


@pytest.mark.parametrize("seeds", [5, 8, 12])
def test_the_power_of_the_published_effect_is_right(seeds):
    gap, spread, studies = 0.029, 0.025, 2_000
    values = np.random.default_rng(3).normal(gap, spread, size=(studies, seeds))
    t = values.mean(axis=1) / (values.std(axis=1, ddof=1) / np.sqrt(seeds))
    found = np.mean(stats.t.sf(t, seeds - 1) <= 0.05)
    assert t_test_power(gap / spread, seeds) == pytest.approx(found, abs=0.03)
