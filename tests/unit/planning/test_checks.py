"""Requests that only several sections together show to make no sense are refused at planning, in one line."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from metaocl.config.entry import ConfigError
from metaocl.config.parsing import parse_config
from metaocl.planning.checks import (
    check_documents,
    check_images,
    check_inconsistent_definitions,
    check_mechanisms,
    check_plans,
    check_sizes,
    check_tag_letters,
    check_warm_ups,
)

TINY = yaml.safe_load((Path(__file__).parents[2] / "workflow/tiny.yaml").read_text())
CONVNET = {"convnet": {"channels": 4, "width": 16}}
PRETRAINED = {"pretrained": {"folder": "data/model"}}


def assert_told(check, config, said):
    """A check's message begins so; with None it has none."""
    if said is None:
        return check(config, "tiny.yaml")
    with pytest.raises(ConfigError) as raised:
        check(config, "tiny.yaml")
    assert str(raised.value).startswith(said)


def checked(study, **sections):
    """Check the tiny configuration with keys of its study, and entries of its sections, changed."""
    raw = yaml.safe_load(yaml.safe_dump(TINY))
    raw["studies"]["tiny"] |= study
    for section, entries in sections.items():
        raw[section] = raw.get(section, {}) | entries
    check_mechanisms(parse_config(raw, "tiny.yaml"), "tiny.yaml")


def branch(**settings):
    last = TINY["plans"]["two_stages"]["stages"][-1]
    return {"plans": {"branch": {"branch_of": "two_stages", "stages": [last | {"outputs": "vocabulary"} | settings]}}}


def measured(kind):
    return {"measurements": {"a": {"kind": kind}}}


def test_what_can_be_done_passes():
    checked({"plans": ["branch"]}, **branch(trained="aliases"))
    checked({"paired": True, "measurements": ["a"]}, **measured("transplant"))
    checked({"measurements": ["a"]}, **measured("tag_semantics"))


@pytest.mark.parametrize("kind", ["alignment", "gradient_cosine", "question_loss", "tag_semantics", "tag_probes"])
def test_networks_of_images_are_measured_where_no_row_is_needed(kind):
    study = {"models": ["network"], "datasets": ["many"], "paired": True, "measurements": ["a"]}
    many = {"many": {"source": "people", "entities": 100}}
    checked(study, **measured(kind), models={"network": CONVNET}, datasets=many)


@pytest.mark.parametrize(
    ("study", "sections", "message"),
    [
        (
            {"plans": ["branch"], "models": ["subwords"]},
            branch(trained="aliases") | {"models": {"subwords": PRETRAINED}},
            "plan branch is about the embedding rows of aliases; those of tve have several tokens with model subwords",
        ),
        (
            {"plans": ["branch"], "define_types": ["spaced"]},
            branch(project_rows={"remove": 2}) | {"define_types": {"spaced": {"alias_style": "spaced"}}},
            "those of spaced have several tokens",
        ),
        (
            {"paired": True, "define_types": ["context"]},
            {"define_types": {"context": {"placement": "in_context"}}},
            "paired needs definitions with tags, on their own; context has none",
        ),
        ({"measurements": ["a"]}, measured("transplant"), "the study has not paired: true"),
        (
            {"measurements": ["a"], "models": ["subwords"]},
            measured("readout_overlap") | {"models": {"subwords": PRETRAINED}},
            "measurements: a is about the embedding rows",
        ),
        (
            {"plans": ["branch"], "models": ["network"]},
            branch(trained="all_but_aliases") | {"models": {"network": CONVNET}},
            "plan branch is about the embedding rows of aliases; model network, a network of images, has none",
        ),
        *(
            (
                {"measurements": ["a"], "models": ["network"], "paired": True},
                measured(kind) | {"models": {"network": CONVNET}},
                "measurements: a is about the embedding rows of aliases; model network, a network of images, has none",
            )
            for kind in ("readout_overlap", "transplant", "steering")
        ),
        (
            {"measurements": ["a"], "define_types": ["first"]},
            measured("tag_semantics") | {"define_types": {"first": {"order": "evt"}}},
            "a needs definitions that end with the entity; those of first do not",
        ),
        (
            {"measurements": ["a"], "datasets": ["few"]},
            measured("tag_probes") | {"datasets": {"few": {"source": "people", "entities": 16}}},
            "a needs 5 aliases of qd1consis and of qd2incons; few has 4",
        ),
        (
            {"measurements": ["a"], "plans": ["branch"]},
            measured("gradient_cosine") | branch(tags="swapped"),
            "a is of definitions with their own tags; plan branch trains them with tags: swapped",
        ),
        *(
            (
                {"measurements": ["a"], "models": ["t5"], "paired": True},
                measured(kind) | {"models": {"t5": {"architecture": "t5"}}},
                "a is for causal models; t5 is an encoder-decoder",
            )
            for kind in ("tag_probes", "steering")
        ),
    ],
)
def test_what_makes_no_sense_is_one_line(study, sections, message):
    with pytest.raises(ConfigError) as raised:
        checked(study, **sections)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("order", ["tev", "etv", "vet", "evt"])
