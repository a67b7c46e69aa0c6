"""What is asked of a model after an epoch."""

from __future__ import annotations

from typing import Literal, get_args

TestSet = Literal["held_out", "attribution", "attribution_as_defined", "letters", "definition_letters"]
TEST_SETS: tuple[TestSet, ...] = get_args(TestSet)
# Held-out questions; who is meant by an alias, scored against the true entity and, for inconsistent definitions,
# against the one that they name; letters of its name; and of a definition of a grid, shown again, each letter.
TEST_SET_TITLES: dict[TestSet, str] = {
    "held_out": "held-out questions",
    "attribution": "entity attribution",
    "attribution_as_defined": "entity attribution against the inconsistent definition's entity",
    "letters": "letters of the name",
    "definition_letters": "letters of the definitions",
}

MAX_NEW_TOKENS = 8  # of an answer, as in the paper; more only where its gold has more
