"""The verdicts on claims: a table for programs and a page for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pandas as pd

from metaocl.claims.verdicts import Verdict, judge
from metaocl.config.claims import Claim

NOTES = """
A verdict speaks of the models that it was found with, and of no larger ones.

A claim is *reproduced* if each of its parts is significant (one-sided paired t test over stage-1 seeds, 5 % unless its
file says less; two such tests where a value must lie within a margin), *contradicted* if a part is significant the
other way (that level divided by the number of tests). With fewer stage-1 seeds than the claim asks for, or with a
control whose 95 % interval excludes 0, it is *inconclusive*. Seeds needed: for a power of 80 % to find all parts at
once at the observed effect sizes; – where an effect points the other way. p: the largest over the parts. Intervals are
95 % by Student's t. Where all seeds are equal t can say nothing: there is no interval, and the exact sign flip test
decides.
"""


def judge_all(
    claims: Sequence[Claim],
    gaps: Mapping[str, pd.DataFrame],
    axes: Mapping[str, Mapping[str, float | str]],
    words: Mapping[str, str],
) -> tuple[pd.DataFrame, str]:
    """The table and the page of the verdicts on claims.

    gaps, axes: by study, as `metaocl.claims.verdicts.judge` takes them; a study without gaps was not run. words: what
    each model is.
    """
    verdicts = [judge(claim, gaps.get(claim.study), axes.get(claim.study, {})) for claim in claims]
    models = [models_of(claim, gaps.get(claim.study)) for claim in claims]
    return table_of(claims, verdicts, models), page_of(claims, verdicts, models, words)


def models_of(claim: Claim, gaps: pd.DataFrame | None) -> list[str]:
    """The models that a claim is judged on: of those of its study's gaps, the ones that its cells name; none if the
    study was not run."""
    if gaps is None:
        return []
    comparisons = (*claim.parts, *claim.controls)
    sides = [side for comparison in comparisons for side in (comparison.cells, comparison.against) if side]
    there = set(gaps["model"])
    return sorted(set().union(*(there if side.models is None else there & set(side.models) for side in sides)))


def table_of(claims: Sequence[Claim], verdicts: Sequence[Verdict], models: Sequence[Sequence[str]]) -> pd.DataFrame:
    """One row per claim and study: the claim's id and statement, the study and its minimum of seeds, the models that it
    was judged on, and what was found.

    verdicts, models: of each claim.
    """
    rows = [
        {"claim": claim.id, "statement": claim.statement, "study": claim.study, "minimum_seeds": claim.minimum_seeds}
        | {"models": ", ".join(used)}
        | asdict(verdict)
        for claim, verdict, used in zip(claims, verdicts, models, strict=True)
    ]
    return pd.DataFrame(rows).astype({"n_seeds": "Int64", "seeds_needed": "Int64"})


def in_a_cell(text: str) -> str:
    """Somebody's text as a cell of a Markdown table: on a line, and with no end of a cell."""
    return " ".join(text.split()).replace("|", r"\|")


def page_of(
    claims: Sequence[Claim], verdicts: Sequence[Verdict], models: Sequence[Sequence[str]], words: Mapping[str, str]
) -> str:
    """A Markdown table for people, a row per claim and study.

    verdicts, models: of each claim. words: what each model is.
    """
    lines = [
        "# Claims\n",
        "| | claim | study | models | verdict | seeds | needed | p (t) | p (sign flip) | why |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for claim, verdict, used in zip(claims, verdicts, models, strict=True):
        numbers = (verdict.n_seeds, verdict.seeds_needed, verdict.p_value, verdict.p_sign_flip)
        shown = [
            "–" if value is None else f"{value:.2g}" if isinstance(value, float) else str(value) for value in numbers
        ]
        cells = [
            str(claim.number),
            in_a_cell(claim.statement),
            claim.study,
            ", ".join(used) or "–",
            f"**{verdict.verdict}**",
            *shown,
            verdict.reason,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    judged = dict.fromkeys(model for used in models for model in used)
    lines += ["", *(f"- `{model}`: {words[model]}" for model in judged)]
    return "\n".join(lines) + "\n" + NOTES
