"""From metrics to gaps: what is pooled, averaged, subtracted, and when."""

from __future__ import annotations

import pandas as pd
import pytest

import estimate_effects as script
from metaocl.design.cells import CELL
from metaocl.statistics.effects import estimate_effects
from metaocl.statistics.gaps import seed_gaps


def metrics_table(rows, test_set="held_out", measure="exact_match", **cell):
    """rows: seed, stage-2 seed, stage, epoch, subset, n, value."""
    columns = ["seed", "stage2_seed", "stage", "epoch", "subset", "n", "value"]
    cell = {"dataset": "data", "define_type": "tve", "model": "small", "plan": "two"} | cell
    table = pd.DataFrame(rows, columns=columns).assign(**cell, test_set=test_set, measure=measure)
    return table[[*CELL, *columns[:4], "test_set", "subset", "measure", "n", "value"]]


def gaps_of(*tables, measure="exact_match"):
    """The gap of each contrast and seed; with one seed, of each contrast."""
    gaps = seed_gaps(pd.concat(tables, ignore_index=True))
    gaps = gaps[gaps["measure"] == measure]
    single = gaps["seed"].nunique() == 1
    return gaps.set_index("contrast" if single else ["contrast", "seed"])["gap"].to_dict()


DEFINED, UNRELIABLE = (1, 0, 2, 1, "d1consis", 10), (1, 0, 2, 1, "d2consis", 10)


def test_stage_2_seeds_are_averaged_inside_their_seed():
    rows = [
        (seed, stage2_seed, 2, 1, subset, 10, 0.5 + gap * (subset == "d1consis"))
        for seed, stage2_seed, gap in [(3, 0, 0.4), (3, 1, 0.2), (5, 0, 0.1)]
        for subset in ("d1consis", "d2consis")
    ]
    gaps = seed_gaps(metrics_table(rows))
    assert list(gaps.columns) == [*CELL, "seed", "measure", "contrast", "when", "gap"]
    assert gaps[CELL].drop_duplicates().to_numpy().tolist() == [["data", "tve", "small", "two"]]
    found = gaps[gaps["contrast"] == "meta_ocl"]
    assert found.set_index("seed")["gap"].to_dict() == pytest.approx({3: 0.3, 5: 0.1})


def test_subsets_are_pooled_by_their_questions():
    rows = [
        (1, 0, 1, 1, "qd1consis", 10, 1.0),
        (1, 0, 1, 1, "qd2consis", 30, 0.6),
        (1, 0, 1, 1, "qd1incons", 20, 0.5),
        (1, 0, 1, 1, "q", 5, 0.6),
    ]
    assert gaps_of(metrics_table(rows)) == pytest.approx(
        {"ocl": 28 / 40 - 0.5, "consistent_over_none": 0.1, "none_over_inconsistent": 0.1}
    )


def test_each_contrast_is_taken_at_the_last_epoch_of_its_own_stage():
    accuracy = {(1, 1): 0.1, (1, 2): 0.2, (2, 1): 0.3, (2, 2): 0.4}
    rows = [
        (1, 0, stage, epoch, subset, 10, exact_match)
        for (stage, epoch), gap in accuracy.items()
        for subset, exact_match in [("qd1consis", gap), ("qd2incons", 0), ("d1consis", gap), ("d2consis", 0)]
    ]
    gaps = gaps_of(metrics_table(rows))
    assert gaps["ocl"] == pytest.approx(0.2)
    assert gaps["meta_ocl_before_stage2"] == pytest.approx(0.2)
    assert gaps["meta_ocl"] == pytest.approx(0.4)


def test_a_plan_of_one_stage_has_its_contrasts_at_its_end_and_none_before_it():
    subsets = {"qd1consis": 0.9, "qd2incons": 0.4, "d1consis": 0.6, "d2consis": 0.3}
    gaps = gaps_of(metrics_table([(1, 0, 1, 3, subset, 10, value) for subset, value in subsets.items()]))
    assert gaps["ocl"] == pytest.approx(0.5)
    assert gaps["meta_ocl"] == pytest.approx(0.3)
    # Before its new definitions nothing was trained: a gap that "should be 0" would be the effect itself.
    assert not any(name.endswith("_before_stage2") for name in gaps)


def test_cells_are_kept_apart_and_so_are_their_stages():
    def table(gap, stage, **cell):
        return metrics_table([(1, 0, stage, 1, "d1consis", 10, gap), (1, 0, stage, 1, "d2consis", 10, 0.0)], **cell)

    gaps = seed_gaps(pd.concat([table(0.7, 1, model="large", plan="one"), table(0.2, 2)], ignore_index=True))
    found = gaps[gaps["contrast"] == "meta_ocl"].set_index(["model", "plan"])["gap"]
    assert found.to_dict() == {("large", "one"): 0.7, ("small", "two"): 0.2}


def test_categories_as_a_table_is_read_with_change_nothing():
    rows = [(seed, 0, 2, 1, subset, 10, value) for seed in (1, 2) for subset, value in [("d1consis", 0.9), ("q", 0.5)]]
    metrics = pd.concat([metrics_table(rows, model=model) for model in ("small", "large")], ignore_index=True)
    texts = metrics.select_dtypes("str").columns
    read = metrics.astype({name: pd.CategoricalDtype(["absent", *metrics[name].unique()]) for name in texts})
    pd.testing.assert_frame_equal(seed_gaps(read), seed_gaps(metrics))


