"""The tool that judges claims by kept tables of gaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from claim_samples import GAP, make_gaps

from metaocl.errors import UserError
from tools import judge_kept

CONFIG = Path(__file__).parents[3] / "config/laptop_paper.yaml"
ORDER = ("meta_ocl", "reliable_over_new_tag", "new_tag_over_unreliable", "unreliable_over_undefined")


def judge(monkeypatch, folder, config=CONFIG):
    monkeypatch.setattr("sys.argv", ["judge_kept.py", str(config), str(folder)])
    judge_kept.main()


def test_the_claims_of_kept_studies_are_judged_and_the_others_are_not_run(tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(8)
    before = random.normal(0, 0.01, size=6)
    gaps = [make_gaps(random.normal(GAP, 0.01, size=12), contrast, model="tiny") for contrast in ORDER]
    gaps.append(make_gaps([*before, *-before], "meta_ocl_before_stage2", model="tiny"))
    (tmp_path / "laptop_main").mkdir()
    pd.concat(gaps).to_parquet(tmp_path / "laptop_main/gaps.parquet")
    judge(monkeypatch, tmp_path)
    verdicts = pd.read_csv(tmp_path / "claims.csv").set_index("claim")["verdict"]
    assert verdicts["meta_ocl"] == "reproduced"
    assert verdicts["alpha"] == "not run"
    assert "vision" not in verdicts
    assert "- `tiny`: gpt2 of" in (tmp_path / "claims.md").read_text()
    assert "meta_ocl by laptop_main: reproduced" in capsys.readouterr().out


@pytest.mark.parametrize(("study", "said"), [("mine", "has the studies mine"), (None, "has no .*gaps.parquet")])
def test_a_folder_of_other_studies_is_refused(tmp_path, monkeypatch, study, said):
    if study:
        (tmp_path / study).mkdir()
        make_gaps([0.1, 0.2]).to_parquet(tmp_path / study / "gaps.parquet")
    with pytest.raises(UserError, match=said):
        judge(monkeypatch, tmp_path)
    assert not (tmp_path / "claims.csv").exists()


@pytest.mark.parametrize(
    ("config", "study", "model", "said"),
    [
        ("laptop_paper.yaml", "laptop_main", "gone", r": has the models gone; those of .*laptop_paper.yaml are tiny, "),
        (
            "cities.yaml",
            "cities",
            "smollm2-135m",
            r"claims.yaml: no claim is tested by a study of .*cities.yaml: cities",
        ),
    ],
)
def test_kept_gaps_that_cannot_be_judged_are_refused(tmp_path, monkeypatch, config, study, model, said):
    (tmp_path / study).mkdir()
    make_gaps([0.1, 0.2], model=model).to_parquet(tmp_path / study / "gaps.parquet")
    with pytest.raises(UserError, match=said):
        judge(monkeypatch, tmp_path, CONFIG.with_name(config))
    assert not (tmp_path / "claims.csv").exists()
