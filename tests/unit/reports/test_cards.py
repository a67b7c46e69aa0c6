"""Cards of models and data sets: what the hub reads of them, and hostile texts in them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from huggingface_hub import DatasetCard, ModelCard

from metaocl.config.configuration import Config
from metaocl.design.cells import Cell
from metaocl.facts.sources import CREDITS
from metaocl.planning.single_study import single_study
from metaocl.reports.cards import data_card, final_metrics, licence_of, model_card
from metaocl.reports.records import FactsRecord, TrainedModel

CELL = Cell("words", "tve", "small", "one", 3, 1)
MARKUP = "| <script>alert('x')</script> ``` [link](http://example.org)"
HOSTILE = f"---\n# {{{{ heading }}}} {MARKUP}\n---\nlicense: mit"


def settings(tags="own", **model) -> dict[str, Any]:
    config = Config.model_validate(
        {
            "study": "mine",
            "studies": {
                "mine": {
                    "datasets": ["words"],
                    "define_types": ["tve"],
                    "models": ["small"],
                    "plans": ["one"],
                    "seeds": [3],
                }
            },
            "datasets": {"words": {"source": "set_inclusion", "entities": 24}},
            "define_types": {"tve": {"templates": [f"{{tag}} {{variable}} {{entity}} {MARKUP}"]}},
            "models": {"small": model or {"architecture": "gpt2"}},
            "plans": {"one": {"stages": [{"documents": ["new_definitions"], "epochs": 2, "tags": tags}]}},
        }
    )
    return single_study("mine", config)


STAGE = {
    "settings": {
        "seeds": [3, 1],
        "stage": {"epochs": 2, "documents": ["new_definitions"]},
        "initial_weights": {"model.safetensors": "a" * 64},
    },
    "measured": {"documents_trained": 12, "device": "cuda:0", "reserved_device": "GPU of a kind"},
    "packages": {"torch": "2.13.0"},
    "python": "3.11.7",
    "machine": {"system": "Linux-6.1.0-on-somebodys-machine", "processor": "x86_64", "cpus": 2},
    "code": {"commit": "c" * 40, "clean": False},
}
MODEL = TrainedModel(CELL, "stages/x/stage2_seed1", [STAGE], {"measured": {"exact_match": {"names": 0.975}}}, {})
METRICS = pd.DataFrame(
    [
        {**vars(CELL), "stage": stage, "epoch": epoch, "test_set": "held_out", "subset": subset, "measure": measure}
        | {"n": 12, "value": stage / 2 + epoch / 10}
        for stage in (1, 2)
        for epoch in (1, 2)
        for subset in ("d1consis", "d2consis", "with_reliable")  # the last one of a paired study, of two runs
        for measure in ("exact_match", "token_f1")
    ]
)
MEASURED = final_metrics(METRICS)[CELL]


def test_a_model_card_has_the_metrics_of_the_end_as_the_hub_reads_them():
    card = ModelCard(model_card(MODEL, settings(), "a model", MEASURED, "facts of somebody"))
    results = card.data.eval_results
    assert [(each.metric_type, each.metric_value, each.metric_args) for each in results] == [
        ("exact_match", 1.2, {"subset": subset, "questions": 12}) for subset in ("d1consis", "d2consis")
    ]
    assert {(each.dataset_type, each.dataset_config, each.dataset_split) for each in results} == {
        ("words", "tve", "held_out")
    }


def test_a_card_says_what_is_known_and_leaves_out_what_is_not():
    card = ModelCard(model_card(MODEL, settings(), "a model", MEASURED, "facts of somebody"))
    assert card.data.to_dict().keys() == {"library_name", "tags", "model-index"}
    for words in ("names: 0.975", "c" * 40 + ", with edits", "On Linux, x86_64, GPU of a kind", "facts of somebody"):
        assert words in card.text
    assert "Not kept." in card.text
    assert "somebodys-machine" not in card.text


@pytest.mark.parametrize(
    ("tags", "trained"),
    [
        ("own", ["reliable", "unreliable", "unseen"]),
        ("swapped", ["unreliable", "reliable", "unseen"]),
        ("all_unreliable", ["unreliable", "unreliable", "unreliable"]),
    ],
)
def test_a_new_subset_has_the_tag_that_it_was_trained_with(tags, trained):
    subsets = ["d1consis", "d2consis", "d3consis", "qd1consis", "d2incons"]
    measured = pd.concat([MEASURED.head(1).assign(subset=subset) for subset in subsets])
    card = model_card(MODEL, settings(tags), "a model", measured, "")
    rows = [line.split(" | ")[1:3] for line in card.splitlines() if line.startswith("| held-out questions")]
    of_subset = zip(subsets, [*trained, "reliable", "–"], strict=True)
    assert rows == [[f"`{subset}`", tag] for subset, tag in of_subset]


def test_the_base_model_is_named_where_the_hub_has_it():
    hub = {"pretrained": {"hub": "EleutherAI/pythia-410m", "revision": "v1"}}
    card = ModelCard(model_card(MODEL, settings(**hub), "a model", MEASURED, ""))
    assert card.data.base_model == "EleutherAI/pythia-410m"
    assert "revision: v1" in card.text
    images = ModelCard(model_card(MODEL, settings(convnet={}), "a model", MEASURED, ""))
    assert images.data.library_name is None
    assert {each.task_type for each in images.data.eval_results} == {"visual-question-answering"}


def test_hostile_texts_are_no_metadata_and_no_markup():
    """They stand in blocks of four spaces, in which nothing is Markdown."""
    facts = {"credit": CREDITS["people"], "entities": 24, "facts": 144, "sha256": "b" * 64}
    record = FactsRecord({**facts, "different_answers": {HOSTILE: 3}}, {"tve": [{"held_out": 5}, {"held_out": 7}]})
    data = DatasetCard(data_card("words", settings(), record))
    model = ModelCard(model_card(MODEL, settings(), "a model", MEASURED, ""))
    assert data.data.license == "cc-by-sa-3.0"
    assert model.data.to_dict().get("license") is None
    for card in (data, model):
        marked = [line for line in card.text.splitlines() if "<script>" in line]
        assert marked
        assert all(line.startswith("    ") for line in marked)
    assert "| `tve` | held_out | 5 to 7 |" in data.text


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("people", ("cc-by-sa-3.0", "https://creativecommons.org/licenses/by-sa/3.0/")),
        ("cities", ("cc-by-4.0", "https://creativecommons.org/licenses/by/4.0/")),
        ("cvdb", None),
        ("trex", None),
        ("table", None),
        ("grids", None),
    ],
)
def test_a_licence_is_named_only_where_the_credit_does(source, named):
    assert licence_of(CREDITS[source]) == named
