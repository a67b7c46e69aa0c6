"""The page of hypotheses."""

from __future__ import annotations

from metaocl.claims.hypotheses import Finding
from metaocl.config.hypotheses import parse_hypotheses
from metaocl.reports.hypotheses import findings_page, findings_table


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
