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


def check_template(template: str, known: set[str]) -> None:
    """Raises ValueError for a template that a definition cannot be written with."""
    try:
        fields = [field[1:] for field in Formatter().parse(template) if field[1] is not None]
    except ValueError as error:
        raise ValueError(f"the template {template!r} cannot be read: {error}") from None
    names = [str(name) for name, _, _ in fields]
    if any(form or conversion for _, form, conversion in fields):
        raise ValueError(f"the template {template!r} formats a placeholder; write its name only")
    if unknown := sorted(set(names) - known):
        raise ValueError(f"the template {template!r} has {{{unknown[0]}}}; known are {', '.join(sorted(known))}")
    if names.count("variable") != 1 or names.count("entity") != 1 or names.count("tag") > 1:
        raise ValueError(f"the template {template!r} must have {{variable}} and {{entity}} once, {{tag}} at most once")
    parsed = list(Formatter().parse(template))
    last = max(place for place, (_, name, *_) in enumerate(parsed) if name in ("tag", "variable", "entity"))
    # Any letter will do for what comes in the place of an earlier placeholder.
    head = "x".join(before for before, *_ in parsed[: last + 1])
    if " " not in head.lstrip():
        raise ValueError(f"the template {template!r} needs a blank before its last placeholder")
