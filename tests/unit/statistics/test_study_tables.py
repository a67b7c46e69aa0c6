from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

import collect_metrics as collect_metrics_script
from metaocl.artifacts.publishing import ArtifactError
from metaocl.artifacts.tables import write_json, write_table
from metaocl.config.studies import Study
from metaocl.statistics.measured import pair_aliases
from metaocl.statistics.study_tables import (
    SCHEMA,
    area_under_curve,
    collect_metrics,
    paired_metrics,
    subset_metrics,
)

COLUMNS = ["epoch", "test_set", "subset", "alias", "questions", "exact_match", "token_f1"]
SCORE_COLUMNS = [*COLUMNS, "positive_scores", "negative_scores"]


def table(rows, columns=COLUMNS):
    """By-alias metrics as a stage writes them; without scores where the columns have none."""
    made = pd.DataFrame(rows, columns=columns).astype({"test_set": "category", "subset": "category"})
    return made.assign(**{name: None for name in SCORE_COLUMNS if name not in made})


BY_ALIAS = table(
    [
        (1, "held_out", "qd1consis", "a", 1, 1.0, 1.0),
        (1, "held_out", "qd1consis", "b", 3, 0.0, 0.5),
        (1, "held_out", "stage2", "c", 6, 0.5, 0.5),
        (1, "held_out", "stage2", "d", 6, 0.0, 0.1),
        (1, "attribution", "qd1consis", "a", 4, 0.25, 0.25),
        (1, "attribution", "stage2", "c", 4, 0.75, 0.75),
        (2, "held_out", "qd1consis", "a", 1, 1.0, 1.0),
        (2, "held_out", "qd1consis", "b", 3, 1.0, 1.0),
        (2, "held_out", "stage2", "c", 6, 1.0, 1.0),
        (2, "held_out", "stage2", "d", 6, 0.5, 0.6),
        (2, "held_out", "d2incons", "d", 6, 0.125, 0.2),
    ]
)


def measured(subset_of, by_alias=BY_ALIAS):
    """The questions and the values of the measures of each epoch, test set and subset."""
    found = {}
    for row in subset_metrics(by_alias, pd.Series(subset_of, name="subset")).to_dict("records"):
        place = found.setdefault((row["epoch"], row["test_set"], row["subset"]), {"n": row["n"]})
        assert place["n"] == row["n"]
        place[row["measure"]] = row["value"]
    return found


def averages(n, exact_match, token_f1):
    return {"n": n, "exact_match": exact_match, "token_f1": token_f1}


def test_measures_are_averaged_over_the_questions_of_each_test_set_subset_and_epoch():
    found = measured({"c": "d1consis", "d": "d2consis"})
    expected = {
        (1, "held_out", "qd1consis"): averages(4, 0.25, 0.625),
        (1, "held_out", "d1consis"): averages(6, 0.5, 0.5),
        (1, "held_out", "d2consis"): averages(6, 0.0, 0.1),
        (1, "attribution", "qd1consis"): averages(4, 0.25, 0.25),
        (1, "attribution", "d1consis"): averages(4, 0.75, 0.75),
        (2, "held_out", "qd1consis"): averages(4, 1.0, 1.0),
        (2, "held_out", "d1consis"): averages(6, 1.0, 1.0),
        (2, "held_out", "d2consis"): averages(6, 0.5, 0.6),
        (2, "held_out", "d2incons"): averages(6, 0.125, 0.2),
    }
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        assert found[key] == pytest.approx(values)


def test_the_mapping_decides_to_which_subset_a_stage_2_alias_belongs():
    found = measured({"c": "d2consis", "d": "d2consis"})
    assert {subset for _, _, subset in found} == {"qd1consis", "d2consis", "d2incons"}
    assert found[1, "held_out", "d2consis"] == pytest.approx(averages(12, 0.25, 0.3))


def test_the_mapping_leaves_all_other_aliases_where_they_are():
    found = measured({"a": "d1consis", "c": "d1consis", "d": "d2consis"})
    assert found[1, "held_out", "qd1consis"] == pytest.approx(averages(4, 0.25, 0.625))
    assert found[2, "held_out", "d2incons"] == pytest.approx(averages(6, 0.125, 0.2))


def test_a_stage_2_alias_without_subset_is_named():
    with pytest.raises(ArtifactError, match="stage-2 alias d "):
        measured({"c": "d1consis"})