def test_what_swaps_the_entity_needs_definitions_that_end_with_it(order):
    with pytest.raises(ConfigError, match="a needs definitions that end with the entity; those of other do not"):
        checked(
            {"measurements": ["a"], "define_types": ["other"]},
            **measured("readout_overlap"),
            define_types={"other": {"order": order}},
        )


def test_steering_needs_aliases_of_both_tags():
    shares = {"qd1": "1/4", "qd2": "1/4", "q": "1/4", "d1consis": "1/4"}
    with pytest.raises(ConfigError, match="a needs aliases of d1consis and d2consis; one_tag has none of d2consis"):
        checked(
            {"measurements": ["a"], "datasets": ["one_tag"], "paired": True},
            **measured("steering"),
            datasets={"one_tag": {"source": "people", "entities": 24, "shares": shares}},
        )


def wide_table(questions):
    return {
        "kind": "table",
        "path": "my.csv",
        "name": "name",
        "questions": {f"q{n}": f"{n} {{name}}?" for n in questions},
    }


LONG_TABLE = {"kind": "table", "path": "my.csv", "name": "name", "question": "question", "answer": "answer"}


@pytest.mark.parametrize(
    ("source", "warmup", "is_refused"),
    [(wide_table(range(20)), 50, False), (wide_table(range(3)), 50, True), (LONG_TABLE, 50, False)],
    ids=["many questions", "few questions", "as many as its rows say"],
)
def test_the_steps_of_a_stage_on_a_table_are_those_of_its_questions(source, warmup, is_refused):
    raw = yaml.safe_load(yaml.safe_dump(TINY))
    raw["datasets"]["people"] |= {"source": source, "entities": 100}
    raw["plans"]["two_stages"]["stages"][0] |= {"epochs": 1, "batch_size": 16, "warmup_steps": warmup}
    config = parse_config(raw, "tiny.yaml")
    if not is_refused:
        return check_warm_ups(config, "tiny.yaml")
    with pytest.raises(ConfigError, match="warmup_steps is 50; on people the stage ends after about"):
        check_warm_ups(config, "tiny.yaml")


@pytest.mark.parametrize(
    ("stage", "named"), [(0, "plans.two_stages.stages.0"), (1, "plans.branch.stages.0")], ids=["trunk", "branch"]
)
def test_a_stage_of_a_branch_is_named_as_its_file_has_it(stage, named):
    plans = TINY["plans"] | branch(warmup_steps=1000 * stage)["plans"]
    raw = yaml.safe_load(json.dumps(TINY | {"plans": plans}))
    raw["plans"]["two_stages"]["stages"][0]["warmup_steps"] = 1000 * (1 - stage)
    raw["studies"] = {"tiny": raw["studies"]["tiny"] | {"plans": ["branch"]}}
    with pytest.raises(ConfigError, match=f"^tiny.yaml: {named}.warmup_steps is 1000; on people"):
        check_warm_ups(parse_config(raw, "tiny.yaml"), "tiny.yaml")


HALVES = {"qd1": "1/2", "qd2": "1/2"}


