"""The models that a measurement looks at: what speaks of new definitions is measured before they are trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metaocl.runs import open_beginning, open_run


def before_new_definitions(folder: Path, counterfactuals: Path) -> Iterator[tuple[int, Any]]:
    """A last stage as it begins, as epoch 0; of a plan's only stage, which has no model without new definitions, each
    snapshot and the end, with their epochs."""
    whole = open_run(folder, counterfactuals=counterfactuals)
    if whole.stage.documents == ["new_definitions"]:
        yield 0, open_beginning(folder, counterfactuals)
        return
    for epoch in sorted({*whole.stage.snapshots} - {whole.stage.epochs}):
        yield epoch, open_run(folder, epoch, counterfactuals)
    yield whole.stage.epochs, whole


def at_the_end(folder: Path, counterfactuals: Path) -> Iterator[tuple[int, Any]]:
    """A last stage as it ends."""
    run = open_run(folder, counterfactuals=counterfactuals)
    yield run.stage.epochs, run
