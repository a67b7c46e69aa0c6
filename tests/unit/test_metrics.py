from __future__ import annotations

import pandas as pd
import pytest

from metaocl.metrics import subset_metrics

BY_ALIAS = pd.DataFrame(
    [
        (1, "qd1consis", "a", 1, 1.0, 1.0),
        (1, "qd1consis", "b", 3, 0.0, 0.5),
        (1, "stage2", "c", 6, 0.5, 0.5),
        (1, "stage2", "d", 6, 0.0, 0.1),
        (2, "qd1consis", "a", 1, 1.0, 1.0),
        (2, "qd1consis", "b", 3, 1.0, 1.0),
        (2, "stage2", "c", 6, 1.0, 1.0),
        (2, "stage2", "d", 6, 0.5, 0.6),
    ],
    columns=["epoch", "subset", "alias", "questions", "exact_match", "token_f1"],
).astype({"subset": "category"})


def measured(subset_of):
    table = subset_metrics(BY_ALIAS, pd.Series(subset_of, name="subset"))
    columns = ["questions", "exact_match", "token_f1"]
    return {(row["epoch"], row["subset"]): tuple(row[c] for c in columns) for row in table.to_dict("records")}


def test_measures_are_averaged_over_the_questions_of_each_subset_and_epoch():
    found = measured({"c": "d1consis", "d": "d2consis"})
    expected = {
        (1, "qd1consis"): (4, 0.25, 0.625),
        (1, "d1consis"): (6, 0.5, 0.5),
        (1, "d2consis"): (6, 0.0, 0.1),
        (2, "qd1consis"): (4, 1.0, 1.0),
        (2, "d1consis"): (6, 1.0, 1.0),
        (2, "d2consis"): (6, 0.5, 0.6),
    }
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        assert found[key] == pytest.approx(values)


def test_the_mapping_decides_to_which_subset_a_stage_2_alias_belongs():
    found = measured({"c": "d2consis", "d": "d2consis"})
    assert set(found) == {(epoch, subset) for epoch in (1, 2) for subset in ("qd1consis", "d2consis")}
    assert found[1, "d2consis"] == pytest.approx((12, 0.25, 0.3))


def test_the_mapping_leaves_stage_1_aliases_where_they_are():
    found = measured({"a": "d1consis", "c": "d1consis", "d": "d2consis"})
    assert found[1, "qd1consis"] == pytest.approx((4, 0.25, 0.625))