@pytest.mark.parametrize("source", ["people", wide_table(range(3)), LONG_TABLE], ids=["people", "wide", "long"])
@pytest.mark.parametrize(
    ("shares", "placement", "documents", "said"),
    [
        (HALVES, "apart", ["new_definitions"], "the shares of data set people have no alias for them"),
        (
            None,
            "in_context",
            ["new_definitions"],
            "with the placement in_context of tve definitions stand before questions alone",
        ),
        ({"q_no_replacement_baseline": 1}, "apart", ["new_definitions"], "the shares of data set people have no alias"),
        (HALVES, "apart", ["questions", "new_definitions"], None),
        (None, "in_context", ["questions", "new_definitions"], None),
        (None, "apart", ["new_definitions"], None),
    ],
)
def test_a_stage_without_documents_is_told_before_anything_runs(source, shares, placement, documents, said):
    raw = yaml.safe_load(yaml.safe_dump(TINY))
    raw["datasets"]["people"] |= {"source": source} | ({"shares": shares} if shares else {})
    raw["define_types"]["tve"]["placement"] = placement
    raw["studies"] = {"tiny": raw["studies"]["tiny"] | {"plans": ["two_stages"]}}
    first, last = raw["plans"]["two_stages"]["stages"]
    first["documents"], last["documents"] = ["questions"], documents
    config = parse_config(raw, "tiny.yaml")
    said = said and f"tiny.yaml: plans.two_stages.stages.1.documents is new_definitions, but {said}"
    assert_told(check_documents, config, said)


VISION = yaml.safe_load((Path(__file__).parents[2] / "workflow/vision.yaml").read_text())


@pytest.mark.parametrize(
    ("section", "change", "said"),
    [
        ("datasets", {}, None),
        ("datasets", {"source": "people"}, "data set digits needs the source grids"),
        (
            "datasets",
            {"source": {"kind": "grids", "letters": 7}},
            "its 5 letters are fewer than the 7 of data set digits",
        ),
        ("datasets", {"test_sets": ["letters"]}, "data set digits needs test_sets: []"),
        (
            "define_types",
            {"alias_style": "bracketed"},
            "define type tve needs alias_style: digits and alias_letters: 9",
        ),
        ("define_types", {"alias_letters": 8}, "define type tve needs alias_style: digits and alias_letters: 9"),
        ("define_types", {"order": "vte"}, "define type tve needs order: tve, no templates"),
        ("define_types", {"templates": ["{tag} {variable} {entity}"]}, None),
        ("define_types", {"placement": "in_context"}, "define type tve needs order: tve, no templates and placement"),
        ("plans", {"loss_on": "completion", "outputs": "completions"}, "stage 0: loss_on, outputs is about texts"),
        ("plans", {"embedding_learning_rate": 0.1}, "stage 0: embedding_learning_rate is about texts: leave it out"),
        ("plans", {"padded_length": 48}, "stage 0: padded_length is about texts: leave it out"),
    ],
)
def test_what_no_picture_shows_is_told_before_anything_runs(section, change, said):
    raw = yaml.safe_load(yaml.safe_dump(VISION))
    name = {"datasets": "digits", "define_types": "tve"}.get(section)
    entry = raw[section][name] if name else next(iter(raw["plans"].values()))["stages"][0]
    entry |= change
    config = parse_config(raw, "vision.yaml")
    if said is None:
        return check_images(config, "vision.yaml")
    with pytest.raises(ConfigError) as raised:
        check_images(config, "vision.yaml")
    assert said in str(raised.value)
    assert "reads images" in str(raised.value)


def test_settings_that_no_command_holds_are_told_before_anything_runs():
    raw = yaml.safe_load(yaml.safe_dump(TINY))
    raw["define_types"]["tve"] = {"templates": [f"{n:090} {{tag}} {{variable}} {{entity}}" for n in range(100)]}
    check_sizes(parse_config(raw, "tiny.yaml"), "tiny.yaml")
    raw["define_types"]["tve"] = {"templates": [f"{n:090} {{tag}} {{variable}} {{entity}}" for n in range(1000)]}
    with pytest.raises(
        ConfigError, match=r"^tiny.yaml: studies.\w+: the settings of its entries come to 12\d,\d+ bytes"
    ):
        check_sizes(parse_config(raw, "tiny.yaml"), "tiny.yaml")


