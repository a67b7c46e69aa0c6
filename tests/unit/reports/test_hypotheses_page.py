"""The page of hypotheses."""

from __future__ import annotations

from metaocl.claims.hypotheses import Finding
from metaocl.config.hypotheses import parse_hypotheses
from metaocl.reports.hypotheses import findings_page


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