def test_questions_without_scores_have_no_area_under_a_curve():
    assert not any("auc" in measures for measures in measured({"c": "d1consis", "d": "d2consis"}).values())


def test_the_area_under_the_curve_pools_the_aliases_of_a_subset():
    by_alias = table(
        [
            (1, "held_out", "q", "a", 2, 0.0, 0.0, [2.0], [1.0]),  # alone 1
            (1, "held_out", "q", "b", 2, 0.0, 0.0, [0.0], [3.0]),  # alone 0
            (1, "held_out", "stage2", "c", 3, 0.0, 0.0, [5.0, 1.0], [1.0]),
            (1, "held_out", "stage2", "d", 2, 0.0, 0.0, [7.0], [2.0]),
            (1, "held_out", "qd1consis", "e", 2, 0.0, 0.0, [1.0, 2.0], []),
            (1, "attribution", "q", "a", 2, 0.0, 0.0, [], []),
            (2, "held_out", "q", "a", 2, 0.0, 0.0, [2.0], [1.0]),
        ],
        SCORE_COLUMNS,
    )
    measures = measured({"c": "d1consis", "d": "d2consis"}, by_alias)
    found = {key: values["auc"] for key, values in measures.items() if "auc" in values}
    assert found[1, "held_out", "q"] == pytest.approx(1 / 4)  # of 2 > 1, 2 < 3, 0 < 1, 0 < 3
    assert found[1, "held_out", "d1consis"] == pytest.approx(3 / 4)
    assert found[1, "held_out", "d2consis"] == 1.0
    assert found[2, "held_out", "q"] == 1.0
    assert len(found) == 4  # neither questions that have one answer only, nor those without scores


NEW = pd.Series({"c": "d1consis", "d": "d2consis", "e": "d2consis"}, name="subset")


def scored(c, d, e):
    """A run's metrics of three new aliases with 4, 2 and 2 questions: scores of positive and of negative ones."""
    rows = [("c", 4, 0.3, 0.7, *c), ("d", 2, 0.1, 0.9, *d), ("e", 2, 0.7, 0.2, *e)]
    asked = [(1, "held_out", "stage2", *row) for row in rows]
    return table([*asked, (1, "attribution", "stage2", "c", 3, 1 / 3, 0.5, [], [])], SCORE_COLUMNS)


def areas(metrics):
    found = metrics[metrics["measure"] == "auc"]
    return {subset: (n, value) for subset, n, value in found[["subset", "n", "value"]].values.tolist()}


def test_the_area_of_pairs_is_that_inside_the_run_and_inside_its_twin():
    own = scored(c=([2.0, 1.0], [1.0, 0.0]), d=([0.0], [0.0]), e=([3.0], [1.0]))
    # All logits of the twin are higher: pooled with those of the run they would tell the two models apart.
    twin = scored(c=([12.0, 10.0], [11.0, 10.0]), d=([11.0], [14.0]), e=([13.0], [12.0]))
    found = areas(paired_metrics(own, twin, NEW))
    inside = {"c": 3.5 / 4, "de": 2.5 / 4, "c of twin": 2.5 / 4, "de of twin": 1 / 4}
    assert found == {
        "with_reliable": (8, pytest.approx((inside["c"] + inside["de of twin"]) / 2)),
        "with_unreliable": (8, pytest.approx((inside["de"] + inside["c of twin"]) / 2)),
    }


def test_the_area_of_pairs_has_questions_as_weights_and_only_runs_that_have_one():
    own = scored(c=([2.0, 1.0], [1.0, 0.0]), d=([0.0], [1.0]), e=([], []))
    nothing = scored(c=([12.0], []), d=([11.0], []), e=([13.0], []))
    assert areas(paired_metrics(own, nothing, NEW)) == {"with_reliable": (4, 3.5 / 4), "with_unreliable": (4, 0.0)}
    short = own.assign(questions=[4, 1, 1, 3])
    weighted = areas(paired_metrics(own, short, NEW))
    assert weighted["with_reliable"] == (6, pytest.approx((4 * 3.5 / 4 + 2 * 0.0) / 6))


