"""The paper's claims as data, and verdicts on them computed from per-seed gaps.

However a claim compares cells, each of its parts comes down to one number per stage-1 seed: a gap, a mean or difference
of gaps over cells, or a slope along the study's axis. Of each part it is asked whether the mean of those numbers lies
above or below a threshold (one-sided t test) or within a margin around 0 (equivalence: such a test at either end).

A claim is reproduced only if all its parts are significant, each at the claim's level. No correction is due: if the
claim is false, some part is, and the chance of finding that part significant is at most the level (intersection-union,
Berger 1982). It is contradicted if any part is significant in the opposite direction; as one of many is enough, each
is tested at the level divided by their number (Bonferroni). Neither is said with too few seeds or a failed control.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field, ValidationError, model_validator

from metaocl.config.entry import ConfigError, Entry, Slug
from metaocl.config.parsing import describe_mistake
from metaocl.design.contrasts import CONTRASTS, PLANNED_CONTRASTS
from metaocl.design.measures import MAIN_MEASURE
from metaocl.planning.cells import CELL
from metaocl.statistics.intervals import mean_interval
from metaocl.statistics.power import WANTED_POWER, fewest_seeds, t_test_power
from metaocl.statistics.significance import SIGNIFICANCE, sign_flip_p, t_statistic, t_test_p

CONTRAST_NAMES = (*CONTRASTS, *PLANNED_CONTRASTS)

Ruling = Literal["reproduced", "contradicted", "inconclusive", "not run"]
COLUMN_OF = {"datasets": "dataset", "define_types": "define_type", "models": "model", "plans": "plan"}


def _known_contrast(name: str) -> str:
    if name not in CONTRAST_NAMES:
        raise ValueError(f"no such contrast; known are {', '.join(CONTRAST_NAMES)}")
    return name


ContrastName = Annotated[str, AfterValidator(_known_contrast)]


class Cells(Entry):
    """Which cells of a study are meant: those that meet every condition given."""

    datasets: list[Slug] | None = Field(default=None, min_length=1, description="Data sets, by slug.")
    define_types: list[Slug] | None = Field(default=None, min_length=1, description="Define types, by slug.")
    models: list[Slug] | None = Field(default=None, min_length=1, description="Models, by slug.")
    plans: list[Slug] | None = Field(default=None, min_length=1, description="Stage plans, by slug.")
    x_range: tuple[float, float] | None = Field(
        default=None, description="Least and largest x on the study's axis, both included."
    )
    x_end: Literal["smallest", "largest"] | None = Field(
        default=None, description="Of the cells that meet the other conditions, those at this end of the axis."
    )

    @model_validator(mode="after")
    def _range_is_in_order(self) -> Self:
        if self.x_range and self.x_range[0] > self.x_range[1]:
            raise ValueError(f"x_range is {list(self.x_range)}; its first number must not be above its second")
        return self


class Comparison(Entry):
    """What is computed for each stage-1 seed."""

    contrast: ContrastName = Field(description="Contrast between subsets.")
    less: ContrastName | None = Field(default=None, description="Contrast to subtract from it, in the same cell.")
    cells: Cells = Field(default=Cells(), description="Cells to look at; by default all of the study.")
    against: Cells | None = Field(default=None, description="Cells whose mean is subtracted from the mean of `cells`.")
    slope_along: Literal["datasets", "define_types", "models", "plans"] | None = Field(
        default=None,
        description="Take the slope on the study's axis in place of the mean; this is what varies on it. Cells that "
        "differ in something else get an intercept each.",
    )
    scale: Literal["linear", "log"] = Field(
        default="linear", description="The slope is on x, or on its logarithm to base 2."
    )

    @model_validator(mode="after")
    def _mean_or_slope(self) -> Self:
        if self.slope_along and self.against:
            raise ValueError("give either against or slope_along")
        if self.scale == "log" and not self.slope_along:
            raise ValueError("scale needs slope_along")
        return self

    def name(self) -> str:
        """The comparison in a few words."""
        text = self.contrast + (f" − {self.less}" if self.less else "")
        text = f"slope of {text}" if self.slope_along else text
        where = " against ".join(filter(None, [_in_words(cells) for cells in (self.cells, self.against) if cells]))
        return f"{text} ({where})" if where else text


class Part(Comparison):
    """One statement of a claim: a comparison, and where its mean over seeds lies."""

    must_be: Literal["above", "below", "within"] = Field(
        description="`above` or `below` the threshold (one-sided paired t test), or `within` ± the threshold "
        "(equivalence: two one-sided t tests)."
    )
    threshold: float = Field(default=0, description="Limit of the mean, or its largest distance from 0 for `within`.")

    @model_validator(mode="after")
    def _margins_are_positive(self) -> Self:
        if self.must_be == "within" and self.threshold <= 0:
            raise ValueError(f"threshold is {self.threshold:g}; with must_be: within it must be positive")
        return self


class Claim(Entry):
    """A claim of the paper."""

    id: Slug = Field(description="Name of the claim.")
    statement: str = Field(min_length=1, description="The claim in a sentence.")
    study: Slug = Field(description="The study that tests it.")
    parts: list[Part] = Field(min_length=1, description="All must hold.")
    controls: list[Comparison] = Field(
        default=[], description="Each must hold 0 in its 95 % interval, or the claim is neither reproduced nor refuted."
    )
    significance: float = Field(
        default=SIGNIFICANCE, gt=0, le=SIGNIFICANCE, description="Level of the tests of the parts."
    )
    minimum_seeds: int = Field(default=10, ge=2, description="Fewest stage-1 seeds for a verdict.")


class Claims(Entry):
    """The file of claims."""

    claims: list[Claim] = Field(min_length=1, description="The claims in the paper's order.")

    @model_validator(mode="after")
    def _no_id_twice(self) -> Self:
        if doubled := [name for name, count in Counter(claim.id for claim in self.claims).items() if count > 1]:
            raise ValueError(f"claims has the id {', '.join(doubled)} more than once")
        return self


def parse_claims(raw: object, origin: str) -> list[Claim]:
    """The typed form of `raw`, as YAML gives it; `origin` names its file in messages.

    Raises ConfigError with one line per mistake: the file, the claim, the key, the value and what was expected.
    """
    try:
        return Claims.model_validate(raw).claims
    except ValidationError as error:
        raise ConfigError("\n".join(_describe(mistake, raw, origin) for mistake in error.errors())) from None


def _describe(mistake: Any, raw: Any, origin: str) -> str:
    """One line for one pydantic error."""
    where, place = origin, list(mistake["loc"])
    if len(place) > 1 and place[0] == "claims":
        claim = raw["claims"][place[1]]
        name = claim["id"] if isinstance(claim, dict) and "id" in claim else f"number {place[1] + 1}"
        where, place = f"{origin}: claim {name}", place[2:]
    return describe_mistake(mistake, where, place, "the top of config/claims.yaml")


@dataclass(frozen=True)
class Series:
    """A comparison's numbers, one per stage-1 seed that has all its cells; `incomplete` seeds lack one.

    limits: the least and the largest number that there can be.
    """

    name: str
    values: np.ndarray
    incomplete: int = 0
    limits: tuple[float, float] = (-np.inf, np.inf)

    def __str__(self) -> str:
        low, high = mean_interval(self.values, self.limits)
        spread = "in every seed" if np.isnan(low) else f"[{low:.3f}, {high:.3f}]"
        return f"{self.name} is {self.values.mean():.3f} {spread}"


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

    def power(self, n_seeds: int) -> float:
        """Of the t test with so many seeds, at the observed effect size; 1 where all seeds agree that there is one."""
        return 1.0 if np.isnan(self.t) else t_test_power(self.t / np.sqrt(len(self.gaps)), n_seeds)

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

    gaps: the study's table as `metaocl.statistics.effects.seed_gaps` makes it, None if it was not run. axis: the x of
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
        missing_parts=[part.name() for part, series in parts if series is None],
        missing_controls=[control.name() for control, series in controls if series is None],
    )
    if verdict.p_value is None:
        return verdict
    return replace(verdict, p_sign_flip=max(sign_flip_p(question.gaps) for question in questions))


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
    if n_seeds < 2:
        return Verdict(claim.id, "inconclusive", "One seed is too few for a test.", n_seeds)
    weakest = max(questions, key=lambda question: question.p_value)
    found = f"With {n_seeds} seeds {weakest}"
    opposite = weakest.opposite_p_value <= claim.significance / len(questions)
    ruling: Ruling = "inconclusive"
    if obstacle := _obstacle(claim, questions, controls, missing_controls):
        found = f"{obstacle}; so far {weakest}"
    elif opposite:
        ruling, found = "contradicted", f"{found}: significant the other way"
    elif missing_parts:
        found = f"Not measured: {', '.join(missing_parts)}; so far {weakest}"
    elif weakest.p_value <= claim.significance:
        others = f", the weakest of {len(questions)} significant tests" if len(questions) > 1 else ""
        ruling, found = "reproduced", f"{found}{others}"
    if incomplete := max(series.incomplete for series in (*(q.series for q in questions), *controls)):
        found += f"; {incomplete} seeds that lack a cell are left out"
    return Verdict(claim.id, ruling, f"{found}.", n_seeds, _seeds_needed(claim, questions), weakest.p_value)


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


def _seeds_needed(claim: Claim, questions: Sequence[Question]) -> int | None:
    """Seeds with which all questions at once are answered with WANTED_POWER.

    The chances of missing each question add up at most (Bonferroni), whatever they have to do with one another.
    """
    if any(question.gaps.mean() <= 0 for question in questions):
        return None
    found = fewest_seeds(lambda n_seeds: sum(1 - question.power(n_seeds) for question in questions) <= 1 - WANTED_POWER)
    return None if found is None else max(found, claim.minimum_seeds)


def measure(comparison: Comparison, gaps: pd.DataFrame, axis: Mapping[str, float | str]) -> Series | None:
    """A comparison's number for each seed; None where the table lacks what it compares."""
    wide = _by_seed(gaps, comparison.contrast)
    if comparison.less:
        wide = (wide - _by_seed(gaps, comparison.less)).dropna(axis="columns", how="all")
    chosen = _select(wide, comparison.cells, axis)
    # A seed that lacks one of the cells has no number: over fewer cells it would mean another thing.
    by_seed = chosen.mean(axis="columns", skipna=False)
    if comparison.against:
        by_seed = by_seed - _select(wide, comparison.against, axis).mean(axis="columns", skipna=False)
    elif comparison.slope_along and not chosen.empty:
        by_seed = _slopes(chosen, comparison, axis)
    complete = by_seed.dropna()
    if complete.empty:
        return None
    values = complete.to_numpy(dtype=float)
    return Series(comparison.name(), values, len(by_seed) - len(complete), _limits(comparison))


