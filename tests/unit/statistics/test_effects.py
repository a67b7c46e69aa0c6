from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import estimate_effects as script
from metaocl.design.contrasts import PHENOMENA
from metaocl.planning.cells import CELL
from metaocl.statistics.effects import estimate_effect, estimate_effects
from metaocl.statistics.gaps import seed_gaps
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


def metrics_table(rows, test_set="held_out", auc=math.nan, **cell):
    """rows: seed, stage-2 seed, stage, epoch, subset, questions, exact match."""
    columns = ["seed", "stage2_seed", "stage", "epoch", "subset", "questions", "exact_match"]
    cell = {"dataset": "data", "define_type": "tve", "model": "small", "plan": "two"} | cell
    table = pd.DataFrame(rows, columns=columns).assign(**cell, test_set=test_set, auc=auc)
    return table[[*CELL, "seed", "stage2_seed", "stage", "epoch", "test_set", *columns[4:], "auc"]]


def effects_of(metrics):
    return estimate_effects(seed_gaps(metrics))


def contrast(effects, name, measure="exact_match"):
    (row,) = effects[(effects["contrast"] == name) & (effects["measure"] == measure)].to_dict("records")
    return row


def test_stage_2_seeds_are_averaged_inside_their_seed():
    gaps = {(1, 0): 0.4, (1, 1): 0.2, (2, 0): 0.2, (2, 1): 0.0}
    rows = [
        (seed, stage2_seed, 2, 1, subset, 10, exact_match)
        for (seed, stage2_seed), gap in gaps.items()
        for subset, exact_match in [("d1consis", 0.5 + gap), ("d2consis", 0.5)]
    ]
    effect = contrast(effects_of(metrics_table(rows)), "meta_ocl")
    assert effect["n_seeds"] == 2
    assert effect["mean"] == pytest.approx(0.2)  # of 0.3 and 0.1
    assert effect["sd"] == pytest.approx(0.02**0.5)


def test_subsets_are_pooled_by_their_questions():
    rows = [
        (1, 0, 1, 1, "qd1consis", 10, 1.0),
        (1, 0, 1, 1, "qd2consis", 30, 0.6),
        (1, 0, 1, 1, "qd1incons", 20, 0.5),
        (1, 0, 1, 1, "q", 5, 0.6),
    ]
    effects = effects_of(metrics_table(rows))
    assert contrast(effects, "ocl")["mean"] == pytest.approx(28 / 40 - 0.5)
    assert contrast(effects, "consistent_over_none")["mean"] == pytest.approx(0.1)
    assert contrast(effects, "none_over_inconsistent")["mean"] == pytest.approx(0.1)
    assert len(effects) == 3
    assert set(effects["measure"]) == {"exact_match"}


def test_each_contrast_is_taken_at_the_last_epoch_of_its_own_stage():
    accuracy = {(1, 1): 0.1, (1, 2): 0.2, (2, 1): 0.3, (2, 2): 0.4}
    rows = [
        (1, 0, stage, epoch, subset, 10, exact_match)
        for (stage, epoch), gap in accuracy.items()
        for subset, exact_match in [
            ("qd1consis", gap),
            ("qd2incons", 0),
            ("d1consis", gap),
            ("d2consis", 0),
        ]
    ]
    effects = effects_of(metrics_table(rows))
    assert contrast(effects, "ocl")["mean"] == pytest.approx(0.2)
    assert contrast(effects, "meta_ocl_before_stage2")["mean"] == pytest.approx(0.2)
    assert contrast(effects, "meta_ocl")["mean"] == pytest.approx(0.4)


def test_a_plan_of_one_stage_has_its_contrasts_at_its_end_and_none_before_it():
    subsets = {"qd1consis": 0.9, "qd2incons": 0.4, "d1consis": 0.6, "d2consis": 0.3}
    rows = [(1, 0, 1, 3, subset, 10, exact_match) for subset, exact_match in subsets.items()]
    effects = effects_of(metrics_table(rows))
    assert contrast(effects, "ocl")["mean"] == pytest.approx(0.5)
    assert contrast(effects, "meta_ocl")["mean"] == pytest.approx(0.3)
    # Before its new definitions nothing was trained: a gap that "should be 0" would be the effect itself.
    assert not effects["contrast"].str.endswith("_before_stage2").any()


