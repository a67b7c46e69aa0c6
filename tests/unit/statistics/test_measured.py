"""What was measured of aliases as rows of a study's table, and aliases that are paired with themselves."""

from __future__ import annotations

import pandas as pd
import pytest

from metaocl.statistics.measured import measured_metrics, pair_aliases

COLUMNS = ["epoch", "subset", "alias", "tag", "place", "measure", "n", "value"]


def table(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


def values(found):
    return {(row.subset, row.measure): (row.n, row.value) for row in found.itertuples()}


def test_each_subset_has_its_own_tag_and_each_tag_all_aliases():
    found = measured_metrics(
        table(
            (0, "d1consis", "a", "reliable", "all", "cosine", 2, 0.8),
            (0, "d1consis", "a", "unreliable", "all", "cosine", 2, 0.2),
            (0, "d2consis", "b", "reliable", "all", "cosine", 6, 0.4),
            (0, "d2consis", "b", "unreliable", "all", "cosine", 6, 0.0),
        )
    )
    assert values(found) == {
        ("d1consis", "cosine:all"): (2, 0.8),
        ("d2consis", "cosine:all"): (6, 0.0),
        ("with_reliable", "cosine:all"): (8, pytest.approx(0.5)),
        ("with_unreliable", "cosine:all"): (8, pytest.approx(0.05)),
    }


def test_only_a_twin_shows_an_alias_with_both_tags_after_training():
    own = table(
        (2, "d1consis", "a", "reliable", "", "question_loss", 1, 4.0),
        (2, "d2consis", "b", "unreliable", "", "question_loss", 1, 6.0),
        (2, "d3consis", "c", "unseen", "", "question_loss", 1, 5.0),
    )
    assert {subset for subset, _ in values(measured_metrics(own))} == {"d1consis", "d2consis", "d3consis"}
    twin = own.assign(tag=["unreliable", "reliable", "unseen"], value=[5.0, 5.5, 5.0])
    found = values(measured_metrics(own, [twin]))
    assert found["with_reliable", "question_loss"] == (2, 4.75)
    assert found["with_unreliable", "question_loss"] == (2, 5.5)
    assert found["d1consis", "question_loss"] == (1, 4.0)
    assert ("with_unseen", "question_loss") not in found


@pytest.mark.parametrize(
    "tags", [("unreliable", "reliable", "unseen"), ("reliable",) * 3, ("unreliable",) * 3], ids=lambda tags: tags[0]
)
def test_a_subset_that_was_trained_with_another_tag_has_what_was_measured_with_it(tags):
    own = table(
        (2, "d1consis", "a", tags[0], "", "question_loss", 1, 4.0),
        (2, "d2consis", "b", tags[1], "", "question_loss", 1, 6.0),
        (2, "d3consis", "c", tags[2], "", "question_loss", 1, 5.0),
        (2, "q", "d", "reliable", "", "question_loss", 1, 7.0),  # has no definition
    )
    found = values(measured_metrics(own))
    expected = {"d1consis": 4.0, "d2consis": 6.0, "d3consis": 5.0}
    assert found == {(subset, "question_loss"): (1, value) for subset, value in expected.items()}


def test_what_is_of_no_single_alias_keeps_its_subset():
    found = measured_metrics(table((0, "all", "", "", "", "tag_probe_above_permuted", 40, 0.02)))
    assert values(found) == {("all", "tag_probe_above_permuted"): (40, 0.02)}


def test_pairs_hold_each_new_alias_once_with_either_tag():
    own = pd.DataFrame(
        {
            "alias": ["a", "b", "b", "c", "q"],
            "subset": ["stage2", "stage2", "d2incons", "stage2", "q"],
            "exact_match": [1.0, 0.0, 0.5, 0.25, 0.75],
        }
    )
    twin = own.assign(exact_match=[0.1, 0.2, 0.3, 0.4, 0.5])
    subset_of = pd.Series({"a": "d1consis", "b": "d2consis", "c": "d3consis"})
    found = pair_aliases(own, twin, subset_of)
    assert [part[["alias", "subset", "exact_match"]].to_numpy().tolist() for part in found] == [
        [["a", "with_reliable", 1.0], ["b", "with_unreliable", 0.0]],
        [["a", "with_unreliable", 0.1], ["b", "with_reliable", 0.2]],
    ]
