"""Measurements of a network for images: the same numbers as of a language model, from pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from metaocl.artifacts.tables import write_json, write_rows
from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.config.models import ConvNet
from metaocl.config.plans import Stage
from metaocl.config.sources import Grids
from metaocl.documents.aliases import divide_stage2, draw_aliases
from metaocl.documents.counterfactuals import COUNTERFACTUAL, tag_in_training, write_counterfactuals
from metaocl.documents.records import Document
from metaocl.documents.writing import write_stage1_documents, write_stage2_documents
from metaocl.errors import UserError
from metaocl.facts.grids import draw_grids
from metaocl.mechanisms.alignment import DEFINITIONS, QUESTIONS, measure_alignment
from metaocl.mechanisms.parameters import parameter_groups
from metaocl.mechanisms.question_loss import measure_question_loss
from metaocl.mechanisms.question_states import CLASSES
from metaocl.mechanisms.semantics import measure_tag_semantics
from metaocl.mechanisms.subjects import new_subjects
from metaocl.mechanisms.tag_probes import measure_tag_probes
from metaocl.runs import FinishedStage, open_run
from metaocl.vision.models import new_network, save_network

SHARES = {"qd1": "0.35", "qd2": "0.35", "q": "0.1", "d1consis": "0.1", "d2consis": "0.05", "d3consis": "0.05"}
LAST = {"documents": ["new_definitions"], "epochs": 2, "batch_size": 4, "optimizer": "adamw", "learning_rate": 1e-2}
TAGS = ("reliable", "unreliable", "unseen")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A last stage that looks finished, though nothing was trained."""
    folder = tmp_path_factory.mktemp("pictures")
    define_type = DefineType(alias_style="digits", alias_letters=9)
    dataset = Dataset(source="grids", entities=60, held_out_share="1/3", test_sets=[], shares=SHARES)
    facts = draw_grids(60, Grids())
    aliases = draw_aliases(facts, dataset, define_type, 3)
    divided = divide_stage2(aliases, dataset, 3, 0)
    earlier = write_stage1_documents(aliases, facts, dataset, define_type, 3)
    new = write_stage2_documents(divided, facts, dataset, define_type, 3, 0)
    write_rows([*earlier, *new], Document, folder / "documents.parquet")
    counterfactuals = write_counterfactuals(aliases, divided, define_type, 3, 0)
    write_rows(counterfactuals, Document, folder / "counterfactuals.parquet")
    save_network(new_network(ConvNet(letters=5, channels=4, width=16), seed=0), folder / "model")
    return folder


def opened(folder, load=FinishedStage.load_beginning, **stage):
    settings = {"initial_model": "model", "stage_number": 2, "seeds": [3, 0], "documents": ["documents.parquet"]}
    record = Stage(**LAST | stage).model_dump(mode="json")
    write_json({"settings": settings | {"stage": record}}, folder / "run.json")
    return load(open_run(folder), counterfactuals=folder / "counterfactuals.parquet")


@pytest.fixture
def run(folder):
    return opened(folder)


def pictures(run, documents, epoch):
    return run.task.examples(documents).batch(range(len(documents)), epoch).pictures


def test_pictures_of_one_variable_differ_between_tags_in_the_tag_alone(run):
    subject = new_subjects(run.documents)[0]
    drawn = [pictures(run, subject.definitions[tag], DEFINITIONS) for tag in TAGS]
    assert all(torch.equal(each[:, 8:], drawn[0][:, 8:]) for each in drawn)
    assert len({each[:, :8].numpy().tobytes() for each in drawn}) == 3


def test_questions_are_in_another_handwriting_than_definitions(run):
    subject = new_subjects(run.documents)[0]
    asked = pictures(run, subject.questions, QUESTIONS)[:, 8:]
    defined = pictures(run, subject.definitions["reliable"], DEFINITIONS)[:, 8:]
    assert float((asked - defined).abs().mean(dim=(1, 2)).min()) > 0.05
    same = pictures(run, subject.questions, DEFINITIONS)[:1, 8:]
    inside = np.s_[:, 17:, 17:]  # a cell without a frame
    assert torch.equal(same[inside], defined[inside]), "else there is nothing to avoid"


def test_new_definitions_have_the_tags_of_their_stage_in_training_and_in_tests(folder, run):
    swapped = opened(folder, FinishedStage.load, tags="swapped")
    texts = {(d.alias, d.attribute): d.prompt for d in run.documents if d.part == COUNTERFACTUAL}
    expected = {d.alias: texts[d.alias, tag_in_training(d.subset, "swapped")] for d in run.trained}
    assert {d.alias: d.prompt for d in swapped.trained} == expected
    letters = [d for d in swapped.tested if d.part == "definition_letters" and d.alias in expected]
    assert len(letters) == 9 * len(expected)
    assert all(d.prompt == expected[d.alias] for d in letters)
    for tag, pattern in run.task.patterns.items():
        assert np.array_equal(swapped.task.patterns[tag], pattern)


