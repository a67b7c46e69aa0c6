"""The charts of a study's page: one for each measure and test set that has a line to show."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pyarrow as pa

from metaocl.artifacts.tables import write_table
from metaocl.design.cells import Cell
from metaocl.reports.answers import StageOfCell
from metaocl.reports.histories import cell_histories

CELL = Cell("people", "tve", "tiny", "two", 0, 0)


def charts(folder, *asked):
    """The titles of a cell's charts and the names of their lines, where subsets were asked in test sets."""
    rows = [{"test_set": test_set, "subset": subset} for test_set, subset in asked]
    metrics = pd.DataFrame(rows).assign(**vars(CELL), stage=1, epoch=1, measure="exact_match", n=4, value=0.5)
    steps = pa.table({"epoch": [1, 1], "loss": [2.0, 1.0], "tokens": [10, 10]})
    write_table(steps, folder / "history.parquet")
    (history,) = cell_histories(metrics, [StageOfCell(CELL, 1, folder, folder)])
    return {chart["title"]: [line["name"] for line in chart["lines"]] for chart in history["charts"]}


def test_a_test_set_of_swapped_or_untitled_subsets_alone_has_no_chart(tmp_path):
    shown = charts(tmp_path, ("held_out", "q"), ("held_out", "d2incons"), ("letters", "d2incons"))
    assert shown == {"training loss": ["loss"], "exact match, held-out questions": ["q"]}
    assert charts(tmp_path, ("attribution", "with_reliable"), ("held_out", "q")) == shown


def test_the_band_of_a_loss_does_not_go_below_0(tmp_path):
    stages = []
    for seed, loss in enumerate((0.1, 0.9)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        write_table(pa.table({"epoch": [1], "loss": [loss], "tokens": [10]}), folder / "history.parquet")
        stages.append(StageOfCell(replace(CELL, seed=seed), 1, folder, folder))
    rows = [vars(stage.cell) for stage in stages]
    metrics = pd.DataFrame(rows).assign(stage=1, epoch=1, test_set="held_out", subset="q", n=4, value=0.5)
    (history,) = cell_histories(metrics.assign(measure="exact_match"), stages)
    (line,) = history["charts"][0]["lines"]
    # Student's t with 1 degree of freedom: half the interval is 12.706 standard errors of .4.
    assert (line["mean"], line["low"], line["high"]) == ([0.5], [0.0], [5.582])
