"""Verdicts on claims, computed from one number per stage-1 seed.

However a claim compares cells, each of its parts comes down to one number per stage-1 seed: a gap, a mean or difference
of gaps over cells, or a slope along the study's axis. Of each part it is asked whether the mean of those numbers lies
above or below a threshold (one-sided t test) or within a margin around 0 (equivalence: such a test at either end).

A claim is reproduced only if all its parts are significant, each at the claim's level. No correction is due: if the
claim is false, some part is, and the chance of finding that part significant is at most the level (intersection-union,
Berger 1982). It is contradicted if any part is significant in the opposite direction; as one of many is enough, each
is tested at the level divided by their number (Bonferroni). Neither is said with too few seeds or a failed control.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from metaocl.claims.measuring import Series, in_words, measure, seeds_left_out
from metaocl.config.claims import Claim, Part
from metaocl.statistics.intervals import mean_interval
from metaocl.statistics.power import WANTED_POWER, fewest_seeds, t_test_power
from metaocl.statistics.significance import sign_flip_p, t_statistic, t_test_p

Ruling = Literal["reproduced", "contradicted", "inconclusive", "not run"]


@dataclass(frozen=True)
class Question:
    """Is the mean of a series above the limit (`sign` 1) or below it (−1)?"""

    series: Series
    sign: Literal[1, -1]
    limit: float

    @cached_property
    def gaps(self) -> np.ndarray:
        """The series turned and shifted, so that the claim says that its mean is above 0."""
        gaps = self.sign * (self.series.values - self.limit)
        return np.where(np.abs(gaps) < 1e-12, 0.0, gaps)  # a gap at the limit is none, whatever rounding makes of it

    @cached_property
    def t(self) -> float:
        """Student's t; nan where all seeds are equal."""
        return float(t_statistic(self.gaps))

    @cached_property
    def p_value(self) -> float:
        """One-sided p of the t test; where all seeds are equal, of the sign flip: t cannot judge these."""
        return sign_flip_p(self.gaps) if np.isnan(self.t) else float(t_test_p(self.t, len(self.gaps)))

    @cached_property
    def opposite_p_value(self) -> float:
        """That of the opposite direction."""
        return sign_flip_p(-self.gaps) if np.isnan(self.t) else float(t_test_p(-self.t, len(self.gaps)))

    def power(self, n_seeds: int, significance: float) -> float:
        """Of the t test with so many seeds at that level, at the observed effect size. Where all seeds agree the sign
        flip decides, whose least p is one in 2 to the power of the seeds: 1, or with too few seeds 0."""
        if np.isnan(self.t):
            return float(2.0**-n_seeds <= significance)
        return t_test_power(self.t / np.sqrt(len(self.gaps)), n_seeds, significance)

    def __str__(self) -> str:
        direction = "above" if self.sign == 1 else "below"
        return f"{self.series}, p = {self.p_value:.2g} for {direction} {self.limit:g}"


@dataclass(frozen=True)
class Verdict:
    """What the runs say of a claim.

    reason: one sentence with the numbers that decided. n_seeds: the fewest stage-1 seeds behind any part.
    seeds_needed: for a power of 80 % to find all measured parts at once, at the observed effect sizes, no fewer than
    the claim's minimum; None where an effect points the wrong way or cannot be estimated.
    p_value, p_sign_flip: the largest over the parts, by t test (which decides) and by exact sign flip (to compare).
    """

    claim: str
    verdict: Ruling
    reason: str
    n_seeds: int | None = None
    seeds_needed: int | None = None
    p_value: float | None = None
    p_sign_flip: float | None = None