def _limits(comparison: Comparison) -> tuple[float, float]:
    """The least and the largest number that a comparison can give a seed."""
    if comparison.slope_along or comparison.contrast in PLANNED_CONTRASTS or comparison.less in PLANNED_CONTRASTS:
        return -np.inf, np.inf
    low, high = CONTRASTS[comparison.contrast].limits(MAIN_MEASURE)
    if comparison.less:
        less_low, less_high = CONTRASTS[comparison.less].limits(MAIN_MEASURE)
        low, high = low - less_high, high - less_low
    return (low - high, high - low) if comparison.against else (low, high)


def _by_seed(gaps: pd.DataFrame, contrast: str) -> pd.DataFrame:
    """A contrast's gaps in exact match, one row per seed and one column per cell; empty where it was not measured."""
    rows = gaps[(gaps["contrast"] == contrast) & (gaps["measure"] == "exact_match")]
    return rows.pivot(index="seed", columns=CELL, values="gap")


def _select(wide: pd.DataFrame, cells: Cells, axis: Mapping[str, float | str]) -> pd.DataFrame:
    """The columns of the cells that are meant, and the seeds that any of them has.

    No columns if a slug that is named has none: a comparison without one of its sides would be another comparison.
    """
    kept = [
        cell
        for cell in wide
        if all(
            getattr(cells, key) is None or cell[CELL.index(column)] in getattr(cells, key)
            for key, column in COLUMN_OF.items()
        )
    ]
    if cells.x_range:
        kept = [cell for cell in kept if cells.x_range[0] <= _x(cell, axis) <= cells.x_range[1]]
    if cells.x_end and kept:
        end = {"smallest": min, "largest": max}[cells.x_end](_x(cell, axis) for cell in kept)
        kept = [cell for cell in kept if _x(cell, axis) == end]
    for key, column in COLUMN_OF.items():
        if not set(getattr(cells, key) or []) <= {cell[CELL.index(column)] for cell in kept}:
            kept = []
    return wide[kept].dropna(how="all")