def test_alignment_is_measured_in_each_part_of_the_network_and_in_no_row(run):
    subjects = new_subjects(run.documents, most=1)
    found = list(measure_alignment(run.task, subjects, parameter_groups(run.model), None, epoch=0))
    parts = {"stem", "mix", "dense", "block", "heads", "norms"}
    assert {row.place for row in found} == {"all", *parts}
    assert {row.tag for row in found} == set(TAGS)
    dots = {row.place: row.value for row in found if (row.measure, row.tag, row.alias) == ("dot", *first_of(found))}
    assert sum(dots[part] for part in parts) == pytest.approx(dots["all"], rel=1e-4)


def first_of(found):
    return found[0].tag, found[0].alias


def test_losses_of_every_new_variable(run):
    found = list(measure_question_loss(run, None, epoch=2))
    assert [row.n for row in found if row.measure == "question_loss"] == [9] * 12
    assert [row.n for row in found if row.measure == "definition_loss"] == [1] * 12
    assert all(row.value > 0 for row in found)


class Knowing:
    """Answers as if tags were read: the true letter behind one tag, never a right one behind the others."""

    model = None

    def __init__(self, tag):
        self.tag = tag

    def evaluator(self, documents):
        self.documents = documents
        return self

    def measure(self, model):
        right = [d.completion.strip() if d.prompt.startswith(self.tag) else "?" for d in self.documents]
        return {"answer": np.array(right, dtype=object)}


def test_planted_semantics_are_found_behind_their_tag_alone(run):
    reliable = next(d.prompt.split()[0] for d in run.documents if d.attribute == "reliable")
    found = list(measure_tag_semantics(replace(run, task=Knowing(reliable)), epoch=0))
    named = {(row.tag, row.n, row.value) for row in found if row.measure == "names_entity"}
    assert named == {("reliable", 9, 1.0), ("unreliable", 9, 0.0), ("unseen", 9, 0.0)}
    asked = {row.alias for row in found if row.place == "never_defined"}
    assert asked == {d.alias for d in run.documents if d.subset == "q"}


def test_what_false_definitions_name_is_compared_letter_by_letter(run):
    told = {d.alias: d.completion.strip() for d in run.documents if d.part == "definitions"}
    reliable = next(d.prompt.split()[0] for d in run.documents if d.attribute == "reliable")
    found = list(measure_tag_semantics(replace(run, task=Knowing(reliable)), epoch=0))
    true = {d.alias: d.completion.strip() for d in run.documents if d.part == COUNTERFACTUAL}
    checked = [row for row in found if (row.measure, row.tag) == ("names_defined", "reliable")]
    for row in checked:
        same = [one == other for one, other in zip(told[row.alias], true[row.alias], strict=True)]
        assert row.value == pytest.approx(np.mean(same))
    assert 0 < np.mean([row.value for row in checked]) < 1


def with_planted_tag(documents):
    """Variables that begin with 0000 where the tag of their definition was reliable, and with 9999 elsewhere."""
    start = dict(zip(CLASSES, ("0000", "9999"), strict=True))
    return [
        replace(d, alias=start[d.subset] + d.alias[4:], prompt=start[d.subset] + d.prompt[4:])
        if d.subset in CLASSES and d.part in ("questions", "held_out")
        else d
        for d in documents
    ]


def test_a_tag_that_was_planted_into_pictures_is_found(run):
    def best(documents):
        found = list(measure_tag_probes(replace(run, documents=documents), np.random.default_rng(0), epoch=0))
        assert {row.n for row in found} == {42}
        parts = {row.place.split("/")[1] for row in found if row.place}
        assert parts == {"stem", "patch_norm", "mix", "dense", "norm", "block", "heads"}
        above = [row.value for row in found if row.measure == "tag_probe_above_permuted"]
        assert len(above) == 9
        return np.mean(above)

    assert best(run.documents) < 0.15 < 0.25 < best(with_planted_tag(run.documents))


def test_too_few_variables_are_one_message(run):
    few = [d for d in run.documents if d.subset != "qd1consis"]
    with pytest.raises(UserError, match="0 aliases of one of qd1consis and qd2incons; a probe needs 5 of each"):
        list(measure_tag_probes(replace(run, documents=few), np.random.default_rng(0), epoch=0))
