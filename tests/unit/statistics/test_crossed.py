"""Variance between base models and between seeds, from simulated crossed designs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from metaocl.errors import UserError
from metaocl.statistics.crossed import Components, variance_components
from tools import base_model_variance


def draw(random, bases, seeds, base=0.0, seed=0.0, rest=0.01):
    """Gaps in the shape (bases, seeds) with these standard deviations."""
    return (
        0.08
        + random.normal(0, base, size=(bases, 1))
        + random.normal(0, seed, size=(1, seeds))
        + random.normal(0, rest, size=(bases, seeds))
    )


def test_the_components_are_those_of_the_simulation():
    random = np.random.default_rng(1)
    found = [variance_components(draw(random, 20, 30, base=0.03, seed=0.02, rest=0.01)) for _ in range(200)]
    assert np.mean([each.base for each in found]) == pytest.approx(0.03**2, rel=0.1)
    assert np.mean([each.seed for each in found]) == pytest.approx(0.02**2, rel=0.1)
    assert np.mean([each.rest for each in found]) == pytest.approx(0.01**2, rel=0.1)


def test_no_variance_between_bases_is_found_at_its_rate():
    random = np.random.default_rng(2)
    found = [variance_components(draw(random, 6, 6, seed=0.02)).p_base for _ in range(2000)]
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.015)


def test_a_mean_over_seeds_has_the_error_that_its_bases_leave():
    random = np.random.default_rng(3)
    components = Components(base=0.03**2, seed=0.02**2, rest=0.01**2, p_base=0, p_seed=0)
    one = [draw(random, 1, 10, 0.03, 0.02, 0.01).mean() for _ in range(4000)]
    own = [np.diag(draw(random, 10, 10, 0.03, 0.02, 0.01)).mean() for _ in range(4000)]
    assert components.standard_error(10, own_base=False) == pytest.approx(np.std(one), rel=0.05)
    assert components.standard_error(10, own_base=True) == pytest.approx(np.std(own), rel=0.05)


def write_gaps(path, *gaps, drop=0):
    """A table of the gaps of define types `type0`, `type1` and so on."""
    rows = [
        {"dataset": "people", "define_type": f"type{number}", "model": f"base{base}", "plan": "p"}
        | {"seed": seed, "contrast": contrast, "measure": "exact_match", "gap": gap}
        for number, of_type in enumerate(gaps)
        for contrast in ("ocl", "meta_ocl")
        for (base, seed), gap in np.ndenumerate(of_type)
    ]
    pd.DataFrame(rows[: len(rows) - drop]).to_parquet(path)


def test_the_tool_tells_the_spread_between_bases_and_seeds(tmp_path, monkeypatch, capsys):
    gaps = draw(np.random.default_rng(4), 6, 6, base=0.03)
    write_gaps(tmp_path / "gaps.parquet", gaps)
    monkeypatch.setattr("sys.argv", ["base_model_variance.py", str(tmp_path / "gaps.parquet")])
    base_model_variance.main()
    said, found = capsys.readouterr().out, variance_components(gaps)
    assert said.count(f"base models {found.base**0.5:.3f} (p = {found.p_base:.2g})") == 2
    assert f"over 12 seeds: {found.standard_error(12, own_base=True):.4f} with a base model each" in said


def test_define_types_are_told_each_on_its_own(tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(4)
    gaps = [draw(random, 6, 6, base=0.03), draw(random, 6, 6, seed=0.03) - 0.1]
    write_gaps(tmp_path / "gaps.parquet", *gaps)
    monkeypatch.setattr("sys.argv", ["base_model_variance.py", str(tmp_path / "gaps.parquet")])
    base_model_variance.main()
    said = capsys.readouterr().out
    for number, of_type in enumerate(gaps):
        found = variance_components(of_type)
        for contrast in ("ocl", "meta_ocl"):
            line = f"people/type{number}/p: {contrast}: mean {of_type.mean():.3f}; SD between\n"
            line += f"  base models {found.base**0.5:.3f} "
            assert said.count(line) == 1


def test_a_design_that_lacks_a_cell_is_refused(tmp_path, monkeypatch):
    write_gaps(tmp_path / "gaps.parquet", draw(np.random.default_rng(4), 3, 3), drop=1)
    monkeypatch.setattr("sys.argv", ["base_model_variance.py", str(tmp_path / "gaps.parquet")])
    with pytest.raises(UserError, match="people/type0/p: meta_ocl is not there for two base models"):
        base_model_variance.main()


def test_a_table_without_exact_match_is_refused(tmp_path, monkeypatch):
    pd.DataFrame({"measure": ["f1"]}).to_parquet(tmp_path / "gaps.parquet")
    monkeypatch.setattr("sys.argv", ["base_model_variance.py", str(tmp_path / "gaps.parquet")])
    with pytest.raises(UserError, match="has no gap in exact match"):
        base_model_variance.main()
