"""Layers share a folder of results with a configuration whose entries they don't change, and with no other."""

from pathlib import Path

import pytest
import yaml

from metaocl.config.entry import ConfigError
from metaocl.config.layers import merged, read_layers
from metaocl.config.parsing import parse_config
from metaocl.planning.folders import check_results_folder

TINY = Path(__file__).parents[2] / "workflow/tiny.yaml"


@pytest.fixture
def check(tmp_path):
    """Checks texts as layers over a default configuration; each but the lowest extends the one before it."""

    def check(*texts, command_line=None, start="default.yaml", default="default.yaml"):
        raw = yaml.safe_load(TINY.read_text())
        del raw["pathvars"]
        (tmp_path / "default.yaml").write_text(yaml.safe_dump(raw))
        file = tmp_path / start
        if start != "default.yaml":
            file.write_text(yaml.safe_dump(raw))
        for number, text in enumerate(texts):
            above = tmp_path / f"layer{number}.yaml"
            above.write_text(f"extends: {file.name}\n{text}")
            file = above
        layers = read_layers([file], command_line)
        check_results_folder(parse_config(merged(layers), "layers"), layers, tmp_path / default)

    return check


SEED = "studies: {tiny: {seeds: [0, 1, 2]}}"
NEW_MODEL = "models: {other: {architecture: gpt2}}"
OTHER_MODEL = "models: {tiny: {threads: 2}}"
SIZE = "models: {tiny: {parameters: 3000}}"  # no job reads it
NO_PLAN = "plans: {three_stages: null}\nstudies: {plans: null}"
OWN = "pathvars: {results: results/mine}"


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        [SEED],
        [NEW_MODEL],
        [SIZE],
        [NO_PLAN],
        [SEED, NEW_MODEL, "study: plans"],
        [f"{OTHER_MODEL}\n{OWN}"],
        [f"{OTHER_MODEL}\npathvars: {{results: results}}"],  # it says itself that they are to be made anew
        [f"{OTHER_MODEL}\n{OWN}", SEED],
        [OTHER_MODEL, OWN],
    ],
)
def test_what_changes_no_entry_of_the_folders_owner_may_share_it(check, texts):
    check(*texts)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([OTHER_MODEL], "layer0.yaml: changes models.tiny of {}default.yaml, whose results are in results/; "),
        ([SEED, OTHER_MODEL], "layer1.yaml over {}layer0.yaml: changes models.tiny of {}default.yaml"),
        ([OWN, OTHER_MODEL], "layer1.yaml: changes models.tiny of {}layer0.yaml, whose results are in results/mine/"),
        (
            [f"{OWN}\n{NEW_MODEL}", "models: {other: {threads: 3}}"],
            "layer1.yaml: changes models.other of {}layer0.yaml",
        ),
        (
            [f"{OTHER_MODEL}\ndefine_types: {{tve: {{alpha: 0.9}}}}"],
            "layer0.yaml: changes define_types.tve, models.tiny",
        ),
    ],
)
def test_what_changes_an_entry_is_told_to_name_a_folder(check, tmp_path, texts, said):
    with pytest.raises(ConfigError) as caught:
        check(*texts)
    assert str(caught.value).startswith(f"{tmp_path}/{said.replace('{}', f'{tmp_path}/')}")
    assert "give what is changed a name of its own, or name another folder" in str(caught.value)
    assert f"`pathvars: {{results: results/layer{len(texts) - 1}}}`" in str(caught.value)


def test_a_data_set_whose_first_models_lie_under_a_name_that_is_taken_away_would_train_them_again(check, tmp_path):
    same = yaml.safe_load(TINY.read_text())["datasets"]["people"] | {"variables": 30}
    of_twin = f"{OWN}\n" + yaml.safe_dump({"datasets": {"twin": same}})
    studies = yaml.safe_dump({"studies": {"tiny": {"datasets": ["twin"]}, "plans": {"datasets": ["twin"]}}})
    check(of_twin, studies)
    with pytest.raises(ConfigError) as caught:
        check(of_twin, f"{studies}datasets: {{people: null}}")
    assert str(caught.value).startswith(
        f"{tmp_path}/layer1.yaml: changes datasets.people, the first with the facts of twin, of {tmp_path}/layer0.yaml"
    )


def test_the_command_line_changes_no_entry_either(check, tmp_path):
    check(command_line={"study": "plans"})
    with pytest.raises(ConfigError, match=r"^--config: changes models.tiny of .*`pathvars: {results: results/mine}`"):
        check(command_line={"models": {"tiny": {"threads": "2"}}})


@pytest.mark.parametrize("texts", [[], [SEED], [OWN, "pathvars: null"], [OWN, "pathvars: {results: null}"]])
def test_only_the_default_configuration_has_results_for_the_asking(check, texts):
    with pytest.raises(ConfigError, match="has no pathvars; name a folder for its results, for example `pathvars"):
        check(*texts, start="other.yaml")


def test_a_lower_part_that_is_no_whole_configuration_has_no_results(tmp_path):
    raw = yaml.safe_load(TINY.read_text())
    (tmp_path / "part.yaml").write_text(yaml.safe_dump({"pathvars": {"results": "x"}, "models": raw.pop("models")}))
    raw |= {"extends": "part.yaml", "models": {"tiny": {"threads": 2}}}
    del raw["pathvars"]
    (tmp_path / "whole.yaml").write_text(yaml.safe_dump(raw))
    layers = read_layers([tmp_path / "whole.yaml"])
    check_results_folder(parse_config(merged(layers), "layers"), layers, tmp_path / "default.yaml")