def _slopes(chosen: pd.DataFrame, comparison: Comparison, axis: Mapping[str, float | str]) -> pd.Series:
    """Least-squares slope of each seed on x, with an intercept for cells that differ in more than what x stands for.

    Not-a-number where no two such cells differ in x, and for a seed that lacks a cell.
    """
    x = pd.Series([_x(cell, axis) for cell in chosen], index=chosen.columns)
    x = np.log2(x) if comparison.scale == "log" else x
    others = [column for key, column in COLUMN_OF.items() if key != comparison.slope_along]
    series = x.groupby(level=others)
    if series.nunique().max() < 2:
        return pd.Series(np.nan, index=chosen.index)
    # Centring x alone is enough: it is at right angles to every intercept.
    centred = x - series.transform("mean")
    return chosen.mul(centred / (centred**2).sum(), axis="columns").sum(axis="columns", skipna=False)


def _x(cell: tuple[str, ...], axis: Mapping[str, float | str]) -> float:
    x = axis.get(_key(cell))
    if not isinstance(x, (int, float)):
        numbers = [f"{key}: {value}" for key, value in axis.items()]
        raise ConfigError(f"the axis has no number for the cell {_key(cell)}; it has {', '.join(numbers) or 'nothing'}")
    return x


def _key(cell: tuple[str, ...]) -> str:
    return "/".join(cell)


def _in_words(cells: Cells) -> str:
    parts = [" + ".join(getattr(cells, key)) for key in COLUMN_OF if getattr(cells, key)]
    if cells.x_range:
        low, high = cells.x_range
        parts.append(f"x = {low:g}" if low == high else f"x from {low:g} to {high:g}")
    if cells.x_end:
        parts.append(f"{cells.x_end} x")
    return ", ".join(parts)
