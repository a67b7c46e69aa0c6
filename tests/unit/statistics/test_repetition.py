"""A second run of a study against the first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from metaocl.errors import UserError
from metaocl.statistics.repetition import compare_runs
from tools import compare_kept

CONFIG = Path(__file__).parents[3] / "config/laptop_paper.yaml"


def gaps_of(values, contrast="meta_ocl", model="tiny", measure="exact_match", **cell):
    cell = {"dataset": "people", "define_type": "tve", "model": model, "plan": "two_stages"} | cell
    rows = [{"seed": seed, "gap": value} for seed, value in enumerate(values)]
    return pd.DataFrame(rows).assign(**cell, measure=measure, contrast=contrast)


def test_gaps_are_compared_seed_by_seed():
    first, second = gaps_of([0.1, 0.2, 0.3]), gaps_of([0.2, 0.2, 0.6, 0.9])
    (row,) = compare_runs(first, second).itertuples()
    assert (row.n_seeds, row.equal_seeds) == (3, 1)
    assert (row.first, row.second, row.difference) == pytest.approx((0.2, 1 / 3, 0.4 / 3))
    # Differences of .1, 0 and .3: t = .13333 / (.15275 / √3) = 1.512, with 2 degrees of freedom.
    assert row.p_value == pytest.approx(0.2697, abs=1e-4)
    assert row.ci_low < 0 < row.ci_high


def test_only_phenomena_in_the_main_measure_are_compared_and_a_shared_cell_once():
    tables = [gaps_of([0.1, 0.2]), gaps_of([0.1, 0.2]), gaps_of([0.3, 0.1], "consistent_over_none")]
    first = pd.concat([*tables, gaps_of([0.5, 0.6], measure="log_probability")])
    found = compare_runs(first, gaps_of([0.2, 0.5]))
    assert found[["contrast", "n_seeds"]].to_numpy().tolist() == [["meta_ocl", 2]]


def test_equal_runs_have_nothing_to_test_and_are_not_corrected_for():
    first = pd.concat([gaps_of([0.1, 0.2, 0.3]), gaps_of([0.1, 0.2, 0.3], plan="one_stage")])
    second = pd.concat([gaps_of([0.1, 0.2, 0.3]), gaps_of([0.2, 0.2, 0.5], plan="one_stage")])
    found = compare_runs(first, second).set_index("plan")
    assert found.loc["two_stages", "equal_seeds"] == 3
    assert found.loc["two_stages", ["p_value", "p_holm"]].isna().all()
    assert found.loc["one_stage", "p_holm"] == found.loc["one_stage", "p_value"]


def test_runs_that_differ_by_chance_are_told_apart_at_the_rate_of_the_test():
    random = np.random.default_rng(5)
    draws = [random.normal(0.08, 0.07, size=10) for _ in range(1200)]
    found = [
        compare_runs(gaps_of(a), gaps_of(b))["p_value"].item() for a, b in zip(draws[::2], draws[1::2], strict=True)
    ]
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.025)


def keep(folder, gaps, verdict, claim="meta_ocl"):
    (folder / "laptop_main").mkdir(parents=True)
    gaps.to_parquet(folder / "laptop_main/gaps.parquet")
    pd.DataFrame([{"claim": claim, "study": "laptop_main", "verdict": verdict}]).to_csv(folder / "claims.csv")


def compare(monkeypatch, *folders):
    monkeypatch.setattr("sys.argv", ["compare_kept.py", str(CONFIG), *map(str, folders)])
    compare_kept.main()


def test_the_tool_shows_gaps_and_verdicts_of_models_that_are_drawn_for_each_seed(tmp_path, monkeypatch, capsys):
    other = gaps_of([0.0, 0.4], model="base_20")
    other = pd.concat([other, gaps_of([0.1, 0.1], "ocl", plan="one_stage")])
    keep(tmp_path / "a", pd.concat([gaps_of([0.1, -0.4]), other]), "reproduced")
    keep(tmp_path / "b", pd.concat([gaps_of([0.1, -0.2]), other]), "inconclusive")
    compare(monkeypatch, tmp_path / "a", tmp_path / "b")
    said = capsys.readouterr().out
    assert (
        "| people, tve, tiny, two_stages | meta_ocl | 2 | −0.150 | −0.050 | 0.100 [−1.171, 1.371] | 0.5 | 0.5 |" in said
    )
    assert "base_20" not in said
    assert "| people, tve, tiny, one_stage | ocl | 2 | 0.100 | 0.100 | 0.000 | – | – |" in said
    assert "3 of 4 gaps of seeds are the same" in said
    assert "| meta_ocl | laptop_main | reproduced | inconclusive |" in said


def test_the_tool_says_over_how_many_seeds_each_gap_is_compared(tmp_path, monkeypatch, capsys):
    more = gaps_of([0.1, 0.2, 0.4, 0.3], "ocl")
    keep(tmp_path / "a", pd.concat([gaps_of([0.1, -0.4, 0.2]), more]), "reproduced", "null")
    keep(tmp_path / "b", pd.concat([gaps_of([0.1, -0.2]), more]), "reproduced", "null")
    compare(monkeypatch, tmp_path / "a", tmp_path / "b")
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert rows[0][:3] == ["|", "contrast", "seeds"]
    assert [row[1:3] for row in rows if "two_stages" in row[0]] == [["meta_ocl", "2"], ["ocl", "4"]]
    assert rows[-1] == ["| null", "laptop_main", "reproduced", "reproduced |"]


@pytest.mark.parametrize("second", [gaps_of([0.1, 0.2]).assign(seed=[7, 8]), gaps_of([0.1, 0.2], model="base_20")])
def test_runs_with_nothing_to_compare_are_refused(tmp_path, monkeypatch, capsys, second):
    keep(tmp_path / "a", gaps_of([0.1, 0.2]), "reproduced")
    keep(tmp_path / "b", second, "reproduced")
    with pytest.raises(UserError) as caught:
        compare(monkeypatch, tmp_path / "a", tmp_path / "b")
    assert str(caught.value) == (
        f"{tmp_path / 'a'} and {tmp_path / 'b'}: have no gap of the same cell and seed, of the models of {CONFIG} that "
        "are drawn for each seed: tiny, tiny_asked"
    )
    assert capsys.readouterr().out == ""


def test_a_folder_without_kept_studies_is_refused(tmp_path, monkeypatch):
    keep(tmp_path / "a", gaps_of([0.1, 0.2]), "reproduced")
    (tmp_path / "b").mkdir()
    with pytest.raises(UserError, match=r"b: has no \*/gaps.parquet"):
        compare(monkeypatch, tmp_path / "a", tmp_path / "b")
