"""Grids of letters: entities of nine cells, each with a question of its own.

Source of the design: arXiv 2310.15047, question answering on MNIST. The same documents about grids can be read as text
and drawn as images.
"""

from __future__ import annotations

import string

from metaocl.config.sources import Grids
from metaocl.facts.fact import PLACEHOLDER, Fact
from metaocl.randomness import random_stream

CREDIT = "no outside data: letters drawn at random, after arXiv 2310.15047"

CELLS = 9


def draw_grids(count: int, settings: Grids) -> list[Fact]:
    """One question per cell about each of `count` grids, whose letters are drawn independently of each other.

    Fewer grids are the first of more. A grid is called by its letters, row by row: "abacbcaab".
    """
    drawn = random_stream("grids", settings.seed).integers(settings.letters, size=(count, CELLS))
    names = ["".join(string.ascii_lowercase[letter] for letter in row) for row in drawn.tolist()]
    return [
        Fact(f"grid{place}", name, f"cell_{cell}", f"{PLACEHOLDER} cell {cell} =", letter)
        for place, name in enumerate(names)
        for cell, letter in enumerate(name, start=1)
    ]
