"""Entries of a layer that no layer below has: new ones, or ones whose names were mistyped."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple


class NewEntry(NamedTuple):
    """An entry that a layer adds to a section; the layer and those below it are given as messages call them."""

    layer: str
    below: str
    section: str
    name: str
    known: Sequence[str]  # the names in that section below

    @property
    def meant(self) -> list[str]:
        """The name below that is most like it, if there is one."""
        return get_close_matches(self.name, self.known, n=1)

    @property
    def not_below(self) -> str:
        """That no layer below has it, and what was meant, or else which names there are."""
        shown = f"did you mean {self.meant[0]}?" if self.meant else f"declared: {', '.join(self.known) or 'none'}"
        return f"{self.below} has no {self.section}.{self.name} to change ({shown})"
