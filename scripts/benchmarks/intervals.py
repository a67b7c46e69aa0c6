"""How good are 95 % intervals of a gap over few seeds? Simulated studies, printed as a Markdown table.

A study has some stage-1 seeds with one or three stage-2 seeds each; each run asks so many questions of two subsets. Its
gap is the difference in exact match. The chance of a right answer is a beta variable of the stage-1 seed and, about
that, of the stage-2 seed; "spread" is its standard deviation between stage-1 seeds (and, of equal size, between
stage-2 seeds inside one). Compared are Student's t over the seeds' mean gaps, as `metaocl.statistics.intervals` has it,
and two bootstraps that resample seeds: percentiles, and studentised. Cells say how often the interval holds the true
gap and, in brackets, its median width and the share of studies without one: all seeds are equal, or the studentised
one has no end. These count neither as hit nor as miss.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.statistics.intervals import mean_interval, moments

SEEDS = (2, 3, 4, 6, 10, 12)
CHUNK = 250  # studies whose resamples are held at once


@dataclass(frozen=True)
class Case:
    """Chances of a right answer in both subsets, their spread between seeds, questions per subset, stage-2 seeds.

    questions 0: normal gaps of mean 0 and standard deviation 1 between stage-1 seeds and, in each, stage-2 seeds.
    """

    higher: float
    lower: float
    spread: float
    questions: int
    stage2_seeds: int

    def __str__(self) -> str:
        chances = f"{self.higher:g} − {self.lower:g} | {self.spread:g} | {self.questions}"
        return f"{chances if self.questions else 'normal | 1 | –'} | {self.stage2_seeds}"

    @property
    def gap(self) -> float:
        return self.higher - self.lower if self.questions else 0.0

    def draw(self, random: np.random.Generator, studies: int, seeds: int) -> np.ndarray:
        """Gaps of runs: studies × stage-1 seeds × stage-2 seeds."""
        shape = (studies, seeds, self.stage2_seeds)
        if not self.questions:
            return random.normal(size=(studies, seeds, 1)) + (self.stage2_seeds > 1) * random.normal(size=shape)
        right = []
        for chance in (self.higher, self.lower):
            of_seed = draw_beta(random, np.full((studies, seeds, 1), chance), self.spread)
            of_run = draw_beta(random, np.broadcast_to(of_seed, shape), self.spread) if shape[2] > 1 else of_seed
            right.append(random.binomial(self.questions, of_run) / self.questions)
        return right[0] - right[1]


def draw_beta(random: np.random.Generator, mean: np.ndarray, spread: float) -> np.ndarray:
    """Chances about a mean with a standard deviation; no more than is possible at that mean."""
    if not spread:
        return mean
    variance = np.minimum(spread**2, 0.5 * mean * (1 - mean))
    safe = np.clip(mean, 1e-9, 1 - 1e-9)
    size = safe * (1 - safe) / np.maximum(variance, 1e-12) - 1
    drawn = random.beta(np.maximum(safe * size, 1e-9), np.maximum((1 - safe) * size, 1e-9))
    return np.where((mean > 1e-6) & (mean < 1 - 1e-6), drawn, mean)


def cases() -> Iterator[Case]:
    for stage2_seeds in (1, 3):
        yield Case(0, 0, 1, 0, stage2_seeds)
    floors = ((0.01, 0.01, (0, 0.01)), (0.01, 0.0, (0, 0.01, 0.03)), (0.002, 0.0, (0, 0.002)), (1.0, 0.98, (0, 0.02)))
    for higher, lower, spreads in ((0.28, 0.2, (0, 0.03)), (0.05, 0.02, (0, 0.03)), *floors):
        for spread, questions in product(spreads, (20, 200, 2000)):
            yield Case(higher, lower, spread, questions, 1)
    for (higher, lower), questions in product(((0.28, 0.2), (0.01, 0.0)), (20, 200, 2000)):
        yield Case(higher, lower, lower / 10 + 0.01, questions, 3)


def bootstrap_intervals(
    random: np.random.Generator, values: np.ndarray, resamples: int
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Percentile and studentised intervals of many studies (a row each) from resampled seeds."""
    percentile, studentised = [], []
    for rows in np.array_split(values, -(-len(values) // CHUNK)):
        seeds = rows.shape[1]
        chosen = random.integers(seeds, size=(len(rows), resamples, seeds))
        drawn = moments(np.take_along_axis(rows[:, None, :], chosen, axis=2))
        original = moments(rows)
        percentile.append(np.quantile(drawn.mean, (0.025, 0.975), axis=1))
        error = np.nan_to_num(drawn.error, nan=0.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            t = (drawn.mean - original.mean[:, None]) / error
            # A resample of one value again and again is 0 / 0 where that value is the mean.
            ends = np.quantile(np.nan_to_num(t, nan=0.0), (0.975, 0.025), axis=1, method="inverted_cdf")
            studentised.append(original.mean - ends * original.error)
    low_p, high_p = np.concatenate(percentile, axis=1)
    low_s, high_s = np.concatenate(studentised, axis=1)
    endless = ~(np.isfinite(low_s) & np.isfinite(high_s)) | (np.abs([low_s, high_s]).max(axis=0) > 1e15)
    unspread = moments(values).variance == 0
    blank = [np.where(unspread, np.nan, end) for end in (low_p, high_p)]
    return (blank[0], blank[1]), (np.where(endless, np.nan, low_s), np.where(endless, np.nan, high_s))


def summarize(ends: tuple[np.ndarray, np.ndarray], gap: float) -> str:
    """How often the intervals hold the gap, their median width, and how many studies have none; a cell of the table."""
    low, high = ends
    found = ~np.isnan(low)
    none = "" if found.all() else f", none {1 - found.mean():.1%}"
    if not found.any():
        return "none"
    covered = ((low[found] <= gap + 1e-12) & (gap - 1e-12 <= high[found])).mean()
    return f"{covered:.1%} ({np.median(high[found] - low[found]):.2g}{none})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2_000, help="simulated studies per row")
    parser.add_argument("--resamples", type=int, default=499, help="of each bootstrap")
    arguments = parser.parse_args()

    print(f"| chances | spread | questions | stage-2 seeds | interval | {' | '.join(f'{n} seeds' for n in SEEDS)} |")
    print("|---" * (5 + len(SEEDS)) + "|")
    for case in cases():
        cells: list[list[str]] = [["t"], ["percentile"], ["studentised"]]
        for seeds in SEEDS:
            random = np.random.default_rng(0)
            values = case.draw(random, arguments.studies, seeds).mean(axis=2)
            limits = (-1.0, 1.0) if case.questions else (-np.inf, np.inf)
            found = mean_interval(values, limits), *bootstrap_intervals(random, values, arguments.resamples)
            for row, ends in zip(cells, found, strict=True):
                row.append(summarize(ends, case.gap))
        for row in cells:
            print(f"| {case} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