@pytest.mark.parametrize("has_scores", [True, False])
def test_other_measures_of_pairs_are_pooled_to_the_bit(has_scores):
    run = scored(c=([2.0, 1.0], [1.0, 0.0]), d=([0.0], [0.0]), e=([3.0], [1.0]))
    run = run if has_scores else run.assign(positive_scores=None, negative_scores=None)
    twin = run.assign(exact_match=[0.1, 0.2, 1 / 3, 0.6])
    found = paired_metrics(run, twin, NEW)
    pooled = subset_metrics(pd.concat(pair_aliases(run, twin, NEW), ignore_index=True), NEW)
    others = pooled[pooled["measure"] != "auc"].reset_index(drop=True)
    assert len(others) == 2 * 4
    pd.testing.assert_frame_equal(found[: len(others)], others, check_exact=True)
    assert set(found["measure"][len(others) :]) == ({"auc"} if has_scores else set())


# Few different values, so that ties are common, and any others.
SCORES = st.lists(st.lists(st.sampled_from([-1.0, 0.0, 0.5]) | st.floats(-1e6, 1e6, width=32), max_size=6), max_size=4)


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_the_area_under_the_curve_is_to_the_bit_that_of_scipy(count):
    random = np.random.default_rng(count)
    for above in (random.normal(size=5), random.integers(3, size=5) / 3, np.array([np.inf, -np.inf, 0.0, np.nan])):
        below = random.permutation(np.resize(above, count))
        expected = stats.mannwhitneyu(above, below).statistic / (len(above) * len(below))
        np.testing.assert_array_equal(area_under_curve([above], [below]), expected)


@given(positive=SCORES, negative=SCORES)
def test_the_area_under_the_curve_is_that_of_scikit_learn(positive, negative):
    above, below = np.concatenate([[], *positive]), np.concatenate([[], *negative])
    area = area_under_curve(positive, negative)
    if not len(above) or not len(below):
        assert math.isnan(area)
    else:
        truth = [1] * len(above) + [0] * len(below)
        assert area == pytest.approx(roc_auc_score(truth, np.concatenate([above, below])))
        assert area == pytest.approx(1 - area_under_curve(negative, positive))


@pytest.fixture
def study(tmp_path):
    """Two cells with two stages each, written as the stages write them."""
    columns = {"epoch": [1, 1], "test_set": ["held_out"] * 2, "subset": ["q", "stage2"], "alias": ["a", "c"]}
    columns |= {"questions": [2, 2], "exact_match": [0.5, 1.0], "token_f1": [0.25, 1.0]}
    scores = pa.array([[1.0], [2.0]], pa.list_(pa.float32()))
    metrics = pa.table(columns | {"positive_scores": scores, "negative_scores": scores})
    stages = tmp_path / "stages" / "data" / "tve" / "tiny" / "two" / "seed3"
    for folder in ("stage1", "stage2_seed0", "stage2_seed1"):
        (stages / folder).mkdir(parents=True)
        write_table(metrics, stages / folder / "metrics.parquet")
        write_json({"measured": {"unreachable_golds": {}}}, stages / folder / "run.json")
    for seed, subset in [(0, "d1consis"), (1, "d2consis")]:
        folder = tmp_path / "documents" / "data" / "tve" / "seed3" / f"stage2_seed{seed}"
        folder.mkdir(parents=True)
        write_table(pa.table({"alias": ["c"], "subset": [subset]}), folder / "aliases.parquet")
    return Study(
        datasets=["data"], define_types=["tve"], models=["tiny"], plans=["two"], seeds=[3], stage2_seeds=[0, 1]
    )


def test_a_study_is_one_table_of_all_its_stages(study, tmp_path):
    collected = collect_metrics(study, {"two": 2}, tmp_path).to_pandas()
    keys = collected[["stage2_seed", "stage", "subset"]].drop_duplicates().itertuples(index=False, name=None)
    divided = {0: "d1consis", 1: "d2consis"}
    assert sorted(keys) == sorted((seed, stage, s) for seed in (0, 1) for stage in (1, 2) for s in ("q", divided[seed]))
    assert set(collected["seed"]) == {3}
    assert set(collected["n"]) == {2}
    q = collected[collected["subset"] == "q"].groupby("measure", observed=True)["value"].unique()
    assert {measure: values.tolist() for measure, values in q.items()} == {
        "exact_match": [0.5],
        "token_f1": [0.25],
        "auc": [0.5],
    }