def judge(claim: Claim, gaps: pd.DataFrame | None, axis: Mapping[str, float | str]) -> Verdict:
    """The verdict on a claim.

    gaps: the study's table as `metaocl.statistics.gaps.seed_gaps` makes it, None if it was not run. axis: the x of
    the study's cells, by "dataset/define_type/model/plan". Raises ConfigError where the claim needs a number that is
    not there.
    """
    if gaps is None:
        return Verdict(claim.id, "not run", f"Study {claim.study} was not run.")
    parts = [(part, measure(part, gaps, axis)) for part in claim.parts]
    controls = [(control, measure(control, gaps, axis)) for control in claim.controls]
    questions = [question for part, series in parts if series for question in ask(part, series)]
    if not questions:
        return Verdict(claim.id, "not run", f"Study {claim.study} has none of the claim's cells and contrasts.")
    verdict = decide(
        claim,
        questions,
        [series for _, series in controls if series],
        missing_parts=[in_words(part) for part, series in parts if series is None],
        missing_controls=[in_words(control) for control, series in controls if series is None],
    )
    if verdict.p_value is None:
        return verdict
    p_sign_flip = max(sign_flip_p(question.gaps) for question in questions)
    return replace(verdict, seeds_needed=count_seeds_needed(claim, questions), p_sign_flip=p_sign_flip)


def ask(part: Part, series: Series) -> list[Question]:
    """The one-sided questions that a part of a claim puts to a series: two for an equivalence, else one."""
    if part.must_be == "within":
        return [Question(series, 1, -part.threshold), Question(series, -1, part.threshold)]
    return [Question(series, 1 if part.must_be == "above" else -1, part.threshold)]


def decide(
    claim: Claim,
    questions: Sequence[Question],
    controls: Sequence[Series] = (),
    *,
    missing_parts: Sequence[str] = (),
    missing_controls: Sequence[str] = (),
) -> Verdict:
    """The verdict from the questions of all parts that were measured, the controls, and the names of what was not."""
    n_seeds = min(len(question.gaps) for question in questions)
    left_out = seeds_left_out(max(series.incomplete for series in (*(q.series for q in questions), *controls)))
    if n_seeds < 2:
        missing = ", ".join((*missing_parts, *missing_controls))
        found = "One seed is too few for a test" + (f"; not measured: {missing}" if missing else "")
        return Verdict(claim.id, "inconclusive", f"{found}{left_out}.", n_seeds)
    weakest = max(questions, key=lambda question: question.p_value)
    furthest = min(questions, key=lambda question: question.opposite_p_value)
    found = f"With {len(weakest.gaps)} seeds {weakest}"
    opposite = furthest.opposite_p_value <= claim.significance / len(questions)
    ruling: Ruling = "inconclusive"
    if obstacle := _obstacle(claim, questions, controls, missing_controls):
        found = f"{obstacle}; so far {weakest}"
    elif opposite:
        ruling, found = "contradicted", f"With {len(furthest.gaps)} seeds {furthest}: significant the other way"
    elif missing_parts:
        found = f"Not measured: {', '.join(missing_parts)}; so far {weakest}"
    elif weakest.p_value <= claim.significance:
        others = f", the weakest of {len(questions)} significant tests" if len(questions) > 1 else ""
        ruling, found = "reproduced", f"{found}{others}"
    return Verdict(claim.id, ruling, f"{found}{left_out}.", n_seeds, p_value=weakest.p_value)


def _obstacle(
    claim: Claim, questions: Sequence[Question], controls: Sequence[Series], missing_controls: Sequence[str]
) -> str | None:
    """What forbids any verdict, if something does: too few seeds, or a control that failed or was not measured."""
    n_seeds = min(len(series.values) for series in (*(q.series for q in questions), *controls))
    if n_seeds < claim.minimum_seeds:
        return f"{n_seeds} of at least {claim.minimum_seeds} seeds"
    if missing_controls:
        return f"The control was not measured: {', '.join(missing_controls)}"
    for control in controls:
        low, high = mean_interval(control.values, control.limits)
        mean = control.values.mean()
        if not (low <= 0 <= high or (np.isnan(low) and abs(mean) < 1e-12)):
            return f"The control failed: {control}, without 0"
    return None


def count_seeds_needed(claim: Claim, questions: Sequence[Question]) -> int | None:
    """Seeds with which all questions at once are answered, at the claim's level, with WANTED_POWER.

    The chances of missing each question add up at most (Bonferroni), whatever they have to do with one another.
    """
    if any(question.gaps.mean() <= 0 for question in questions):
        return None

    def missed(n_seeds: int) -> float:
        return sum(1 - question.power(n_seeds, claim.significance) for question in questions)

    found = fewest_seeds(lambda n_seeds: missed(n_seeds) <= 1 - WANTED_POWER)
    return None if found is None else max(found, claim.minimum_seeds)
