"""The paper's data subsets: their names, shares and sizes.

Source: arXiv 2310.15047, section 2 and appendix; the short names are those of the paper's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

Subset = Literal[
    "qd1",
    "qd2",
    "qd4consis",
    "q",
    "q_no_replacement_baseline",
    "d1consis",
    "d2consis",
    "d3consis",
    "no_qd_baseline",
]

MAIN_SHARES: dict[Subset, Fraction] = {
    "qd1": Fraction(25, 100),
    "qd2": Fraction(25, 100),
    "q": Fraction(10, 100),
    "q_no_replacement_baseline": Fraction(10, 100),
    "d1consis": Fraction(8, 100),
    "d2consis": Fraction(8, 100),
    "d3consis": Fraction(8, 100),
    "no_qd_baseline": Fraction(6, 100),
}

# Subsets whose aliases are met in stage 2 only: with a new definition, or (the last one) never.
STAGE2_SUBSETS = ("d1consis", "d2consis", "d3consis", "no_qd_baseline")

# Which tag the definitions of a subset carry; subsets that are not here have no definitions.
TAG_OF_SUBSET = {
    "qd1consis": "reliable",
    "qd1incons": "reliable",
    "qd2consis": "unreliable",
    "qd2incons": "unreliable",
    "qd4consis": "random",
    "d1consis": "reliable",
    "d2consis": "unreliable",
    "d3consis": "unseen",
}
# The subset of new definitions that each tag comes with.
SUBSET_OF_TAG = {"reliable": "d1consis", "unreliable": "d2consis", "unseen": "d3consis"}
SWAPPED = "d2incons"  # the questions of d2consis, each alias in the place of another
# How pages for readers call a subset, after the paper's symbols.
SUBSET_TITLES = {
    "q_no_replacement_baseline": "QA₄: real names",
    "qd1consis": "D₁: reliable tag, true definition",
    "qd1incons": "D₁: reliable tag, false definition",
    "qd2consis": "D₂: unreliable tag, true definition",
    "qd2incons": "D₂: unreliable tag, false definition",
    "qd4consis": "random tag, true definition",
    "q": "QA₃: no definition",
    "d1consis": "D₅: new, reliable tag",
    "d3consis": "D̃: new, tag not seen before",
    "d2consis": "D₆: new, unreliable tag",
    SWAPPED: "D₆, asked with aliases swapped",
    "no_qd_baseline": "QA₇: new, never defined",
}
INCONSISTENT = ("qd1incons", "qd2incons")
REAL_NAMES: Subset = "q_no_replacement_baseline"

# The stage-2 aliases before a stage-2 seed has divided them.
STAGE2_POOL = "stage2"


def apportion(total: int, shares: Mapping[Any, Fraction]) -> dict[str, int]:
    """Divide `total` items by `shares` (summing to 1): largest remainders get the items that rounding down leaves.

    Ties go to the share named first. The counts always sum to `total` and none is off by one or more.
    """
    exact = {name: total * share for name, share in shares.items()}
    counts = {name: int(amount) for name, amount in exact.items()}
    by_remainder = sorted(exact, key=lambda name: counts[name] - exact[name])
    for name in by_remainder[: total - sum(counts.values())]:
        counts[name] += 1
    return counts


def split_by_truth(count: int, alpha: float) -> tuple[int, int]:
    """How many of `count` definitions with one tag agree with its reliability (a share `alpha`), and how many don't."""
    counts = apportion(count, {"agree": Fraction(str(alpha)), "disagree": 1 - Fraction(str(alpha))})
    return counts["agree"], counts["disagree"]


def held_out_questions(questions: int, share: Fraction) -> int:
    """How many of an alias's `questions` (2 or more) are kept for testing: at least one, and not all."""
    return min(questions - 1, max(1, round(questions * share)))