def test_cells_are_kept_apart():
    def table(gap, **cell):
        return metrics_table([(1, 0, 1, 1, "d1consis", 10, gap), (1, 0, 1, 1, "d2consis", 10, 0.0)], **cell)

    effects = effects_of(pd.concat([table(0.7, model="large", plan="one"), table(0.2)], ignore_index=True))
    found = effects[effects["contrast"] == "meta_ocl"].set_index(["model", "plan"])["mean"]
    assert found.to_dict() == {("large", "one"): 0.7, ("small", "two"): 0.2}


def test_the_area_under_the_curve_has_effects_of_its_own_where_it_was_measured():
    subsets = {"d1consis": 0.9, "d2consis": 0.5}
    scored = pd.concat(
        [
            metrics_table([(seed, 0, 2, 1, subset, 10, 0.5)], auc=auc + 0.01 * seed * (subset == "d1consis"))
            for subset, auc in subsets.items()
            for seed in (1, 2)
        ]
    )
    effects = effects_of(scored)
    assert contrast(effects, "meta_ocl", "auc")["mean"] == pytest.approx(0.415)
    assert contrast(effects, "meta_ocl", "auc")["n_seeds"] == 2
    assert contrast(effects, "meta_ocl")["mean"] == 0
    unscored = effects_of(scored.assign(auc=math.nan))
    assert set(unscored["measure"]) == {"exact_match"}


def test_a_cell_without_areas_gets_none_from_another_cell():
    rows = [(1, 0, 2, 1, "d1consis", 10, 0.7), (1, 0, 2, 1, "d2consis", 10, 0.5)]
    effects = effects_of(pd.concat([metrics_table(rows, auc=0.6), metrics_table(rows, model="other")]))
    assert set(effects[effects["model"] == "other"]["measure"]) == {"exact_match"}
    assert set(effects[effects["model"] == "small"]["measure"]) == {"exact_match", "auc"}


def test_subsets_without_an_area_are_left_out_of_a_pooled_one():
    rows = [("qd1consis", 10, 0.8), ("qd2consis", 30, math.nan), ("qd1incons", 10, 0.5)]
    scored = [metrics_table([(1, 0, 1, 1, subset, questions, 0.0)], auc=auc) for subset, questions, auc in rows]
    assert contrast(effects_of(pd.concat(scored)), "ocl", "auc")["mean"] == pytest.approx(0.3)


def test_held_out_questions_and_attribution_are_never_mixed():
    held_out = metrics_table([(1, 0, 2, 1, "d1consis", 10, 0.9), (1, 0, 2, 1, "d2consis", 10, 0.6)])
    attribution = metrics_table([(1, 0, 2, 1, "d1consis", 4, 0.5), (1, 0, 2, 1, "d2consis", 4, 0.1)], "attribution")
    effects = effects_of(pd.concat([held_out, attribution]))
    assert contrast(effects, "meta_ocl")["mean"] == pytest.approx(0.3)
    assert contrast(effects, "attribution_meta_ocl")["mean"] == pytest.approx(0.4)
    assert "attribution_meta_ocl" not in set(effects_of(held_out)["contrast"])


def test_inconsistent_definitions_are_scored_against_the_entity_that_they_name():
    def asked(test_set, accuracies):
        return metrics_table([(1, 0, 1, 1, subset, 4, value) for subset, value in accuracies.items()], test_set)

    true = {"qd1consis": 0.9, "qd2consis": 0.7, "qd1incons": 0.05, "qd2incons": 0.05, "q": 0.1}
    as_defined = {"qd1incons": 0.4, "qd2incons": 0.2}
    effects = effects_of(pd.concat([asked("attribution", true), asked("attribution_as_defined", as_defined)]))
    assert contrast(effects, "attribution_ocl")["mean"] == pytest.approx(0.8 - 0.3)
    assert contrast(effects, "attribution_as_defined_over_none")["mean"] == pytest.approx(0.3 - 0.1)


def test_a_seed_that_lacks_one_side_of_a_contrast_does_not_count():
    rows = [
        (1, 0, 2, 1, "d1consis", 10, 0.9),
        (1, 0, 2, 1, "d2consis", 10, 0.6),
        (2, 0, 2, 1, "d1consis", 10, 0.1),
    ]
    effect = contrast(effects_of(metrics_table(rows)), "meta_ocl")
    assert effect["n_seeds"] == 1
    assert effect["mean"] == pytest.approx(0.3)


def test_a_study_without_any_contrast_has_a_table_without_rows():
    effects = effects_of(metrics_table([(1, 0, 1, 1, "q", 10, 0.5)]))
    assert len(effects) == 0
    assert {*CELL, "measure", "contrast", "when", "n_seeds", "mean"} <= set(effects.columns)


