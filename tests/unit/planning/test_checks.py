"""Requests that only several sections together show to make no sense are refused at planning, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from metaocl.config.entry import ConfigError
from metaocl.config.parsing import parse_config
from metaocl.planning.checks import check_adapters, check_mechanisms

TINY = yaml.safe_load((Path(__file__).parents[2] / "workflow/tiny.yaml").read_text())
CONVNET = {"convnet": {"channels": 4, "width": 16}}
PRETRAINED = {"pretrained": {"folder": "data/model"}}


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


def test_adapters_are_for_models_that_have_learnt_something():
    raw = yaml.safe_load(yaml.safe_dump(TINY))
    raw["plans"]["two_stages"]["stages"][-1]["lora"] = {"rank": 2, "alpha": 4}
    with pytest.raises(ConfigError, match="plan two_stages with lora is for pretrained models, which tiny is not"):
        check_adapters(parse_config(raw, "tiny.yaml"), "tiny.yaml")


@pytest.mark.parametrize("key", ["trained", "embedding_learning_rate"])
def test_a_stage_with_adapters_moves_no_embeddings(key):
    raw = yaml.safe_load(yaml.safe_dump(TINY))
    raw["plans"]["two_stages"]["stages"][-1] |= {"lora": {"rank": 2, "alpha": 4}, "embedding_learning_rate": None}
    raw["plans"]["two_stages"]["stages"][-1][key] = {"trained": "aliases", "embedding_learning_rate": 0.1}[key]
    with pytest.raises(ConfigError, match=f"{key}: is about embeddings, which a stage with lora does not train"):
        parse_config(raw, "tiny.yaml")
