"""Settings that would run, and find nothing or something else than was asked for, are refused in one line."""

from functools import reduce
from pathlib import Path

import pytest
import yaml

from metaocl.config.entry import ConfigError
from metaocl.config.models import BaseTraining
from metaocl.config.parsing import parse_config
from metaocl.planning.checks import check_warm_ups

TINY = Path(__file__).parents[2] / "workflow/tiny.yaml"
STAGE, BASE = "plans.two_stages.stages.0", "models.tiny.base_training"
TAGS = {"reliable": ["is", "is really"], "unreliable": ["isn't"], "unseen": ["may be"]}
MISTAKES = {
    "one text for tags 1 and 2": (
        "define_types.tve",
        {"tags": TAGS | {"unreliable": ["is"]}},
        ["define_types.tve.tags", "'is' is among the texts of reliable and of unreliable"],
    ),
    "one text but for blanks": (
        "define_types.tve",
        {"tags": TAGS | {"unseen": ["is  really "]}},
        ["define_types.tve.tags", "'is  really ' is among the texts of reliable and of unseen"],
    ),
    "one text in two forms of Unicode": (
        "define_types.tve",
        {"tags": TAGS | {"reliable": ["s\u00e3o"], "unreliable": ["sa\u0303o"]}},
        ["define_types.tve.tags", "is among the texts of reliable and of unreliable"],
    ),
    "mistyped exponent": (f"{STAGE}.learning_rate", "5e5", [f"{STAGE}.learning_rate", "less than or equal to 1"]),
    "mistyped exponent of embeddings": (
        f"{STAGE}.embedding_learning_rate",
        30,
        [f"{STAGE}.embedding_learning_rate", "less than or equal to 1"],
    ),
    "learning rate of 0": (f"{BASE}.learning_rate", 0, [f"{BASE}.learning_rate", "greater than 0"]),
    "decay rates of an optimizer that has none": (
        STAGE,
        {"documents": ["questions"], "epochs": 1, "optimizer": "sgd", "betas": [0.9, 0.98]},
        [f"{STAGE}: betas are adamw's; the optimizer is sgd, which has none"],
    ),
    "letters of tags that no template has": (
        "define_types.tve",
        {"templates": ["{variable} is {entity}"], "tag_letters": 4},
        ["define_types.tve: tag_letters is 4, but no template has {tag}"],
    ),
    "warm-up longer than the training": (
        f"{BASE}.warmup_steps",
        20,
        [BASE, "warmup_steps is 20", "below the training's 20 steps"],
    ),
    "minimum of nicknames that there are none of": (
        BASE,
        {"steps": 20, "unquestioned_share": 0, "minimum_exact_match": {"unquestioned_nicknames": 0.3}},
        [BASE, "minimum_exact_match.unquestioned_nicknames needs an unquestioned_share above 0"],
    ),
    "words of a model that its texts decide": (
        "models.tiny.architecture_config",
        {"vocab_size": 5000, "n_layer": 1},
        ["models.tiny.architecture_config: vocab_size: is no choice"],
    ),
    "half precision of a new model": (
        "models.tiny.architecture_config",
        {"torch_dtype": "float16"},
        ["models.tiny.architecture_config: torch_dtype: is no choice", "float32"],
    ),
    "size that is a list": (
        "models.tiny.architecture_config",
        {"n_layer": [1], "n_inner": None},
        ["models.tiny.architecture_config: n_layer ([1]), n_inner (None): expected a number, a text, true or false"],
    ),
    "adapters of nothing": (
        f"{STAGE}.lora",
        {"rank": 2, "alpha": 4, "targets": []},
        [f"{STAGE}.lora.targets: expected all-linear or names of modules, such as [q_proj, v_proj] (got [])"],
    ),
    "test set twice": ("datasets.people.test_sets", ["letters", "letters"], ["test_sets: list each test set once"]),
    "share of questions that set inclusion does not divide": (
        "datasets.people",
        {"source": "set_inclusion", "entities": 24, "held_out_share": "1/3"},
        ["datasets.people: held_out_share is 1/3; set_inclusion has questions of its own for testing"],
    ),
    "results in no folder": ("pathvars.results", "./", ["pathvars.results: expected a folder of its own"]),
    "results above": ("pathvars.results", "..", ["pathvars.results: expected a folder of its own"]),
    "one seed for the base models of all seeds": (
        BASE,
        {"steps": 20, "per_seed": True, "seed": 3},
        [BASE, "seed is 3", "leave it out"],
    ),
    "share of no alias": (
        "datasets.people.entities",
        4,
        ["datasets.people.shares of d1consis", "none of the 4 aliases"],
    ),
    "share divided by 0": ("datasets.people.held_out_share", "1/0", ["datasets.people.held_out_share", "'1/0'"]),
    "true for a number": (f"{STAGE}.epochs", True, [STAGE, "epochs is True", "neither true nor false"]),
    "true for a share": ("datasets.people.shares", {"q": True}, ["datasets.people", "neither true nor false"]),
    "true for a seed": ("studies.tiny.seeds", [True], ["studies.tiny", "neither true nor false"]),
    "true for a rate": (f"{STAGE}.betas", [0.9, False], [STAGE, "neither true nor false"]),
    "evaluation after the end": (f"{STAGE}.evaluate", [1, 99], [STAGE, "evaluate lists epoch 99"]),
    "evaluation that is no word of ours": (
        f"{STAGE}.evaluate",
        "often",
        [f"{STAGE}.evaluate: expected every_epoch, last or a list of epochs, such as [5, 10] (got 'often')"],
    ),
    "evaluation after no epoch": (f"{STAGE}.evaluate", [1, "x"], [f"{STAGE}.evaluate: expected", "(got [1, 'x'])"]),
    "evaluations out of order": (f"{STAGE}.evaluate", [2, 1], [STAGE, "evaluate is [2, 1]", "in order"]),
    "hub name without an owner": (
        "models.tiny",
        {"pretrained": {"hub": "gpt2", "revision": "v1"}},
        ["models.tiny.pretrained.hub", "OWNER/NAME", "openai-community/gpt2"],
    ),
    "address without a host": (
        "datasets.people.source",
        {"kind": "cvdb", "url": "https:///facts.csv"},
        ["datasets.people.source", "url", "an address names a host", "'https:///facts.csv'"],
    ),
    "address with half an IPv6 number": (
        "datasets.people.source",
        {"kind": "cvdb", "url": "http://[::1/facts.csv"},
        ["datasets.people.source", "url", "Invalid IPv6 URL"],
    ),
    "empty folder's name": ("models.tiny", {"pretrained": {"folder": ""}}, ["models.tiny.pretrained.folder", "''"]),
    "folder with a wildcard": (
        "models.tiny",
        {"pretrained": {"folder": "models/{model}"}},
        ["models.tiny.pretrained.folder", "'models/{model}'", "match pattern"],
    ),
}