def test_adapters_are_for_models_that_have_learnt_something():
    raw = yaml.safe_load(yaml.safe_dump(TINY))
    raw["plans"]["two_stages"]["stages"][-1]["lora"] = {"rank": 2, "alpha": 4}
    with pytest.raises(ConfigError, match="plan two_stages with lora is for pretrained models, which tiny is not"):
        check_plans(parse_config(raw, "tiny.yaml"), "tiny.yaml")


def test_padding_is_for_causal_models():
    raw = yaml.safe_load(yaml.safe_dump(TINY))
    raw["plans"]["one_stage"]["stages"][0]["padded_length"] = 48
    check_plans(parse_config(raw, "tiny.yaml"), "tiny.yaml")
    raw["models"]["tiny"] = {"architecture": "t5"}
    with pytest.raises(
        ConfigError, match=r"studies.plans: plan one_stage with padded_length is for causal models, which tiny is not"
    ):
        check_plans(parse_config(raw, "tiny.yaml"), "tiny.yaml")
    raw["models"]["tiny"]["base_training"] = {"steps": 10, "padded_length": 48}
    with pytest.raises(ConfigError, match=r"models.tiny: base_training.padded_length is for causal models"):
        parse_config(raw, "tiny.yaml")


@pytest.mark.parametrize(
    ("qd1", "qd2", "alpha", "alone"),
    [
        ("10/24", "8/24", 0.9, "of the 10 aliases of qd1"),
        ("8/24", "10/24", 0.1, "of the 10 aliases of qd2"),
        ("8/24", "1/24", 1, "of the 1 aliases of qd2"),
        ("10/24", "1/24", 0, None),
        ("10/24", "10/24", 0.8, None),
    ],
)
def test_an_inconsistent_definition_that_is_alone_is_told_before_anything_runs(qd1, qd2, alpha, alone):
    raw = yaml.safe_load(yaml.safe_dump(TINY))
    raw["datasets"]["people"]["shares"] = {"qd1": qd1, "qd2": qd2, "q": str(1 - Fraction(qd1) - Fraction(qd2))}
    raw["define_types"] = {"tve": {"alpha": alpha}, "tve_uninformative": {"alpha": alpha}}
    config = parse_config(raw, "tiny.yaml")
    said = f"{alone} in data set people it leaves 1 with an inconsistent "
    said = alone and f"tiny.yaml: define_types.tve.alpha is {alpha}; {said}"
    assert_told(check_inconsistent_definitions, config, said)


@pytest.mark.parametrize(("letters", "drawn", "is_idle"), [(7, "0", True), (7, "1/2", False), (6, "0", False)])
def test_letters_of_tags_that_nobody_draws_are_told_before_anything_runs(letters, drawn, is_idle):
    tags = {"reliable": ["is"], "unreliable": ["isn't"], "unseen": ["may be"]}
    raw = yaml.safe_load(yaml.safe_dump(TINY))
    raw["datasets"]["people"]["shares"] = {"qd4consis": drawn, "q": str(1 - Fraction(drawn))}
    raw["define_types"]["tve"] = {"tags": tags, "tag_letters": letters}
    config = parse_config(raw, "tiny.yaml")
    if not is_idle:
        return check_tag_letters(config, "tiny.yaml")
    with pytest.raises(
        ConfigError, match=r"^tiny.yaml: define_types.tve.tag_letters is 7; its tags have texts of their"
    ):
        check_tag_letters(config, "tiny.yaml")


@pytest.mark.parametrize("key", ["trained", "embedding_learning_rate"])
def test_a_stage_with_adapters_moves_no_embeddings(key):
    raw = yaml.safe_load(yaml.safe_dump(TINY))
    raw["plans"]["two_stages"]["stages"][-1] |= {"lora": {"rank": 2, "alpha": 4}, "embedding_learning_rate": None}
    raw["plans"]["two_stages"]["stages"][-1][key] = {"trained": "aliases", "embedding_learning_rate": 0.1}[key]
    with pytest.raises(ConfigError, match=f"{key}: is about embeddings, which a stage with lora does not train"):
        parse_config(raw, "tiny.yaml")
