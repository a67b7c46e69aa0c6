"""What a measurement gives: rows for its table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """One number that was measured.

    epoch: the epoch of the last stage after which it was; 0 for before the stage began.
    subset: of the alias, `all` where the number belongs to no single one. alias: empty there.
    tag: that of the definition, "" where none was read. place: a group of parameters, or a block and token; may be "".
    n: the questions, or other things, behind it.
    """

    epoch: int
    subset: str
    alias: str
    tag: str
    place: str
    measure: str
    n: int
    value: float
