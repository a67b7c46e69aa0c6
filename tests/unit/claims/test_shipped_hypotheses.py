"""The predictions of config/hypotheses.yaml ask for what the configurations of mechanisms have."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from metaocl.config.claims import COLUMN_OF
from metaocl.config.hypotheses import parse_hypotheses
from metaocl.config.layers import load_config

FOLDER = Path(__file__).parents[3] / "config"
BEDS = {name: load_config(FOLDER / name) for name in ("mechanisms.yaml", "mechanisms_vision.yaml")}
HYPOTHESES = parse_hypotheses(yaml.safe_load((FOLDER / "hypotheses.yaml").read_text(encoding="utf-8")), "hypotheses")


@pytest.mark.parametrize("hypothesis", HYPOTHESES, ids=lambda each: each.id)
def test_predictions_name_cells_of_studies_of_one_bed(hypothesis):
    (bed,) = {
        next(name for name, config in BEDS.items() if each.study in config.studies) for each in hypothesis.predictions
    }
    for prediction in hypothesis.predictions:
        study = BEDS[bed].studies[prediction.study]
        for cells in filter(None, (prediction.cells, prediction.against)):
            for key in COLUMN_OF:
                assert set(getattr(cells, key) or []) <= set(getattr(study, key))
        assert len(study.seeds) >= hypothesis.minimum_seeds
        assert study.paired or not (prediction.relates_to or "paired" in prediction.contrast)


def test_no_study_has_the_same_name_on_both_beds():
    text, images = (config.studies.keys() for config in BEDS.values())
    assert not text & images
