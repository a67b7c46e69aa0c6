"""The file of claims: what it holds, and what a mistake in it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from metaocl.config.claims import as_file, parse_claims, read_claims
from metaocl.config.entry import ConfigError
from metaocl.config.yaml_files import read_yaml

FILE = Path(__file__).parents[3] / "config" / "claims.yaml"
PAPER = [
    "stage1_order",
    "equal_before_stage2",
    "meta_ocl",
    "attribution_stage1",
    "attribution_meta_ocl",
    "alpha",
    "model_size",
    "batch_size",
    "word_order",
    "stage_plans",
    "from_scratch",
    "vision",
    "gradient_alignment",
    "tag_probes",
    "in_context",
]


def test_the_file_holds_the_fifteen_claims_of_the_paper():
    claims = parse_claims(read_yaml(FILE), str(FILE))
    assert list(dict.fromkeys(claim.id for claim in claims))[: len(PAPER)] == PAPER  # others may follow
    of_paper = [claim for claim in claims if claim.id in PAPER]
    assert all(claim.minimum_seeds >= 10 and claim.significance == 0.05 for claim in of_paper)


def test_a_file_made_of_claims_holds_them():
    claims = parse_claims(read_yaml(FILE), str(FILE))
    text = yaml.safe_dump(as_file(claims), sort_keys=False, allow_unicode=True)
    assert parse_claims(yaml.safe_load(text), "made") == claims


def mistaken(change):
    raw = yaml.safe_load(FILE.read_text())
    change(raw["claims"][0])
    return raw


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["tests"][0].update(studdy="main"), "claim stage1_order: unknown key tests.0.studdy (got 'main')"),
        (
            lambda c: c["tests"][0].update(minimum_seeds=1),
            "claim stage1_order: tests.0.minimum_seeds: .* greater than or equal to 2 (got 1)",
        ),
        (
            lambda c: c["tests"][0].update(significance=0.2),
            "claim stage1_order: tests.0.significance: .* less than or equal to 0.05 (got 0.2)",
        ),
        (lambda c: c["tests"][0].pop("study"), "claim stage1_order: tests.0.study: Field required"),
        (lambda c: c.pop("id"), "claim number 1: id: Field required"),
        (
            lambda c: c["tests"][0].update(parts=[]),
            "claim stage1_order: tests.0.parts: List should have at least 1 item",
        ),
        (lambda c: c["tests"].append(c["tests"][0]), "claim stage1_order: tests has the study main more than once"),
        (lambda c: c.update(id="alpha"), "claims has the id alpha more than once"),
        (
            lambda c: c["tests"][0]["parts"][0].update(must_be="abov"),
            "tests.0.parts.0.must_be: .*'above', 'below' or 'within' (got 'abov')",
        ),
        (
            lambda c: c["tests"][0]["parts"][0].update(contrast="meta"),
            "tests.0.parts.0.contrast: no such contrast; did you mean meta_ocl? Known are ocl, .* (got 'meta')",
        ),
        (
            lambda c: c["tests"][0]["parts"][0].update(must_be="within"),
            "tests.0.parts.0: threshold is 0; with must_be: within it must be positive",
        ),
        (lambda c: c["tests"][0]["parts"][0].update(scale="log"), "tests.0.parts.0: scale needs slope_along"),
        (
            lambda c: c["tests"][0]["parts"][0].update(slope_along="models", against={}),
            "tests.0.parts.0: give either against or slope_along",
        ),
        (
            lambda c: c["tests"][0]["parts"][0].update(cells={"model": ["a"]}),
            "unknown key tests.0.parts.0.cells.model (got ['a'])",
        ),
        (
            lambda c: c["tests"][0]["parts"][0].update(cells={"x_range": [2, 1]}),
            "x_range is [2.0, 1.0]; its first number",
        ),
    ],
)
def test_a_mistake_in_the_file_is_one_line_that_names_claim_key_and_value(change, message):
    with pytest.raises(ConfigError) as error:
        parse_claims(mistaken(change), "claims.yaml")
    text = str(error.value)
    assert text.startswith("claims.yaml: ")
    assert "\n" not in text
    for piece in message.split(".*"):
        assert piece in text


@pytest.mark.parametrize("raw", [None, [], {"claims": {}}, {"claims": [1]}, {"claims": None}])
def test_a_file_of_another_shape_is_refused(raw):
    with pytest.raises(ConfigError, match=r"^claims\.yaml: "):
        parse_claims(raw, "claims.yaml")


def write_claims(path, *names):
    part = {"contrast": "meta_ocl", "must_be": "above"}
    tests = [{"study": study, "parts": [part]} for study in ("small", "large")]
    path.write_text(yaml.safe_dump({"claims": [{"id": name, "statement": name, "tests": tests} for name in names]}))
    return path


def test_claims_of_several_files_are_numbered_through(tmp_path):
    files = [write_claims(tmp_path / "a.yaml", "x", "y"), write_claims(tmp_path / "b.yaml", "z")]
    found = [(claim.id, claim.study, claim.number) for claim in read_claims(files)]
    assert found == [(name, study, number) for number, name in enumerate("xyz", 1) for study in ("small", "large")]


def test_an_id_in_two_files_is_one_line(tmp_path):
    files = [write_claims(tmp_path / name, *ids) for name, ids in {"a": "xy", "b": "z", "c": "vyzw"}.items()]
    with pytest.raises(ConfigError) as error:
        read_claims(files)
    assert str(error.value) == f"{files[2]}: has the id y, z, as another file has; an id may be in one alone"
    with pytest.raises(ConfigError, match="has the id x, y, as another file has"):
        read_claims([files[0], files[0]])
