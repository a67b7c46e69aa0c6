"""A mistake in the configuration ends in one line with the file, the key, the value and what was expected."""

from functools import reduce

import pytest
import yaml
from project import CONFIG, ROOT, TINY, copy_project, snakemake

from metaocl.config.entry import ConfigError
from metaocl.config.parsing import parse_config

VISION = ROOT / "tests/workflow/vision.yaml"
DELETED = object()
STUDY, MODEL, STAGE = "studies.tiny", "models.tiny", "plans.two_stages.stages.0"
HALVES = {"qd1": 0.5, "qd2": 0.5}

# The key to change, its bad value, and what the message must say: the key, the value and what was expected.
MISTAKES = {
    "unknown key": (f"{STAGE}.epoch", 3, [f"unknown key {STAGE}.epoch", "3", "config/README.md"]),
    "misspelt architecture": (f"{MODEL}.architecture", "gtp2", [f"{MODEL}.architecture", "'gtp2'", "'gpt2', 'opt'"]),
    "negative epochs": (f"{STAGE}.epochs", -1, [f"{STAGE}.epochs", "-1", "greater than or equal to 1"]),
    "shares that don't sum to 1": (
        "datasets.people.shares",
        HALVES | {"q": 0.1},
        ["datasets.people", "shares sum to 1.1", "must sum to 1"],
    ),
    "negative share": (
        "datasets.people.shares",
        {"qd1": 1, "q": -0.1},
        ["datasets.people.shares.q: ", "-0.1", "greater than or equal to 0"],
    ),
    "share beyond all numbers": (
        "datasets.people.shares",
        {"qd1": "1e400"},
        ["datasets.people.shares.qd1: ", "'1e400'", "less than or equal to 1"],
    ),
    "path with a path variable of Snakemake's": (
        "datasets.people.source",
        {"kind": "cvdb", "path": "<results>/people.csv"},
        ["datasets.people.source.cvdb.path", "'<results>/people.csv'", "match pattern"],
    ),
    "folder of a model with a path variable": (
        "models.tiny",
        {"pretrained": {"folder": "<results>/model"}},
        [f"{MODEL}.pretrained.folder", "'<results>/model'", "match pattern"],
    ),
    "folder of handwriting with a path variable": (
        "models.tiny",
        {"convnet": {"handwriting": {"kind": "images", "folder": "a>b"}}},
        [f"{MODEL}.convnet.handwriting.images.folder", "'a>b'", "match pattern"],
    ),
    "table with one question": (
        "datasets.people.source",
        {"kind": "table", "path": "a.csv", "name": "a", "questions": {"b": "Is {name}?"}},
        ["datasets.people.source.table.questions", "at least 2 items"],
    ),
    "unknown subset": ("datasets.people.shares", {"qd9": 1}, ["datasets.people.shares.qd9", "'qd9'", "'qd1'"]),
    "seed given twice": (f"{STUDY}.seeds", [0, 1, 0], [STUDY, "seeds lists 0 more than once"]),
    "no seeds": (f"{STUDY}.seeds", [], [f"{STUDY}.seeds", "[]", "at least 1 item"]),
    "negative seed": (f"{STUDY}.seeds", [-1], [f"{STUDY}.seeds.0", "-1", "greater than or equal to 0"]),
    "study of unknown models": (f"{STUDY}.models", ["gpt5"], [f"{STUDY}.models", "gpt5", "declared models: tiny"]),
    "undeclared default study": ("study", "tinny", ["study is 'tinny'", "declared studies: tiny, plans"]),
    "alpha above 1": ("define_types.tve.alpha", 1.5, ["define_types.tve.alpha", "1.5", "less than or equal to 1"]),
    "decay rate of 2": (f"{STAGE}.betas", [2, 0.9], [f"{STAGE}.betas.0", "2", "less than 1"]),
    "infinite learning rate": (f"{STAGE}.learning_rate", float("inf"), [f"{STAGE}.learning_rate", "inf", "finite"]),
    "threshold in percent": (
        f"{MODEL}.base_training.minimum_exact_match",
        {"names": 95},
        [f"{MODEL}.base_training.minimum_exact_match.names", "95", "less than or equal to 1"],
    ),
    "wrong order": ("define_types.tve.order", "tvx", ["define_types.tve.order", "'tvx'", "'tve', 'tev'"]),
    "missing section": ("plans", DELETED, ["plans", "Field required"]),
    "name with shell characters": (
        "define_types",
        {"a; rm -rf $HOME": {}},
        ["define_types.a; rm -rf $HOME", "'a; rm -rf $HOME'", "should match pattern"],
    ),
    "name with a blank": (f"{STUDY}.plans", ["two stages"], [f"{STUDY}.plans.0", "'two stages'", "match pattern"]),
    "new definitions before the last stage": (
        f"{STAGE}.documents",
        ["new_definitions"],
        ["plans.two_stages", "new_definitions are in stages [1, 2]", "must be in the last stage (2) only"],
    ),
    "narrow outputs with a wide loss": (
        f"{STAGE}.loss_on",
        "sequence",
        [STAGE, "outputs: completions needs loss_on: completion"],
    ),
    "more real names than entities": (
        "datasets.people.variables",
        1000,
        ["datasets.people", "q_no_replacement_baseline", "comes to 100", "entities is"],
    ),
    "word for a number": (
        f"{MODEL}.base_training.steps",
        "many",
        [f"{MODEL}.base_training.steps", "'many'", "integer"],
    ),
    "a single entity": ("datasets.people.entities", 1, ["datasets.people.entities", "1", "greater than or equal to 2"]),
    "source with an unknown key": (
        "datasets.people.source",
        {"kind": "people", "year": 1900},
        ["unknown key datasets.people.source.people.year", "1900"],
    ),
    "source without its file": (
        "datasets.people.source",
        {"kind": "cvdb"},
        ["datasets.people.source", "give either path", "or url"],
    ),
    "source with two places": (
        "datasets.people.source",
        {"kind": "trex", "path": "a", "url": "https://b.org/c"},
        ["datasets.people.source", "give either path", "or url"],
    ),
    "path with a wildcard": (
        "datasets.people.source",
        {"kind": "cvdb", "path": "data/{dataset}.csv"},
        ["datasets.people.source.cvdb.path", "'data/{dataset}.csv'", "match pattern"],
    ),
    "path like an option": (
        "datasets.people.source",
        {"kind": "trex", "path": "--manifest"},
        ["datasets.people.source.trex.path", "'--manifest'", "match pattern"],
    ),
    "address with a wildcard": (
        "datasets.people.source",
        {"kind": "trex", "url": "https://b.org/{seed}"},
        ["datasets.people.source.trex.url", "'https://b.org/{seed}'", "match pattern"],
    ),
    "hash of another length": (
        "datasets.people.source",
        {"kind": "cvdb", "path": "a", "sha256": "abc"},
        ["datasets.people.source.cvdb.sha256", "'abc'", "match pattern"],
    ),
    "address that is none": (
        "datasets.people.source",
        {"kind": "cvdb", "url": "cvdb.csv"},
        ["datasets.people.source.cvdb.url", "'cvdb.csv'", "match pattern"],
    ),
    "lists that fill all numbers": (
        "datasets.people.source",
        {"kind": "set_inclusion", "numbers": 9},
        ["datasets.people.source", "numbers is 9", "need 10"],
    ),
    "no prime": (
        "datasets.people.source",
        {"kind": "modular", "primes": [2, 9]},
        ["datasets.people.source", "primes holds 9", "no prime"],
    ),
    "remainders that identify": (
        "datasets.people.source",
        {"kind": "modular", "numbers": 100},
        ["datasets.people", "numbers is 100", "hold out more questions"],
    ),
    "unknown test set": ("datasets.people.test_sets", ["letter"], ["datasets.people.test_sets.0", "'letter'"]),
    "held-out share of everything": (
        "datasets.people.held_out_share",
        1,
        ["datasets.people.held_out_share", "less than 1"],
    ),
    "order and templates": (
        "define_types.tve.templates",
        ["{variable} is {entity}"],
        ["define_types.tve", "either order or templates"],
    ),
    "placement nobody knows": (
        "define_types.tve.placement",
        "before",
        ["define_types.tve.placement", "'before'", "'apart' or 'in_context'"],
    ),
    "pretrained and new": (
        f"{MODEL}.pretrained",
        {"folder": "a"},
        [MODEL, "give one of pretrained, architecture and convnet"],
    ),
    "hub without revision": (
        "models.tiny",
        {"pretrained": {"hub": "a/b"}},
        [f"{MODEL}.pretrained", "has hub", "give hub and revision"],
    ),
    "revision that moves": (
        "models.tiny",
        {"pretrained": {"hub": "a/b", "revision": "main"}},
        [f"{MODEL}.pretrained", "'main'", "a branch that moves"],
    ),
    "hub name with shell characters": (
        "models.tiny",
        {"pretrained": {"hub": "a/$(b)", "revision": "v1"}},
        [f"{MODEL}.pretrained.hub", "'a/$(b)'", "match pattern"],
    ),
    "model of nothing": ("models.tiny", {}, [MODEL, "give one of pretrained, architecture and convnet"]),
    "padding of a narrow loss": (
        f"{STAGE}.padded_length",
        48,
        [STAGE, "padded_length needs loss_on: sequence"],
    ),
    "unknown axis": (f"{STUDY}.axis", "size", [f"{STUDY}.axis", "'size'", "'alpha', 'model_size'"]),
    "axis of unknown sizes": (f"{STUDY}.axis", "model_size", [f"{STUDY}.axis is model_size", "models.tiny.parameters"]),
    "no epochs": (f"{STAGE}.epochs", 0, [f"{STAGE}.epochs", "0", "greater than or equal to 1"]),
    "unknown optimizer": (
        f"{STAGE}.optimizer",
        "lion",
        [f"{STAGE}.optimizer", "'lion'", "'adafactor', 'adamw' or 'sgd'"],
    ),
    "tags in a stage without new definitions": (
        f"{STAGE}.tags",
        "swapped",
        [STAGE, "tags: is about new aliases", "no new_definitions"],
    ),
    "snapshot after the last epoch": (f"{STAGE}.snapshots", [3], [STAGE, "snapshots lists epoch 3", "1 to 2"]),
    "branch of nothing": (
        "plans.one_stage.branch_of",
        "two_stage",
        ["plans.one_stage.branch_of is 'two_stage'", "two_stages, three_stages"],
    ),
    "branch with all stages": (
        "plans.three_stages.branch_of",
        "two_stages",
        ["plans.three_stages has 3 stages", "its last stage alone"],
    ),
    "measurement that is none": (
        "measurements",
        {"a": {"kind": "alinement"}},
        ["measurements.a", "'alignment', 'gradient_cosine'"],
    ),
    "measurement not declared": (f"{STUDY}.measurements", ["a"], [f"{STUDY}.measurements names a"]),
    "unknown source": ("datasets.people.source", "wikidata", ["datasets.people.source", "'wikidata'", "'people'"]),
}


