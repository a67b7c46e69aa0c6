"""The tool that says beforehand what a study can find."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from metaocl.errors import UserError
from metaocl.statistics.power import t_test_power
from tools import detectable_gaps

CELL = {"dataset": "data", "define_type": "tve", "model": "small", "plan": "two"}


def write_gaps(path, gaps):
    rows = [
        {"seed": seed, "gap": gap, "contrast": "meta_ocl", "measure": "exact_match"} for seed, gap in enumerate(gaps)
    ]
    pd.DataFrame(rows).assign(**CELL).to_parquet(path)


def test_the_gap_that_is_told_is_found_with_a_power_of_80_percent(tmp_path, monkeypatch, capsys):
    gaps = np.random.default_rng(4).normal(0.1, 0.05, size=8)
    write_gaps(tmp_path / "gaps.parquet", gaps)
    monkeypatch.setattr("sys.argv", ["detectable_gaps.py", str(tmp_path / "gaps.parquet"), "--seeds", "12"])
    detectable_gaps.main()
    row = next(line.split() for line in capsys.readouterr().out.splitlines() if "meta_ocl" in line)
    assert row[-4] == "8"
    assert float(row[-3]) == pytest.approx(gaps.mean(), abs=1e-4)
    assert t_test_power(float(row[-1]) / gaps.std(ddof=1), 12) == pytest.approx(0.8, abs=0.01)


def test_one_seed_is_refused(tmp_path, monkeypatch):
    write_gaps(tmp_path / "gaps.parquet", [0.1, 0.2])
    monkeypatch.setattr("sys.argv", ["detectable_gaps.py", str(tmp_path / "gaps.parquet"), "--seeds", "1"])
    with pytest.raises(UserError, match="--seeds is 1"):
        detectable_gaps.main()
