"""Tables to draw, and what is read off a figure, for the tests of this folder."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from metaocl.design.cells import CELL, SEEDS

HELD_OUT = ("qd1consis", "qd2incons", "q", "d1consis", "d2consis")
CVDB, TREX = ("cvdb", "tve", "pythia", "two"), ("trex", "tve", "pythia", "two")


def metrics(cell=CVDB, seeds=3, epochs=(4, 2), subsets=HELD_OUT, attribution=False, auc=False):
    asked = [("held_out", subset) for subset in subsets]
    if attribution:
        asked += [*(("attribution", subset) for subset in subsets), ("attribution_as_defined", "qd2incons")]
    random = np.random.default_rng(0)
    rows = [
        (*cell, seed, stage2_seed, stage, epoch, *question, measure, 10, random.random())
        for seed, stage2_seed, question in product(range(seeds), range(2), asked)
        for stage, last in enumerate(epochs, start=1)
        for epoch in range(1, last + 1)
        for measure in ("exact_match", "token_f1", *(["auc"] if auc else []))
    ]
    columns = [*CELL, *SEEDS, "stage", "epoch", "test_set", "subset", "measure", "n", "value"]
    return pd.DataFrame(rows, columns=columns)


def gaps(values, seeds=4, contrasts=("ocl", "meta_ocl"), measures=("exact_match",), missing=()):
    """Gaps of .1, .2, … for the seeds of each cell of `values` but the missing ones."""
    rows = [
        (*cell.split("/"), seed, measure, contrast, "stage1", 0.1 * (seed + 1))
        for cell, measure, contrast in product(values, measures, contrasts)
        if cell not in missing
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows, columns=[*CELL, "seed", "measure", "contrast", "when", "gap"])


def axis(values, log=False):
    return {"label": "what varies", "log": log, "values": values}


ALPHA = {f"cvdb/a{alpha}/pythia/two": alpha for alpha in (0.5, 0.75, 1.0)}
SIZE = {
    f"{data}/tve/{name}/two": n for data in ("cvdb", "trex") for name, n in (("s", 7e7), ("m", 4.1e8), ("l", 2.8e9))
}
ORDER = {f"cvdb/{order}/pythia/two": order for order in ("tve", "vte", "evt")}


def legend_texts(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]
