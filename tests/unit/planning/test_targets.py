from __future__ import annotations

from pathlib import Path

import pytest

from metaocl.config.layers import load_config
from metaocl.config.models import BaseTraining, Model
from metaocl.planning.cells import first_with_facts_of
from metaocl.planning.places import model_before
from metaocl.planning.targets import findings, study_results, study_runs

CONFIGS = sorted(
    path
    for path in (Path(__file__).parents[3] / "config").glob("*.yaml")
    if path.name not in ("claims.yaml", "hypotheses.yaml")
)


def test_no_two_shipped_configurations_share_a_folder():
    folders = [load_config(path).pathvars.results for path in CONFIGS]
    assert len(folders) > 3
    assert len(set(folders)) == len(folders)
    assert load_config(next(path for path in CONFIGS if path.name == "config.yaml")).pathvars.results == "results"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_all_that_a_study_makes_and_reads_lies_in_the_configurations_folder(path):
    config = load_config(path)
    for study in config.studies:
        places = [*study_results(study, config), *study_runs(study, config)]
        assert len(places) > 10
        assert all(place.startswith("<results>/") for place in places)


def test_cells_share_the_runs_before_the_last_stage():
    config = load_config(next(path for path in CONFIGS if path.name == "paper.yaml"))
    runs = study_runs("main", config)
    assert len(runs) == len(set(runs))
    assert sum("/stage1/" in run for run in runs) == 20
    assert sum(run.startswith("<results>/stages/") and "/stage2_seed" in run for run in runs) == 100


def test_a_stage_starts_from_the_one_before_and_the_first_from_a_model_that_fits():
    models = load_config(next(path for path in CONFIGS if path.name == "paper.yaml")).models
    pretrained = next(model for model in models.values() if model.pretrained)
    random = next(model for model in models.values() if not model.pretrained and not model.base_training)
    assert model_before(1, pretrained) == "<results>/pretrained_models/{model}/model"
    assert model_before(1, random) == "<results>/random_models/{dataset}/{model}/seed{seed}/model"
    base = Model(architecture="gpt2", base_training=BaseTraining(steps=1, per_seed=True))
    assert model_before(1, base) == "<results>/base_models/{dataset}/{model}/seed{seed}/model"
    assert model_before(1, base, dataset="people").startswith("<results>/base_models/people/{model}/")
    assert model_before(3, random).endswith("/{plan}/seed{seed}/stage2/model")


def test_data_sets_of_the_same_facts_start_from_the_same_models():
    config = load_config(next(path for path in CONFIGS if path.name == "paper.yaml"))
    others = config.datasets["cvdb"].model_copy(update={"variables": 8000})
    datasets = config.datasets | {"more_aliases": others, "fewer_people": others.model_copy(update={"entities": 300})}
    config = config.model_copy(update={"datasets": datasets})
    first = {name: first_with_facts_of(name, config) for name in datasets}
    assert first["more_aliases"] == first["cvdb"] == "cvdb_all_at_once"
    assert first["fewer_people"] == "fewer_people"
    assert first["trex"] == "trex"


def test_only_studies_of_images_show_their_documents_as_pictures():
    shown = {
        study
        for config in map(load_config, CONFIGS)
        for study in config.studies
        if f"<results>/figures/{study}/examples.png" in study_results(study, config)
    }
    assert "mnist_qa" in shown
    assert not [study for study in shown if not study.startswith(("mnist_qa", "vision_"))]


def test_findings_are_the_bold_points_of_a_page():
    assert findings("# Study\n- **a**: found\n- no\n**b**\n") == ["- **a**: found"]