def paired(gaps, subsets=("d1consis", "d2consis"), **cell):
    """Metrics of one run per gap, at the end of stage 2."""
    rows = [
        (seed, 0, 2, 1, subset, 10, 0.5 + gap * (subset == subsets[0]))
        for seed, gap in enumerate(gaps)
        for subset in subsets
    ]
    return metrics_table(rows, **cell)


def test_p_values_are_corrected_over_the_cells_and_phenomena_of_a_study():
    first, second = paired([0.1, 0.2, 0.3]), paired([0.1, 0.2, 0.9], model="other")
    effects = effects_of(pd.concat([first, second, paired([0.1, 0.2], ("d3consis", "d2consis"), model="third")]))
    family = effects[effects["contrast"].isin(PHENOMENA)]
    assert family["p_holm"].to_list() == pytest.approx(holm(family["p_value"].to_list()))
    assert effects[~effects["contrast"].isin(PHENOMENA)]["p_holm"].isna().all()
    assert len(effects) == 4 + 1  # meta_ocl and its relative form in two cells; the new tag in one


def test_an_effect_without_a_p_value_takes_no_part_in_the_correction():
    effects = effects_of(pd.concat([paired([0.1, 0.2, 0.3]), paired([0.1], model="other")]))
    corrected = effects[effects["contrast"] == "meta_ocl"].set_index("model")[["p_value", "p_holm"]]
    assert corrected.loc["small", "p_holm"] == corrected.loc["small", "p_value"]
    assert math.isnan(corrected.loc["other", "p_holm"])


def test_gaps_are_one_row_per_seed_with_stage_2_seeds_averaged():
    rows = [
        (seed, stage2_seed, 2, 1, subset, 10, 0.5 + gap * (subset == "d1consis"))
        for seed, stage2_seed, gap in [(3, 0, 0.4), (3, 1, 0.2), (5, 0, 0.1)]
        for subset in ("d1consis", "d2consis")
    ]
    gaps = seed_gaps(metrics_table(rows))
    assert list(gaps.columns) == [*CELL, "seed", "measure", "contrast", "when", "gap"]
    found = gaps[gaps["contrast"] == "meta_ocl"]
    assert found[["dataset", "define_type", "model", "plan"]].drop_duplicates().to_numpy().tolist() == [
        ["data", "tve", "small", "two"]
    ]
    assert found.set_index("seed")["gap"].to_dict() == pytest.approx({3: 0.3, 5: 0.1})


def test_relative_gaps_are_divided_by_the_sum_and_0_where_nothing_is_right():
    rows = [(1, 0, 2, 1, "d1consis", 10, 0.3), (1, 0, 2, 1, "d2consis", 10, 0.1)]
    rows += [(2, 0, 2, 1, "d1consis", 10, 0.0), (2, 0, 2, 1, "d2consis", 10, 0.0)]
    gaps = seed_gaps(metrics_table(rows))
    relative = gaps[gaps["contrast"] == "relative_meta_ocl"].set_index("seed")["gap"]
    assert relative.to_dict() == pytest.approx({1: 0.5, 2: 0.0})


def test_a_level_is_the_accuracy_itself():
    gaps = seed_gaps(metrics_table([(1, 0, 1, 1, "q", 10, 0.02)], "attribution"))
    assert gaps[["contrast", "gap"]].to_numpy().tolist() == [["attribution_none", 0.02]]


def test_the_script_writes_both_tables_twice(tmp_path, monkeypatch):
    metrics = paired([0.1, 0.2, 0.3])
    metrics.to_parquet(tmp_path / "metrics.parquet")
    names = {"parquet": "effects.parquet", "csv": "effects.csv", "gaps-parquet": "gaps.parquet", "gaps-csv": "gaps.csv"}
    options = [word for name, file in names.items() for word in (f"--{name}", str(tmp_path / file))]
    monkeypatch.setattr("sys.argv", ["x", "--metrics", str(tmp_path / "metrics.parquet"), *options])
    script.main()
    gaps = pd.read_parquet(tmp_path / "gaps.parquet")
    pd.testing.assert_frame_equal(gaps, seed_gaps(metrics), check_dtype=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "gaps.csv"), gaps, check_dtype=False)
    effects = pd.read_parquet(tmp_path / "effects.parquet")
    assert len(effects) == len(pd.read_csv(tmp_path / "effects.csv")) == len(effects_of(metrics))
