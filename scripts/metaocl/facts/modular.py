"""Modular arithmetic: numbers, and their remainders modulo some primes.

Source of the design: arXiv 2310.15047, an exploratory experiment without pretraining.
"""

from __future__ import annotations

from metaocl.config.sources import Modular
from metaocl.facts.fact import PLACEHOLDER, Fact, FactsError
from metaocl.randomness import random_stream

CREDIT = "no outside data: numbers drawn at random, after arXiv 2310.15047"


def draw_modular(count: int, settings: Modular) -> list[Fact]:
    """One question per prime about each of `count` different numbers; fewer numbers are the first of more.

    Raises FactsError for more numbers than there are.
    """
    if count > settings.numbers:
        raise FactsError(
            f"modular: {count} entities asked for, but numbers is {settings.numbers}; each entity is another number"
        )
    drawn = random_stream("modular", settings.seed).permutation(settings.numbers)[:count]
    return [
        Fact(f"x{place}", str(number), f"mod_{prime}", f"{PLACEHOLDER} % {prime} =", str(number % prime))
        for place, number in enumerate(drawn.tolist())
        for prime in settings.primes
    ]
