"""The paper's experiments on small models, cut down: every study runs to its tables, and claims are judged by it."""

import pandas as pd
import pytest
from project import ROOT, change_config, copy_project, snakemake, use_config

from metaocl.config.layers import read_config

STUDIES = read_config(ROOT / "config/laptop_paper.yaml")["studies"]


def cut_down(config):
    """The ends of what each study varies, a seed, two for the main study, few aliases, and hardly any training."""
    for name, study in config["studies"].items():
        study["seeds"] = [0, 1] if name == "laptop_main" else [0]
        for key in ("datasets", "define_types", "models", "plans"):
            study[key] = list(dict.fromkeys([study[key][0], study[key][-1]]))
    for dataset in config["datasets"].values():
        dataset |= {"entities": 40, "variables": dataset["variables"] // 5}
    for model in config["models"].values():
        model["base_training"] |= {"steps": 20, "minimum_exact_match": {}}
    for plan in config["plans"].values():
        for stage in plan["stages"]:
            stage |= {"epochs": 1, "evaluate": "last", "warmup_steps": 0}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("laptop_paper"))
    use_config(folder, ROOT / "config/laptop_paper.yaml")
    change_config(folder, cut_down)
    snakemake("everything", cwd=folder)
    return folder / "results"


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_has_its_models_and_its_gaps(results, study):
    gaps = pd.read_parquet(results / f"tables/{study}/gaps.parquet")
    assert set(gaps["model"]) == {STUDIES[study]["models"][0], STUDIES[study]["models"][-1]}
    assert {"meta_ocl", "ocl", "named_over_consistent", "attribution_ocl"} <= set(gaps["contrast"])


def test_every_seed_has_a_base_model_of_its_own_which_all_data_sets_share(results):
    found = {str(path.parent.relative_to(results / "base_models")) for path in results.glob("base_models/**/run.json")}
    own = {f"people/{model}/seed{seed}" for model in ("tiny", "tiny_asked") for seed in (0, 1)}
    assert found == {*own, "people/base_20", "people/base_25"}


def test_the_claims_are_judged_by_these_studies_and_so_few_seeds_decide_nothing(results):
    verdicts = pd.read_csv(results / "tables/claims.csv")
    here = verdicts[verdicts["study"].isin(STUDIES)]
    assert len(here) >= 10
    assert set(here["verdict"]) == {"inconclusive"}
    assert set(verdicts[~verdicts["study"].isin(STUDIES)]["verdict"]) == {"not run"}
