"""The script that judges all claims."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from claim_samples import GAP, make_gaps

import judge_claims
from metaocl.config.entry import ConfigError

FILE = Path(__file__).parents[3] / "config" / "claims.yaml"


def run_script(monkeypatch, folder, *arguments):
    models = json.dumps({name: f"{name} in words" for name in ("model", "small", "large")})
    outputs = ["--models", models, "--table", str(folder / "claims.csv"), "--markdown", str(folder / "claims.md")]
    monkeypatch.setattr("sys.argv", ["judge_claims.py", "--claims", str(FILE), *arguments, *outputs])
    judge_claims.main()
    return pd.read_csv(folder / "claims.csv").set_index("claim"), (folder / "claims.md").read_text()


def test_without_any_table_every_claim_is_not_run(tmp_path, monkeypatch):
    table, page = run_script(monkeypatch, tmp_path, "--axis", "{}")
    assert set(table["verdict"]) == {"not run"}
    assert page.count("**not run**") == len(table) >= 15
    assert "nan" not in page


def test_a_table_of_a_study_gives_its_claims_a_verdict(tmp_path, monkeypatch):
    random = np.random.default_rng(8)
    order = ("named_over_consistent", "consistent_over_none", "none_over_inconsistent")
    gaps = [make_gaps(random.normal(GAP, 0.01, size=12), contrast) for contrast in order]
    before = random.normal(0, 0.01, size=6)
    gaps.append(make_gaps([*before, *-before], "meta_ocl_before_stage2"))
    sizes = [make_gaps(random.normal(0, 0.01, size=3), model=model) for model in ("small", "large")]
    pd.concat(gaps).to_parquet(tmp_path / "main.parquet")
    pd.concat(sizes).to_parquet(tmp_path / "sizes.parquet")
    axis = {"model_size": {"data/tve/small/two": 1e8, "data/tve/large/two": 1e9}}
    tables = [f"main={tmp_path / 'main.parquet'}", f"model_size={tmp_path / 'sizes.parquet'}"]
    table, page = run_script(monkeypatch, tmp_path, "--gaps", *tables, "--axis", json.dumps(axis))
    table = table[table["study"].isin(["main", "model_size"])]
    assert table["verdict"]["stage1_order"] == "reproduced"
    assert table["verdict"]["equal_before_stage2"] == "inconclusive"
    assert table["verdict"]["meta_ocl"] == "not run"
    assert table["n_seeds"]["model_size"] == 3
    assert table["verdict"]["model_size"] == "inconclusive"
    assert table["models"]["model_size"] == "large, small"
    assert "- `small`: small in words\n- `large`: large in words\n" in page
    assert "| 1 | After stage 1: real names" in page
    assert "| **reproduced** | 12 |" in page


@pytest.mark.parametrize("script", ["judge_claims", "estimate_cost"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"claims: [", "while parsing"),
        (b"\xff\xfe", "codec"),
        (None, "No such file"),
        (b"!!python/name:os.system", "tag"),
    ],
    ids=["half a list", "no text", "absent", "Python"],
)
def test_a_file_that_is_no_yaml_is_refused(tmp_path, monkeypatch, script, content, said):
    file = tmp_path / "file.yaml"
    if content is not None:
        file.write_bytes(content)
    options = ["--claims", str(file), "--axis", "{}", "--models", "{}", "--table", "a", "--markdown", "b"]
    monkeypatch.setattr("sys.argv", [script, *(options if script == "judge_claims" else [str(file)])])
    with pytest.raises(ConfigError, match=rf"file\.yaml: cannot be read as YAML: .*{said}"):
        importlib.import_module(script).main()


def test_a_claim_that_two_studies_test_has_a_verdict_by_each(tmp_path, monkeypatch):
    part = {"contrast": "meta_ocl", "must_be": "above"}
    tests = [{"study": study, "parts": [part]} for study in ("small", "large")]
    claims = [{"id": "meta_ocl", "statement": "There is one.", "tests": tests}]
    claims.append({"id": "other", "statement": "Another.", "tests": [{"study": "large", "parts": [part]}]})
    file = tmp_path / "claims.yaml"
    file.write_text(json.dumps({"claims": claims}))
    make_gaps(np.random.default_rng(8).normal(GAP, 0.01, size=12)).to_parquet(tmp_path / "small.parquet")
    monkeypatch.setattr("test_judge_claims.FILE", file)
    gaps = ["--gaps", f"small={tmp_path / 'small.parquet'}", "--axis", "{}"]
    table, page = run_script(monkeypatch, tmp_path, *gaps)
    assert list(zip(table.index, table["study"], table["verdict"], strict=True)) == [
        ("meta_ocl", "small", "reproduced"),
        ("meta_ocl", "large", "not run"),
        ("other", "large", "not run"),
    ]
    assert [line[:5] for line in page.splitlines() if line[:3] in ("| 1", "| 2")] == ["| 1 |", "| 1 |", "| 2 |"]
