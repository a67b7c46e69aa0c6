"""Claims and tables of gaps for the tests of this folder."""

from __future__ import annotations

import pandas as pd

from metaocl.config.claims import Claim
from metaocl.design.cells import CELL

GAP, SPREAD = 0.029, 0.025  # published, between stage-1 seeds


def make_claim(*parts, **keys):
    keys = {"id": "c", "statement": "A claim.", "study": "s", "minimum_seeds": 4} | keys
    return Claim.model_validate(keys | {"parts": list(parts)})


def above(contrast="meta_ocl", **keys):
    return {"contrast": contrast, "must_be": "above"} | keys


def make_gaps(values, contrast="meta_ocl", first_seed=0, **cell):
    """One row per value: the gap of one stage-1 seed in one cell."""
    cell = {"dataset": "data", "define_type": "tve", "model": "small", "plan": "two"} | cell
    rows = [{"seed": first_seed + place, "gap": value} for place, value in enumerate(values)]
    table = pd.DataFrame(rows).assign(**cell, measure="exact_match", contrast=contrast, when="stage2")
    return table[[*CELL, "seed", "measure", "contrast", "when", "gap"]]


def axis_of(**xs):
    """x by define type."""
    return {f"data/{define_type}/small/two": x for define_type, x in xs.items()}


# In tenths their mean is 3 and their variance 10/3: t = 3 / sqrt(10/12) = 3.286, p = .0231 with 3 degrees of freedom.
FOUR = [0.1, 0.2, 0.4, 0.5]