def test_questions_that_no_model_can_be_right_about_are_a_measure_of_their_own(study, tmp_path):
    before = collect_metrics(study, {"two": 2}, tmp_path).to_pandas()
    counts = {"held_out": {"questions": 8, "unreachable": 2, "share": 0.25}}
    counts |= {"attribution": {"questions": 4, "unreachable": 0, "share": 0.0}}
    (record,) = tmp_path.glob("stages/**/stage2_seed1/run.json")
    write_json({"measured": {"unreachable_golds": counts}}, record)
    after = collect_metrics(study, {"two": 2}, tmp_path).to_pandas()
    lost = after[after["measure"] == "unreachable_golds"]
    columns = ["stage2_seed", "stage", "epoch", "test_set", "subset", "n", "value"]
    assert lost[columns].values.tolist() == [[1, 2, 1, "held_out", "all", 8, 0.25]]
    assert len(after) == len(before) + 1


def test_a_stage_without_its_record_is_named(study, tmp_path):
    (record,) = tmp_path.glob("stages/**/stage2_seed1/run.json")
    record.unlink()
    with pytest.raises(ArtifactError, match=f"^{record}: tells of no finished stage"):
        collect_metrics(study, {"two": 2}, tmp_path)


def test_texts_of_all_cells_are_numbers_in_one_dictionary(study, tmp_path):
    collected = collect_metrics(study, {"two": 2}, tmp_path)
    assert collected.schema == SCHEMA
    words = [chunk.dictionary.to_pylist() for chunk in collected["subset"].chunks]
    assert words == [["d1consis", "q", "d2consis"]] * 4


def test_the_script_writes_the_table_twice(study, tmp_path, monkeypatch):
    places = ["--parquet", str(tmp_path / "metrics.parquet"), "--csv", str(tmp_path / "metrics.csv")]
    settings = ["--study", study.model_dump_json(), "--stages", '{"two": 2}', "--branches", "{}"]
    monkeypatch.setattr("sys.argv", ["collect_metrics.py", *settings, "--results", str(tmp_path), *places])
    collect_metrics_script.main()
    metrics, lines = pd.read_parquet(tmp_path / "metrics.parquet"), pd.read_csv(tmp_path / "metrics.csv")
    assert list(metrics) == SCHEMA.names
    pd.testing.assert_frame_equal(metrics.astype(lines.dtypes.to_dict()), lines)


@pytest.mark.parametrize("end", ['"', ",", "\n", "\r"])
def test_a_measure_whose_name_would_end_its_cell_is_quoted_in_the_csv_and_other_files_have_no_quotes(
    study, tmp_path, monkeypatch, end
):
    def written(study):
        places = ["--parquet", str(tmp_path / "metrics.parquet"), "--csv", str(tmp_path / "metrics.csv")]
        settings = ["--study", study.model_dump_json(), "--stages", '{"two": 2}', "--branches", "{}"]
        monkeypatch.setattr("sys.argv", ["collect_metrics.py", *settings, "--results", str(tmp_path), *places])
        collect_metrics_script.main()
        return (tmp_path / "metrics.csv").read_bytes()

    assert b'"' not in written(study)
    question = f"When was {{name}} born{end} and where?"
    probe = {"epoch": [0], "subset": ["all"], "alias": [""], "tag": [""], "place": [f"{question}/embedding"]}
    probe |= {"measure": ["tag_probe"], "n": [4], "value": [0.5]}
    for stage in tmp_path.glob("stages/**/stage2_seed*"):
        (stage / "measurements").mkdir()
        write_table(pa.table(probe), stage / "measurements/probes.parquet")
    assert written(study.model_copy(update={"measurements": ["probes"]})).count(b'"tag_probe:When was') == 2
    read, table = pd.read_csv(tmp_path / "metrics.csv"), pd.read_parquet(tmp_path / "metrics.parquet")
    assert read["measure"].tolist() == table["measure"].tolist()
    assert f"tag_probe:{question}/embedding" in set(read["measure"])


def test_a_missing_table_is_named(study, tmp_path):
    missing = tmp_path / "stages" / "data" / "tve" / "tiny" / "two" / "seed3" / "stage2_seed1" / "metrics.parquet"
    missing.unlink()
    with pytest.raises(ArtifactError, match=str(missing)):
        collect_metrics(study, {"two": 2}, tmp_path)
