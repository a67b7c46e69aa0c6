"""The page and the table of verdicts: which models they speak of."""

from __future__ import annotations

import pandas as pd
import pytest

from metaocl.config.claims import Claim
from metaocl.reports.verdicts import judge_all

WORDS = {name: f"{name} in words" for name in ("small", "large", "asked")}
PART = {"contrast": "meta_ocl", "must_be": "above"}


def gaps():
    cell = {"dataset": "d", "define_type": "t", "plan": "p", "measure": "exact_match", "contrast": "meta_ocl"}
    rows = [cell | {"model": model, "seed": seed, "gap": 0.1 + seed / 100} for model in WORDS for seed in range(4)]
    return pd.DataFrame(rows)


def judged_on(parts, controls=()):
    claim = Claim.model_validate({"id": "c", "statement": "S.", "study": "s", "parts": parts, "controls": controls})
    table, page = judge_all([claim], {"s": gaps()}, {}, WORDS)
    listed = [line.split("`")[1] for line in page.splitlines() if line.startswith("- `")]
    (row,) = table.to_dict("records")
    assert f"| s | {row['models']} |" in page
    assert listed == row["models"].split(", ")
    return listed


@pytest.mark.parametrize(
    ("parts", "controls", "models"),
    [
        ([{}], [], ["asked", "large", "small"]),
        ([{"cells": {"models": ["small"]}}], [], ["small"]),
        ([{"cells": {"models": ["small"]}}, {"cells": {"models": ["asked"]}}], [], ["asked", "small"]),
        ([{"cells": {"models": ["large"]}, "against": {"models": ["small"]}}], [], ["large", "small"]),
        ([{"cells": {"models": ["small"]}}], [{"cells": {"models": ["large"]}}], ["large", "small"]),
        ([{"cells": {"models": ["small"]}}, {}], [], ["asked", "large", "small"]),
        ([{"cells": {"models": ["small", "gone"]}}, {"cells": {"models": ["asked"]}}], [], ["asked", "small"]),
    ],
)
def test_a_claim_is_said_to_be_judged_on_the_models_of_its_cells(parts, controls, models):
    given = [control | {"contrast": "meta_ocl"} for control in controls]
    assert judged_on([PART | part for part in parts], given) == models


def test_a_claim_of_a_study_that_was_not_run_is_judged_on_no_model():
    claim = Claim.model_validate({"id": "c", "statement": "S.", "study": "other", "parts": [PART]})
    table, page = judge_all([claim], {"s": gaps()}, {}, WORDS)
    assert table["models"].tolist() == [""]
    assert "| other | – | **not run** |" in page
    assert "- `" not in page
