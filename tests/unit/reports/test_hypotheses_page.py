"""The page of hypotheses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metaocl.claims.hypotheses import Finding, judge_hypothesis
from metaocl.config.hypotheses import parse_hypotheses, read_hypotheses
from metaocl.design.cells import CELL
from metaocl.reports.hypotheses import NOTES, findings_page, findings_table

ROOT = Path(__file__).parents[3]
KEPT = pytest.mark.parametrize("kept", ["mechanisms", "mechanisms_vision"])


def test_a_hypothesis_of_which_nothing_was_run_is_named_and_no_more():
    prediction = {"statement": "It is so.", "study": "s", "contrast": "meta_ocl", "must_be": "above"}
    about = {"statement": "Why.", "bed": "bed"}
    entries = [
        about | {"id": name, "predictions": [prediction | {"id": name + number} for number in "12"]} for name in "ab"
    ]
    hypotheses = parse_hypotheses({"hypotheses": entries}, "made.yaml")
    outcomes = {"a1": "supported", "a2": "not run", "b1": "not run", "b2": "not run"}
    findings = [[Finding(name[0], name, outcomes[name], "") for name in pair] for pair in (("a1", "a2"), ("b1", "b2"))]
    page = findings_page(hypotheses, findings)
    assert "## a: **open**" in page
    assert page.count("**not run**") == 1
    assert "## b" not in page
    assert "Nothing was run for: `b` (bed)." in page


def test_statements_of_several_lines_and_with_bars_stay_in_their_cells():
    prediction = {"id": "p", "statement": "More |a|\nthan b.\n", "study": "s", "contrast": "ocl", "must_be": "above"}
    prediction["against"] = {"plans": ["one"]}
    entry = {"id": "h", "statement": "Why.", "bed": "bed", "predictions": [prediction]}
    hypotheses = parse_hypotheses({"hypotheses": [entry]}, "made.yaml")
    found = [[Finding("h", "p", "supported", "So.", 12, 0.01)]]
    assert r"| `p` More \|a\| than b. | **supported** | 12 | 0.01 | So. |" in findings_page(hypotheses, found)
    assert findings_table(hypotheses, found)["quantity"].tolist() == ["ocl (all cells against one)"]


@pytest.mark.parametrize(
    ("must_be", "mean", "outcome"),
    [("below", 0.0109, "failed"), ("within", 0.0109, "undecided"), ("within", 0.012, "failed")],
)
def test_the_page_says_at_which_level_a_prediction_fails(must_be, mean, outcome):
    """One test at 5 %; of the two of a margin each at 2.5 %."""
    prediction = {"id": "p", "statement": "So.", "study": "s", "contrast": "ocl", "must_be": must_be, "threshold": 0.01}
    entry = {"id": "h", "statement": "Why.", "bed": "bed", "predictions": [prediction]}
    hypotheses = parse_hypotheses({"hypotheses": [entry]}, "made.yaml")
    spread = np.tile([-0.001, 0.001], 6)
    gaps = pd.DataFrame({"seed": range(12), "measure": "exact_match", "contrast": "ocl", "gap": mean + 1.5 * spread})
    findings = [judge_hypothesis(each, {"s": gaps.assign(**dict.fromkeys(CELL, "x"))}, {}) for each in hypotheses]
    assert findings[0][0].outcome == outcome
    notes = " ".join(findings_page(hypotheses, findings).split())
    assert "two such tests where a value must lie within a margin" in notes
    assert "*failed* if one is significant the other way (that level divided by the number of tests)" in notes


@KEPT
def test_kept_pages_end_with_the_notes_of_today(kept):
    assert (ROOT / "results/reference" / kept / "hypotheses.md").read_text().endswith(NOTES)


@KEPT
def test_kept_tables_say_what_was_asked_in_the_words_of_today(kept):
    hypotheses = read_hypotheses([ROOT / "config/hypotheses.yaml"])
    asked = findings_table(
        hypotheses, [[Finding(h.id, each.id, "not run", "") for each in h.predictions] for h in hypotheses]
    )
    table = pd.read_csv(ROOT / "results/reference" / kept / "hypotheses.csv")
    columns = ["hypothesis", "prediction", "bed", "statement", "study", "quantity", "must_be", "threshold"]
    pd.testing.assert_frame_equal(table[columns], asked[columns])
