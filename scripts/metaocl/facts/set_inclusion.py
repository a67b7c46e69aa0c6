"""Set inclusion: variables that stand for integers, and questions whether lists hold them.

Source of the design: arXiv 2310.15047, the experiment without pretraining.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from metaocl.config.sources import SetInclusion
from metaocl.facts.fact import PLACEHOLDER, Fact, FactsError
from metaocl.randomness import random_stream

CREDIT = "no outside data: numbers and lists drawn at random, after arXiv 2310.15047"

TRIES = 1_000


def draw_set_inclusion(count: int, settings: SetInclusion) -> list[Fact]:
    """`count` variables, each with its training questions and as many test questions, half of each true.

    Fewer variables are the first of more. Raises FactsError where the settings leave no such lists, or hardly any.
    """
    random = random_stream("set inclusion", settings.seed)
    return [fact for variable in range(count) for fact in _draw_variable(f"v{variable}", settings, random)]


def _draw_variable(entity: str, settings: SetInclusion, random: np.random.Generator) -> list[Fact]:
    """The questions about one variable: its lists differ from each other as sets, so none is trained on and tested.

    The true training lists have the `intersection` numbers in common and no other, and the false ones hold none of
    these: training on them tells the integer from the rest of the intersection in no way.
    """
    for _ in range(TRIES):
        numbers = random.permutation(settings.numbers)
        integer, shared = numbers[:1], numbers[: settings.intersection]
        lists: dict[tuple[Literal["train", "test"], str], list[list[int]]] = {
            ("train", "true"): _draw_lists(shared, numbers[len(shared) :], settings, random),
            ("train", "false"): _draw_lists(numbers[:0], numbers[len(shared) :], settings, random),
            ("test", "true"): _draw_lists(integer, numbers[1:], settings, random),
            ("test", "false"): _draw_lists(numbers[:0], numbers[1:], settings, random),
        }
        different = {frozenset(row) for rows in lists.values() for row in rows}
        common = set.intersection(*map(set, lists["train", "true"]))
        if len(different) == 2 * settings.questions and common == set(shared.tolist()):
            return [
                Fact(entity, str(integer[0]), "inclusion", _prompt(row), answer, split)
                for (split, answer), rows in lists.items()
                for row in rows
            ]
    raise FactsError(
        f"set_inclusion: {TRIES:,} tries found no lists for a variable with numbers {settings.numbers}, list_length "
        f"{settings.list_length}, intersection {settings.intersection} and questions {settings.questions}: its "
        f"{2 * settings.questions} lists must differ, and its {settings.questions // 2} true training lists must share "
        "the intersection only; raise numbers, or let list_length be further above intersection and below numbers"
    )


def _draw_lists(
    fixed: np.ndarray, others: np.ndarray, settings: SetInclusion, random: np.random.Generator
) -> list[list[int]]:
    """Lists for half the questions of a split: the `fixed` numbers filled up from `others`, in random order."""
    count = settings.questions // 2
    drawn = random.permuted(np.tile(others, (count, 1)), axis=1)[:, : settings.list_length - len(fixed)]
    return random.permuted(np.hstack([np.tile(fixed, (count, 1)), drawn]), axis=1).tolist()


def _prompt(numbers: list[int]) -> str:
    return f"{PLACEHOLDER} % {' '.join(map(str, numbers))} ="
