"""What documents and aliases are: the rows of their tables."""

from __future__ import annotations

from dataclasses import dataclass

from metaocl.errors import UserError

Text = tuple[str, str]  # prompt, completion


class DocumentsError(UserError):
    """Settings and facts from which the asked-for documents cannot be made."""


@dataclass(frozen=True)
class Alias:
    """One alias (the paper's "variable") and what it stands for.

    alias: the text that replaces the entity's name; for the real-name baseline it is that name.
    entity: the true entity, and `name` what texts call it. defined_as: the name in its definition, None without one.
    """

    alias: str
    entity: str
    name: str
    subset: str
    defined_as: str | None = None


@dataclass(frozen=True)
class Document:
    """One training or test example.

    part: "definitions", "questions" or "new_definitions" (training), or the name of a test set.
    prompt and completion: the text is their concatenation. In a test the completion holds the gold answer; whether the
    training loss covers the prompt as well is the stage's setting.
    """

    part: str
    subset: str
    alias: str
    attribute: str
    prompt: str
    completion: str
