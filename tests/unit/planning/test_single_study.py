"""One study of a configuration as a configuration of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from metaocl.config.layers import load_config
from metaocl.config.parsing import canonical_json, parse_config
from metaocl.planning.cells import first_with_facts_of, study_cells
from metaocl.planning.folders import SECTIONS
from metaocl.planning.single_study import models_in_words, single_study, without_places

CONFIGS = sorted(
    path
    for path in (Path(__file__).parents[3] / "config").glob("*.yaml")
    if path.name not in ("claims.yaml", "hypotheses.yaml")
)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_study_alone_means_what_it_means_among_others(path):
    """Branches, paired studies and base models that data sets share included; as a file that YAML reads."""
    config = load_config(path)
    for name, study in config.studies.items():
        text = yaml.safe_dump(single_study(name, config), sort_keys=False, allow_unicode=True)
        alone = parse_config(yaml.safe_load(text), name)
        assert alone.studies == {name: study}
        for section in SECTIONS:
            entries = {key: canonical_json(entry) for key, entry in getattr(alone, section).items()}
            assert entries == {key: canonical_json(getattr(config, section)[key]) for key in entries}
        for cell in study_cells(study):
            assert first_with_facts_of(cell.dataset, alone) == first_with_facts_of(cell.dataset, config)


def test_models_are_told_in_words_without_their_places():
    pretrained = {"models": {"mine": {"pretrained": {"folder": "/home/someone/mine"}}}}
    assert models_in_words(without_places(pretrained)) == {"mine": "pretrained, mine"}


def test_a_model_that_was_asked_who_is_meant_is_told_from_one_that_was_not():
    trained = {"steps": 10, "question_share": 0.6}
    asked = {"asked": trained | {"attribution_share": 0.1}, "not_asked": trained}
    models = {name: {"architecture": "gpt2", "base_training": base} for name, base in asked.items()}
    assert models_in_words({"models": models}) == {
        "asked": "gpt2 of standard sizes, trained on the facts, asked who is meant as well, once for all seeds",
        "not_asked": "gpt2 of standard sizes, trained on the facts, once for all seeds",
    }


@pytest.mark.parametrize(
    ("key", "given", "public"),
    [
        ("folder", "/home/someone/models/mine", "mine"),
        ("path", "../../someone/facts.csv", "facts.csv"),
        ("path", "~/facts.csv", "facts.csv"),
        ("path", "data/facts.csv", "data/facts.csv"),
        ("url", "https://someone:secret@example.org/facts.csv?year=1", "https://example.org/facts.csv?year=1"),
        ("url", "https://example.org/facts.csv", "https://example.org/facts.csv"),
        ("folder", None, None),
        ("templates", ["/home/{entity} {variable}"], ["/home/{entity} {variable}"]),
    ],
)
def test_places_of_ones_own_and_passwords_stay_at_home(key: str, given: Any, public: Any):
    for name in ("mine", "source"):  # of an entry, which has that of no key
        settings = {"datasets": {name: {"source": {key: given}}}}
        assert without_places(settings) == {"datasets": {name: {"source": {key: public}}}}
        assert settings["datasets"][name]["source"][key] == given  # which is left as it was


@pytest.mark.parametrize("column", ["path", "folder", "url", "source"])
def test_questions_stay_as_they_are_whatever_their_columns_are_called(column):
    questions = {column: "/usr/bin/what is {name}?", "other": "https://a:b@c.d/{name}?"}
    settings = {"datasets": {"mine": {"source": {"path": "/home/me/my.csv", "questions": questions}}}}
    public = {"datasets": {"mine": {"source": {"path": "my.csv", "questions": questions}}}}
    assert without_places(settings) == public
