"""Hypotheses about mechanisms, each with predictions that can fail, judged as claims are.

A prediction is *supported* where its test is significant, *failed* where the opposite is, and else *undecided*. What
would count as failed is thus in the entry: a mean significantly on the other side of the threshold; for `within`, one
significantly outside of it, on either side at half of the level. A hypothesis is *ruled out here* if a prediction
failed, it *survives* if all were supported, and is else *open*. "Here" is the bed that it names: a hypothesis may fare
differently elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from metaocl.claims.measuring import measure, seeds_and_cells, seeds_left_out
from metaocl.claims.verdicts import judge
from metaocl.config.claims import Claim, Part
from metaocl.config.hypotheses import Hypothesis, Prediction
from metaocl.design.contrasts import SIGNIFICANCE
from metaocl.statistics.intervals import mean_interval
from metaocl.statistics.relations import Relation, relate_over_cells, relate_over_seeds

Outcome = Literal["supported", "failed", "undecided", "not run"]
Fate = Literal["ruled out here", "survives", "open"]
OUTCOMES: dict[str, Outcome] = {
    "reproduced": "supported",
    "contradicted": "failed",
    "inconclusive": "undecided",
    "not run": "not run",
}


@dataclass(frozen=True)
class Finding:
    """What the runs say of a prediction.

    reason: one sentence with the numbers that decided. estimate, with ci_low and ci_high: the mean over seeds with its
    t interval, or Spearman's ρ with its bootstrap; nan where nothing was measured.
    """

    hypothesis: str
    prediction: str
    outcome: Outcome
    reason: str
    n_seeds: int | None = None
    p_value: float | None = None
    estimate: float = float("nan")
    ci_low: float = float("nan")
    ci_high: float = float("nan")


def judge_hypothesis(
    hypothesis: Hypothesis, gaps: Mapping[str, pd.DataFrame], axes: Mapping[str, Mapping[str, float | str]]
) -> list[Finding]:
    """A finding for each prediction.

    gaps, axes: by study, as `metaocl.claims.verdicts.judge` takes them.
    """
    return [_judge(hypothesis, each, gaps.get(each.study), axes.get(each.study, {})) for each in hypothesis.predictions]


def fate_of(findings: Sequence[Finding]) -> Fate:
    """What becomes of a hypothesis with these findings."""
    outcomes = {finding.outcome for finding in findings}
    return "ruled out here" if "failed" in outcomes else "survives" if outcomes == {"supported"} else "open"


def _judge(
    hypothesis: Hypothesis, prediction: Prediction, gaps: pd.DataFrame | None, axis: Mapping[str, float | str]
) -> Finding:
    if prediction.relates_to and gaps is not None:
        return _judge_relation(hypothesis, prediction, gaps, axis)
    claim = Claim(
        id=prediction.id,
        statement=prediction.statement,
        study=prediction.study,
        parts=[_part_of(prediction)],
        minimum_seeds=hypothesis.minimum_seeds,
    )
    verdict = judge(claim, gaps, axis)
    outcome = OUTCOMES[verdict.verdict]
    found = Finding(hypothesis.id, prediction.id, outcome, verdict.reason, verdict.n_seeds, verdict.p_value)
    if gaps is None or (series := measure(claim.parts[0], gaps, axis)) is None:
        return found
    low, high = mean_interval(series.values, series.limits)
    return replace(found, estimate=float(series.values.mean()), ci_low=float(low), ci_high=float(high))


def _part_of(prediction: Prediction) -> Part:
    return Part(**{name: getattr(prediction, name) for name in Part.model_fields})


def _judge_relation(
    hypothesis: Hypothesis, prediction: Prediction, gaps: pd.DataFrame, axis: Mapping[str, float | str]
) -> Finding:
    """Whether a correlation is significantly on the predicted side of 0, by permutation, or on the other one."""
    names = (prediction.contrast, str(prediction.relates_to))
    tables = [seeds_and_cells(name, prediction.cells, gaps, axis) for name in names]
    both = tables[0].columns.intersection(tables[1].columns)
    tables = [table[both] for table in tables]
    complete, any_cell = ([set(table.dropna(how=how).index) for table in tables] for how in ("any", "all"))
    seeds = sorted(set.intersection(*complete))
    left_out = len(set.union(*any_cell)) - len(seeds)
    values, effect = (table.loc[seeds].to_numpy(dtype=float) for table in tables)
    if not seeds or not values.size:
        return Finding(hypothesis.id, prediction.id, "not run", f"Study {prediction.study} has not both contrasts.")
    if prediction.over == "cells":
        found = relate_over_cells(values, effect)
    else:
        found = relate_over_seeds(values.mean(axis=1), effect.mean(axis=1))
    p, opposite = (found.p_above, found.p_below)[:: 1 if prediction.must_be == "above" else -1]
    outcome: Outcome = "undecided"
    if len(seeds) >= hypothesis.minimum_seeds:
        outcome = "supported" if p <= SIGNIFICANCE else "failed" if opposite <= SIGNIFICANCE else "undecided"
    numbers = {"estimate": found.rho, "ci_low": found.ci_low, "ci_high": found.ci_high}
    reason = _sentence(prediction, found, len(both), left_out)
    return Finding(hypothesis.id, prediction.id, outcome, reason, len(seeds), p, **numbers)


def _sentence(prediction: Prediction, found: Relation, n_cells: int, left_out: int) -> str:
    """left_out: the seeds that lack one of the cells."""
    over = f"{n_cells} cell{'s' if n_cells != 1 else ''}" if prediction.over == "cells" else "seeds"
    between = f"{prediction.contrast} and {prediction.relates_to} over {over}"
    interval = "" if np.isnan(found.ci_low) else f" [{found.ci_low:z.2f}, {found.ci_high:z.2f}]"
    said = f"Spearman's ρ of {between} is {found.rho:z.2f}{interval}, {found.n_seeds} seeds"
    if np.isnan(found.rho):
        said = f"The relation of {between} has no ρ, as one of the two does not vary, {found.n_seeds} seeds"
    return f"{said}{seeds_left_out(left_out)}."
