"""What is measured of a subset's questions: the names, titles and ranges of all measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A number for each run, epoch, test set and subset.

    title: in sentences and tables; label: on the axis of a figure. lowest, highest: what it can be.
    per_question: each question has a value of its own, and their mean counts; else only a set of questions has one.
    analysed: contrasts between subsets are taken in it.
    """

    name: str
    title: str
    label: str
    lowest: float = 0.0
    highest: float = 1.0
    per_question: bool = True
    analysed: bool = True


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("exact_match", "exact match", "exact match"),
        Measure("token_f1", "token F1", "token F1", analysed=False),
        # Of two-way questions: how often the score of one whose answer is positive exceeds that of a negative one.
        Measure("auc", "area under the ROC curve", "area under ROC curve", per_question=False),
    )
}
# What claims and headlines are about, unless they name another one.
MAIN_MEASURE = MEASURES["exact_match"]
