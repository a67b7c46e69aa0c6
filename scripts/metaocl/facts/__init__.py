"""Sources of facts: each module turns one public data set into entities with question-answer pairs.

A source is a function that takes the number of entities and returns `Fact`s, the best-known entity first, and a
`CREDIT` that names the data and their licence. To add one, write its module, list it in `metaocl.facts.sources` and
name it in `metaocl.config.Dataset.source`.
"""

from __future__ import annotations

from dataclasses import dataclass

from metaocl.errors import UserError

PLACEHOLDER = "{name}"


class FactsError(UserError):
    """Facts that cannot be used; the message names the file, the place in it and what was expected."""


@dataclass(frozen=True)
class Fact:
    """One question about one entity, with its gold answer.

    `question` holds PLACEHOLDER where the entity's name, or an alias of it, goes: "When was {name} born?".
    """

    entity: str
    attribute: str
    question: str
    answer: str