def config_with(key, value):
    config = yaml.safe_load(TINY.read_text())
    *parents, last = [int(part) if part.isdigit() else part for part in key.split(".")]
    section = reduce(lambda entry, part: entry[part], parents, config)
    if value is DELETED:
        del section[last]
    else:
        section[last] = value
    return config


@pytest.mark.parametrize(("key", "value", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_in_one_line(key, value, said):
    with pytest.raises(ConfigError) as caught:
        parse_config(config_with(key, value), "my.yaml")
    lines = [line for line in str(caught.value).splitlines() if said[0] in line]
    assert len(lines) == 1
    assert lines[0].startswith("my.yaml: ")
    assert [words for words in said if words not in lines[0]] == []


def test_every_mistake_has_a_line_of_its_own():
    config = config_with(f"{STAGE}.epochs", -1)
    config["datasets"]["people"]["entities"] = "all"
    with pytest.raises(ConfigError) as caught:
        parse_config(config, "my.yaml")
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "datasets.people.entities",
        f"{STAGE}.epochs",
    ]


@pytest.mark.parametrize("raw", [["study"], "study", None, 7])
def test_a_configuration_that_is_no_mapping_is_named(raw):
    with pytest.raises(ConfigError, match=r"^my\.yaml: .*(dictionary|mapping)"):
        parse_config(raw, "my.yaml")


def test_the_unchanged_configuration_is_accepted():
    assert parse_config(config_with("study", "tiny"), "my.yaml").study == "tiny"


@pytest.mark.parametrize("name", ["misspelt architecture", "negative epochs", "undeclared default study"])
def test_snakemake_stops_with_the_message_and_without_a_traceback(tmp_path, name):
    key, value, said = MISTAKES[name]
    bad = tmp_path / "bad.yaml"
    bad.write_text(yaml.safe_dump(config_with(key, value), sort_keys=False))
    run = snakemake("--dry-run", "--configfile", str(bad), cwd=copy_project(tmp_path / "project"), check=False)
    output = run.stdout + run.stderr
    assert run.returncode != 0
    assert [words for words in [str(bad), *said] if words not in output] == []
    assert "Traceback" not in output


@pytest.mark.parametrize("name", ["all", "train_stage"])
def test_a_study_cannot_have_the_name_of_a_rule(tmp_path, name):
    config = config_with("study", name)
    config["studies"][name] = config["studies"].pop("tiny")
    bad = tmp_path / "bad.yaml"
    bad.write_text(yaml.safe_dump(config, sort_keys=False))
    run = snakemake("--dry-run", "--configfile", str(bad), cwd=copy_project(tmp_path / "project"), check=False)
    assert run.returncode != 0
    assert f"{bad}: studies.{name} has the name of a rule; give it another one" in run.stdout + run.stderr


def test_a_folder_that_is_not_there_is_told_by_the_entry_that_names_it(tmp_path):
    config = yaml.safe_load(VISION.read_text())
    config["models"]["convnet"]["convnet"]["handwriting"] = {"kind": "images", "folder": "data/none", "side": 8}
    project = copy_project(tmp_path / "project")
    (project / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False))
    run = snakemake("--dry-run", cwd=project, check=False)
    [told] = [line for line in (run.stdout + run.stderr).splitlines() if "error" in line]
    expected = f"handwriting.folder is 'data/none'; {project} has no such folder"
    assert told == f"error: {project / CONFIG}: models.convnet: {expected}"


@pytest.mark.parametrize("given", ["results/x", ["results"], 7])
def test_pathvars_that_snakemake_cannot_read_are_one_line(tmp_path, given):
    bad = tmp_path / "bad.yaml"
    bad.write_text(yaml.safe_dump(config_with("pathvars", given), sort_keys=False))
    run = snakemake("--dry-run", "--configfile", str(bad), cwd=copy_project(tmp_path / "project"), check=False)
    told = [line for line in (run.stdout + run.stderr).splitlines() if line and not line.startswith("Using ")]
    assert run.returncode == 1
    expected = "expected a mapping, such as `pathvars: {results: results/mine}`"
    assert told == [f"error: {bad}: pathvars is {given!r}; {expected}"]