def config_with(key, value):
    config = yaml.safe_load(TINY.read_text())
    *parents, last = [int(part) if part.isdigit() else part for part in key.split(".")]
    reduce(lambda entry, part: entry[part], parents, config)[last] = value
    return config


@pytest.mark.parametrize(("key", "value", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_in_one_line(key, value, said):
    with pytest.raises(ConfigError) as caught:
        parse_config(config_with(key, value), "my.yaml")
    [line] = str(caught.value).splitlines()
    assert line.startswith("my.yaml: ")
    assert [words for words in said if words not in line] == []


@pytest.mark.parametrize(("text", "number"), [("1e-5", 1e-5), ("1E6", 1e6), ("relu", "relu"), ("0.1", 0.1)])
def test_numbers_that_yaml_takes_for_texts_reach_an_architecture_as_numbers(text, number):
    config = parse_config(config_with("models.tiny.architecture_config", {"key": text}), "my.yaml")
    assert config.models["tiny"].architecture_config == {"key": number}


@pytest.mark.parametrize(("steps", "warmup"), [(4000, 100), (200, 100), (20, 10), (1, 0)])
def test_a_short_training_warms_up_in_half_of_its_steps(steps, warmup):
    assert BaseTraining(steps=steps).warmup_steps == warmup
    assert BaseTraining(steps=steps, warmup_steps=steps - 1).warmup_steps == steps - 1


@pytest.mark.parametrize("steps", [40.0, "40"])
def test_steps_that_yaml_reads_as_another_kind_of_number_warm_up_as_short(steps):
    assert BaseTraining(steps=steps).warmup_steps == 20


@pytest.mark.parametrize(("warmup", "is_too_long"), [(0, False), (6, False), (20, True), (10**6, True)])
def test_a_stage_that_ends_before_its_warm_up_is_told_before_anything_runs(warmup, is_too_long):
    # 24 entities: 96 documents or so, in batches of 32, twice.
    config = parse_config(config_with(f"{STAGE}.warmup_steps", warmup), "my.yaml")
    if not is_too_long:
        return check_warm_ups(config, "my.yaml")
    with pytest.raises(ConfigError) as caught:
        check_warm_ups(config, "my.yaml")
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"my.yaml: {STAGE}.warmup_steps is {warmup}; on people the stage ends after about ")
