"""What became of the hypotheses about mechanisms: a table for programs and a page for people."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from metaocl.claims.hypotheses import Finding, fate_of
from metaocl.claims.measuring import in_words
from metaocl.config.hypotheses import Hypothesis, Prediction
from metaocl.reports.verdicts import in_a_cell

FIGURE = "![Every prediction with what was found](../figures/hypotheses.png)\n"
NOTES = """
A prediction is *supported* if its test is significant (5 %, one-sided: a t test over stage-1 seeds, or for a relation
a permutation test; two such tests where a value must lie within a margin), *failed* if one is significant the other way
(that level divided by the number of tests), else *undecided*; *not run* without its study. A hypothesis is *ruled out
here* if a prediction failed, *survives* if all were supported, and is else *open*. Here is the bed named: where
everything that is learnt about an alias passes through one row that a fixed network reads, the directions that are read
are the gradient's directions, so selective reading and gradient alignment are one fact seen twice. What could part
them are models that store facts in shared weights.
"""


def findings_table(hypotheses: Sequence[Hypothesis], findings: Sequence[Sequence[Finding]]) -> pd.DataFrame:
    """One row per prediction: its hypothesis with its fate, statement, study, what was asked, and what was found.

    quantity: the comparison whose mean was predicted, or the two contrasts that were related.
    """
    rows = [
        vars(finding)
        | {"fate": fate_of(found), "bed": hypothesis.bed, "statement": prediction.statement, "study": prediction.study}
        | {"quantity": _quantity(prediction), "must_be": prediction.must_be, "threshold": prediction.threshold}
        for hypothesis, found in zip(hypotheses, findings, strict=True)
        for prediction, finding in zip(hypothesis.predictions, found, strict=True)
    ]
    return pd.DataFrame(rows).astype({"n_seeds": "Int64"})


def _quantity(prediction: Prediction) -> str:
    if prediction.relates_to:
        return f"ρ of {prediction.contrast} and {prediction.relates_to} over {prediction.over}"
    return in_words(prediction)


def findings_page(hypotheses: Sequence[Hypothesis], findings: Sequence[Sequence[Finding]]) -> str:
    """A Markdown page: a section for each hypothesis of which something was run, a table of its predictions."""
    parts, silent = ["# Hypotheses about mechanisms\n", FIGURE], []
    for hypothesis, found in zip(hypotheses, findings, strict=True):
        if all(finding.outcome == "not run" for finding in found):
            silent.append(f"`{hypothesis.id}` ({hypothesis.bed})")
            continue
        parts.append(f"## {hypothesis.id}: **{fate_of(found)}**\n\n{hypothesis.statement} Bed: {hypothesis.bed}.\n")
        parts.append("| prediction | verdict | seeds | p | why |\n|---|---|---|---|---|")
        for prediction, finding in zip(hypothesis.predictions, found, strict=True):
            seeds = "–" if finding.n_seeds is None else str(finding.n_seeds)
            p = "–" if finding.p_value is None else f"{finding.p_value:.2g}"
            named = f"`{prediction.id}` {in_a_cell(prediction.statement)}"
            parts.append(f"| {named} | **{finding.outcome}** | {seeds} | {p} | {finding.reason} |")
        parts.append("")
    if silent:
        parts.append(f"Nothing was run for: {', '.join(silent)}.\n")
    return "\n".join(parts) + NOTES
