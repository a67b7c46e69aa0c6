"""Templates of definitions: sentences with the placeholders {tag}, {variable}, {entity} and further words."""

from __future__ import annotations

from string import Formatter

PARTS = {"t": "{tag}", "v": "{variable}", "e": "{entity}"}
MAIN_ORDER = "tve"


def template_of_order(order: str) -> str:
    """The template of one of the paper's word orders: "tve" is tag, variable, entity."""
    return " ".join(PARTS[letter] for letter in order)


def placeholders(template: str) -> set[str]:
    """The names in braces of a template."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}
