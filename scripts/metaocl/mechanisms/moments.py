"""The models that a measurement looks at: what speaks of new definitions is measured before they are trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from metaocl.runs import open_run


def before_new_definitions(folder: Path, counterfactuals: Path) -> Iterator[tuple[int, Any]]:
    """A last stage as it begins, as epoch 0; of a plan's only stage, which has no model without new definitions, each
    snapshot and the end, with their epochs."""
    finished = open_run(folder)
    if finished.settings["stage_number"] > 1:
        yield 0, finished.load_beginning(counterfactuals)
        return
    end = finished.stage.epochs
    for epoch in sorted({*finished.stage.snapshots} - {end}):
        yield epoch, finished.load(epoch, counterfactuals)
    yield end, finished.load(counterfactuals=counterfactuals)


def at_the_end(folder: Path, counterfactuals: Path) -> Iterator[tuple[int, Any]]:
    """A last stage as it ends."""
    run = open_run(folder).load(counterfactuals=counterfactuals)
    yield run.stage.epochs, run
