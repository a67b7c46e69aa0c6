"""Sources of facts: each module turns one public data set into entities with question-answer pairs.

A source is a function that returns `Fact`s, the best-known entity first, and a `CREDIT` that names the data and their
licence. To add one, write its module, its settings in `metaocl.config.sources` and its line in `metaocl.facts.sources`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaocl.errors import UserError

PLACEHOLDER = "{name}"


class FactsError(UserError):
    """Facts that cannot be used; the message names the file, the place in it and what was expected."""


@dataclass(frozen=True)
class Fact:
    """One question about one entity, with its gold answer.

    entity: tells entities apart. name: what texts call it; the same for a named entity, while several variables of a
    data set of numbers may stand for one number.
    prompt: the text before the answer, with PLACEHOLDER where the name, or an alias of it, goes.
    split: "train" or "test" where the source says on which side the question lies; otherwise it is drawn.
    """

    entity: str
    name: str
    attribute: str
    prompt: str
    answer: str
    split: Literal["", "train", "test"] = ""


def ask(question: str) -> str:
    """The prompt of a question in the paper's form."""
    return f"Q: {question}\nA:"
