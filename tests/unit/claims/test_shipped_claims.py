"""The claims of config/claims.yaml ask for what the studies of the shipped configurations have."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from metaocl.config.claims import COLUMN_OF, parse_claims
from metaocl.config.layers import load_config
from metaocl.design.axes import AXES
from metaocl.planning.cells import axis_values

FOLDER = Path(__file__).parents[3] / "config"
CLAIMS = parse_claims(yaml.safe_load((FOLDER / "claims.yaml").read_text(encoding="utf-8")), "claims")
STUDIES = {
    name: (study, config)
    for file in ("mechanisms.yaml", "mnist_qa.yaml", "laptop_paper.yaml", "paper.yaml")
    for config in [load_config(FOLDER / file)]
    for name, study in config.studies.items()
}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.id}-{claim.study}")
def test_a_claim_names_cells_of_its_study(claim):
    study, config = STUDIES[claim.study]
    xs = axis_values(study, config).values() if study.axis else []
    for comparison in (*claim.parts, *claim.controls):
        for cells in filter(None, (comparison.cells, getattr(comparison, "against", None))):
            for key in COLUMN_OF:
                assert set(getattr(cells, key) or []) <= set(getattr(study, key))
            assert not cells.x_range or any(cells.x_range[0] <= x <= cells.x_range[1] for x in xs)
            assert study.axis or not cells.x_end
        assert not comparison.slope_along or comparison.slope_along == AXES[study.axis].section


@pytest.mark.parametrize("name", [name for name in STUDIES if name.startswith("laptop_")])
def test_studies_on_small_models_have_the_seeds_that_a_verdict_needs(name):
    study, config = STUDIES[name]
    assert len(study.seeds) >= 10
    assert all(seed < 1000 for seed in study.seeds)  # settings were found on those from 1000 on
    assert not any(config.models[model].one_for_all_seeds for model in study.models)