def test_the_area_under_the_curve_has_gaps_of_its_own_where_it_was_measured():
    matches = metrics_table([(*DEFINED, 0.5), (*UNRELIABLE, 0.5)])
    areas = metrics_table([(*DEFINED, 0.9), (*UNRELIABLE, 0.5)], measure="auc")
    assert gaps_of(matches, areas, measure="auc")["meta_ocl"] == pytest.approx(0.4)
    assert gaps_of(matches, areas)["meta_ocl"] == 0
    assert gaps_of(matches, measure="auc") == {}


def test_a_measure_that_is_not_analysed_has_no_gaps():
    assert gaps_of(metrics_table([(*DEFINED, 0.9), (*UNRELIABLE, 0.5)], measure="token_f1"), measure="token_f1") == {}


def test_a_cell_without_areas_gets_none_from_another_cell():
    rows = [(*DEFINED, 0.7), (*UNRELIABLE, 0.5)]
    scored = [metrics_table(rows), metrics_table(rows, measure="auc")]
    gaps = seed_gaps(pd.concat([*scored, metrics_table(rows, model="other")], ignore_index=True))
    assert set(gaps[gaps["model"] == "other"]["measure"]) == {"exact_match"}
    assert set(gaps[gaps["model"] == "small"]["measure"]) == {"exact_match", "auc"}


def test_subsets_without_an_area_are_left_out_of_a_pooled_one():
    rows = [(1, 0, 1, 1, subset, 10, 0.0) for subset in ("qd1consis", "qd2consis", "qd1incons")]
    areas = [(1, 0, 1, 1, "qd1consis", 10, 0.8), (1, 0, 1, 1, "qd1incons", 10, 0.5)]
    assert gaps_of(metrics_table(rows), metrics_table(areas, measure="auc"), measure="auc") == pytest.approx(
        {"ocl": 0.3}
    )


def test_held_out_questions_and_attribution_are_never_mixed():
    held_out = metrics_table([(*DEFINED, 0.9), (*UNRELIABLE, 0.6)])
    attribution = metrics_table([(*DEFINED, 0.5), (*UNRELIABLE, 0.1)], "attribution")
    gaps = gaps_of(held_out, attribution)
    assert gaps["meta_ocl"] == pytest.approx(0.3)
    assert gaps["attribution_meta_ocl"] == pytest.approx(0.4)
    assert "attribution_meta_ocl" not in gaps_of(held_out)


def test_inconsistent_definitions_are_scored_against_the_entity_that_they_name():
    def asked(test_set, accuracies):
        return metrics_table([(1, 0, 1, 1, subset, 4, value) for subset, value in accuracies.items()], test_set)

    true = {"qd1consis": 0.9, "qd2consis": 0.7, "qd1incons": 0.05, "qd2incons": 0.05, "q": 0.1}
    gaps = gaps_of(asked("attribution", true), asked("attribution_as_defined", {"qd1incons": 0.4, "qd2incons": 0.2}))
    assert gaps["attribution_ocl"] == pytest.approx(0.8 - 0.3)
    assert gaps["attribution_as_defined_over_none"] == pytest.approx(0.3 - 0.1)
    assert gaps["attribution_tag_over_truth"] == pytest.approx(0.4 - 0.7)


def test_a_seed_that_lacks_one_side_of_a_contrast_does_not_count():
    rows = [(*DEFINED, 0.9), (*UNRELIABLE, 0.6), (2, 0, 2, 1, "d1consis", 10, 0.1)]
    assert gaps_of(metrics_table(rows))["meta_ocl"] == pytest.approx(0.3)


def test_relative_gaps_are_divided_by_the_sum_and_0_where_nothing_is_right():
    rows = [(*DEFINED, 0.3), (*UNRELIABLE, 0.1)]
    rows += [(2, 0, 2, 1, "d1consis", 10, 0.0), (2, 0, 2, 1, "d2consis", 10, 0.0)]
    gaps = gaps_of(metrics_table(rows))
    assert gaps["relative_meta_ocl", 1] == pytest.approx(0.5)
    assert gaps["relative_meta_ocl", 2] == 0


def test_a_level_is_the_accuracy_itself():
    assert gaps_of(metrics_table([(1, 0, 1, 1, "q", 10, 0.02)], "attribution")) == {"attribution_none": 0.02}


def test_the_script_writes_both_tables_twice(tmp_path, monkeypatch):
    values = {"qd1consis": 0.5, "q": 0.1}
    rows = [(seed, 0, 1, 1, subset, 10, seed * value) for seed in (1, 2, 3) for subset, value in values.items()]
    metrics = metrics_table(rows)
    metrics.to_parquet(tmp_path / "metrics.parquet")
    names = {"parquet": "effects.parquet", "csv": "effects.csv", "gaps-parquet": "gaps.parquet", "gaps-csv": "gaps.csv"}
    options = [word for name, file in names.items() for word in (f"--{name}", str(tmp_path / file))]
    monkeypatch.setattr("sys.argv", ["x", "--metrics", str(tmp_path / "metrics.parquet"), *options])
    script.main()
    gaps = pd.read_parquet(tmp_path / "gaps.parquet")
    assert len(gaps) == 3
    pd.testing.assert_frame_equal(gaps, seed_gaps(metrics), check_dtype=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "gaps.csv"), gaps, check_dtype=False)
    effects = pd.read_parquet(tmp_path / "effects.parquet")
    assert len(effects) == len(pd.read_csv(tmp_path / "effects.csv")) == len(estimate_effects(gaps)) == 1
