from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from metaocl.design.cells import CELL
from metaocl.design.contrasts import PHENOMENA
from metaocl.statistics.effects import estimate_effect, estimate_effects
from metaocl.statistics.intervals import mean_interval
from metaocl.statistics.power import t_test_power
from metaocl.statistics.significance import holm


def test_three_differences_give_the_numbers_worked_out_by_hand():
    effect = estimate_effect(np.array([1, 2, 3]))
    assert effect.n_seeds == 3
    assert effect.mean == 2
    assert effect.sd == pytest.approx(1)
    assert effect.effect_size == pytest.approx(2)
    # Student's t with 2 degrees of freedom has a closed form; here t = 2 / (1 / sqrt 3).
    t = 2 * math.sqrt(3)
    assert effect.p_value == pytest.approx(0.5 - t / (2 * math.sqrt(2 + t**2)))
    assert effect.p_sign_flip == pytest.approx(1 / 8)


def test_both_tests_are_one_sided():
    effect = estimate_effect(np.array([-1, -2, -3]))
    assert effect.p_value == pytest.approx(0.5 + math.sqrt(12) / (2 * math.sqrt(14)))
    assert effect.p_sign_flip == 1


def test_one_seed_gives_a_mean_and_nothing_else():
    effect = vars(estimate_effect(np.array([0.25])))
    assert effect.pop("n_seeds") == 1
    assert effect.pop("mean") == 0.25
    assert set(effect.values()) == {None}


def test_no_seed_is_an_error():
    with pytest.raises(ValueError, match="at least one seed"):
        estimate_effect(np.array([]))


def test_an_effect_has_the_interval_of_its_mean():
    values = np.array([0.1, 0.3, 0.2, 0.25, -0.05, 0.4])
    effect = estimate_effect(values)
    assert (effect.ci_low, effect.ci_high) == mean_interval(values)
    assert estimate_effect(values, limits=(0.0, 0.25)).ci_high == 0.25


def test_equal_differences_have_neither_an_interval_nor_a_t_test():
    effect = estimate_effect(np.array([0.1, 0.1, 0.1, 0.1]))
    assert (effect.ci_low, effect.ci_high) == (None, None)
    assert effect.sd == 0
    assert effect.p_value is None
    assert effect.effect_size is None
    assert effect.p_sign_flip == pytest.approx(1 / 16)


def test_an_effect_says_its_power_and_the_seeds_that_it_needs():
    effect = estimate_effect(np.array([-0.2, 0, 0.2, 0.4]))  # d = 1 / sqrt(20/3)
    assert effect.power == pytest.approx(t_test_power(0.15**0.5, 4))
    assert effect.seeds_needed == 43
    assert estimate_effect(np.array([-0.4, 0.2, -0.2, 0])).seeds_needed is None


def make_gaps(values, contrast="meta_ocl", measure="exact_match", **cell):
    """One row per value: the gap of one stage-1 seed in one cell."""
    cell = {"dataset": "data", "define_type": "tve", "model": "small", "plan": "two"} | cell
    rows = pd.DataFrame({"seed": range(len(values)), "gap": values})
    return rows.assign(**cell, measure=measure, contrast=contrast, when="stage2")


def test_there_is_an_effect_for_each_cell_measure_and_contrast():
    parts = {"small": 0.2, "large": 0.7}
    gaps = [make_gaps([mean - 0.1, mean + 0.1], model=model) for model, mean in parts.items()]
    effects = estimate_effects(pd.concat([*gaps, make_gaps([0.5], "ocl"), make_gaps([0.1, 0.4], measure="auc")]))
    found = effects.set_index(["model", "measure", "contrast"])["mean"]
    assert found.to_dict() == pytest.approx(
        {
            ("small", "exact_match", "meta_ocl"): 0.2,
            ("large", "exact_match", "meta_ocl"): 0.7,
            ("small", "exact_match", "ocl"): 0.5,
            ("small", "auc", "meta_ocl"): 0.25,
        }
    )
    assert effects["n_seeds"].to_list() == [2, 2, 1, 2]


def test_an_interval_stays_inside_what_its_contrast_can_be():
    gaps = pd.concat([make_gaps([0.0, 0.5]), make_gaps([0.0, 0.5], "attribution_none")])
    effects = estimate_effects(gaps).set_index("contrast")
    assert effects.loc["meta_ocl", ["ci_low", "ci_high"]].to_list() == [-1, 1]
    assert effects.loc["attribution_none", ["ci_low", "ci_high"]].to_list() == [0, 1]


def test_a_study_without_any_contrast_has_a_table_without_rows():
    effects = estimate_effects(make_gaps([]))
    assert len(effects) == 0
    assert {*CELL, "measure", "contrast", "when", "n_seeds", "mean"} <= set(effects.columns)


def test_p_values_are_corrected_over_the_cells_and_phenomena_of_a_study():
    tested = [make_gaps([0.1, 0.2, 0.3]), make_gaps([0.1, 0.2, 0.9], model="other"), make_gaps([0.1, 0.2, 0.4], "ocl")]
    effects = estimate_effects(pd.concat([*tested, make_gaps([0.1, 0.2], "new_tag_over_unreliable")]))
    family = effects[effects["contrast"].isin(PHENOMENA)]
    assert len(family) == 3
    assert family["p_holm"].to_list() == pytest.approx(holm(family["p_value"].to_list()))
    assert effects[~effects["contrast"].isin(PHENOMENA)]["p_holm"].isna().all()


def test_measures_are_corrected_apart():
    effects = estimate_effects(pd.concat([make_gaps([0.1, 0.2, 0.3]), make_gaps([0.1, 0.2, 0.4], measure="auc")]))
    assert effects["p_holm"].to_list() == effects["p_value"].to_list()


def test_an_effect_without_a_p_value_takes_no_part_in_the_correction():
    effects = estimate_effects(pd.concat([make_gaps([0.1, 0.2, 0.3]), make_gaps([0.1], model="other")]))
    corrected = effects.set_index("model")[["p_value", "p_holm"]]
    assert corrected.loc["small", "p_holm"] == corrected.loc["small", "p_value"]
    assert math.isnan(corrected.loc["other", "p_holm"])
