"""The tool that says beforehand what a study can find."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from metaocl.errors import UserError
from metaocl.statistics.power import t_test_power
from tools import detectable_gaps

CELL = {"dataset": "data", "define_type": "tve", "model": "small", "plan": "two"}


def gaps_of(gaps, contrast="meta_ocl", measure="exact_match"):
    rows = [{"seed": seed, "gap": gap, "contrast": contrast, "measure": measure} for seed, gap in enumerate(gaps)]
    return pd.DataFrame(rows).assign(**CELL)


def write_gaps(path, gaps):
    gaps_of(gaps).to_parquet(path)


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


def test_a_contrast_without_a_spread_has_no_smallest_gap(tmp_path, monkeypatch, capsys):
    tables = {"meta_ocl": [0.1, 0.2], "ocl": [0.1], "meta_ocl_before_stage2": [0.1, 0.3 - 0.2]}
    pd.concat([gaps_of(gaps, contrast) for contrast, gaps in tables.items()]).to_parquet(tmp_path / "gaps.parquet")
    monkeypatch.setattr("sys.argv", ["detectable_gaps.py", str(tmp_path / "gaps.parquet")])
    detectable_gaps.main()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    last = {name: line[-1] for line in lines for name in tables if name in line}
    assert (last["ocl"], last["meta_ocl_before_stage2"]) == ("–", "–")
    assert float(last["meta_ocl"]) > 0


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (gaps_of([0.1]), "has one seed, or equal ones, of every contrast; a spread needs 2 that differ"),
        (gaps_of([0.1, 0.1, 0.1]), "has one seed, or equal ones, of every contrast; a spread needs 2 that differ"),
        (gaps_of([0.1, 0.2]).drop(columns=["gap", "seed"]), "has no column gap; give a study's gaps.parquet"),
        (gaps_of([0.1, 0.2], measure="auc"), "has no gap in exact match that a summary shows"),
    ],
)
def test_a_table_that_tells_of_no_spread_is_refused(tmp_path, monkeypatch, capsys, table, said):
    table.to_parquet(tmp_path / "table.parquet")
    monkeypatch.setattr("sys.argv", ["detectable_gaps.py", str(tmp_path / "table.parquet")])
    with pytest.raises(UserError) as caught:
        detectable_gaps.main()
    assert str(caught.value) == f"{tmp_path / 'table.parquet'}: {said}"
    assert capsys.readouterr().out == ""
