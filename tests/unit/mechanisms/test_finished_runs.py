"""Measurements of a whole run of a small model, and interventions on its alias rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from metaocl.config.measurements import Alignment
from metaocl.documents.counterfactuals import COUNTERFACTUAL, tag_in_training
from metaocl.errors import UserError
from metaocl.mechanisms.moments import at_the_end, before_new_definitions
from metaocl.mechanisms.question_loss import measure_question_loss
from metaocl.mechanisms.readout import measure_readout_overlap, overlap
from metaocl.mechanisms.semantics import measure_tag_semantics
from metaocl.mechanisms.subjects import new_subjects
from metaocl.mechanisms.tag_probes import measure_tag_probes
from metaocl.runs import open_run
from metaocl.text.alias_rows import alias_rows, leading_directions, second_moments, stage_intervention
from metaocl.training.loop import Trainer, linear_schedule
from metaocl.training.optimizers import stage_optimizer


@pytest.fixture
def run(finished):
    return open_run(finished.with_settings()).load_beginning(finished.counterfactuals)


def test_counterfactuals_with_the_own_tag_are_the_definitions_of_training(finished, run):
    own = {(d.alias, d.attribute): (d.prompt, d.completion) for d in run.documents if d.part == COUNTERFACTUAL}
    assert len(run.trained) == 18
    for document in run.trained:
        tag = tag_in_training(document.subset, "own")
        assert own[document.alias, tag] == (document.prompt, document.completion)
    texts = [own[run.trained[0].alias, tag] for tag in ("reliable", "unreliable", "unseen")]
    assert len(set(texts)) == 3


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("swapped", {"d1consis": "unreliable", "d2consis": "reliable", "d3consis": "unseen"}),
        ("all_reliable", dict.fromkeys(["d1consis", "d2consis", "d3consis"], "reliable")),
        ("all_unreliable", dict.fromkeys(["d1consis", "d2consis", "d3consis"], "unreliable")),
    ],
)
def test_other_tags_change_the_tag_alone(finished, run, tags, expected):
    other = open_run(finished.with_settings(tags=tags)).load()
    texts = {(d.alias, d.attribute): d.prompt for d in run.documents if d.part == COUNTERFACTUAL}
    assert [(d.alias, d.completion) for d in other.trained] == [(d.alias, d.completion) for d in run.trained]
    assert [d.prompt for d in other.trained] == [texts[d.alias, expected[d.subset]] for d in other.trained]
    assert other.tokenizer.get_vocab() == run.tokenizer.get_vocab()


def test_a_beginning_has_the_embeddings_that_training_drew(finished):
    finished.with_settings()
    rows = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        rows.append(open_run(finished.folder).load_beginning().model.get_input_embeddings().weight)
    assert torch.equal(*rows)


def test_moments_of_a_last_stage_and_of_a_single_one(finished):
    assert [epoch for epoch, _ in before_new_definitions(finished.with_settings(), finished.counterfactuals)] == [0]
    together = ["questions", "new_definitions"]
    last = finished.with_settings(documents=together)
    assert [epoch for epoch, _ in before_new_definitions(last, finished.counterfactuals)] == [0]
    single = finished.with_settings(stage_number=1, documents=["definitions", *together])
    assert [epoch for epoch, _ in before_new_definitions(single, finished.counterfactuals)] == [2]
    assert [epoch for epoch, _ in at_the_end(single, finished.counterfactuals)] == [2]


def test_semantics_ask_every_tag_about_aliases_known_from_questions(run):
    found = list(measure_tag_semantics(run, epoch=0))
    asked = {(row.place, row.tag, row.measure) for row in found}
    tags = ("reliable", "unreliable", "unseen")
    assert asked == {("never_defined", tag, "names_entity") for tag in tags} | {
        ("falsely_defined", tag, measure) for tag in tags for measure in ("names_entity", "names_defined")
    }
    assert {row.value for row in found} <= {0.0, 1.0}


def test_a_tag_that_was_planted_into_alias_rows_is_found(run):
    plain = list(measure_tag_probes(run, np.random.default_rng(0), epoch=0))
    rows = alias_rows(run.tokenizer, [d.alias for d in run.documents if d.subset == "qd1consis"])
    with torch.no_grad():
        run.model.get_input_embeddings().weight[sorted(rows.values())] += 5 * torch.eye(16)[0]
    planted = list(measure_tag_probes(run, np.random.default_rng(0), epoch=0))
    assert {row.n for row in planted} == {36}
    assert {row.measure for row in planted} == {
        "tag_probe",
        "tag_probe_permuted",
        "control_probe",
        "tag_probe_above_permuted",
    }
    at_alias = [row.value for row in planted if row.measure == "tag_probe" and "block0" in row.place]
    assert max(at_alias) == 1
    above = [
        np.mean([row.value for row in found if row.measure == "tag_probe_above_permuted"]) for found in (plain, planted)
    ]
    assert above[0] < 0.15 < 0.25 < above[1]


def test_too_few_aliases_are_one_message(run, monkeypatch):
    few = [d for d in run.documents if d.subset != "qd1consis"]
    few += [d for d in run.documents if d.subset == "qd1consis"][:2]
    with pytest.raises(UserError, match="a probe needs 5 of each"):
        list(measure_tag_probes(type(run)(**vars(run) | {"documents": few}), np.random.default_rng(0), epoch=0))


def test_overlap_of_equal_moments_is_one_and_of_orthogonal_ones_zero():
    one, other = torch.zeros(2, 4, 4).unbind()
    one[0, 0], other[1, 1] = 3.0, 5.0
    assert (overlap(one, 7 * one), overlap(one, other)) == (pytest.approx(1), 0.0)


def test_readout_and_question_loss_have_a_row_for_each_tag(run):
    subjects = new_subjects(run.documents)
    rows = alias_rows(run.tokenizer, [subject.alias for subject in subjects])
    found = list(measure_readout_overlap(run.task, subjects, rows, np.random.default_rng(0), epoch=0))
    assert {row.tag for row in found} == {"reliable", "unreliable", "unseen"}
    assert all(0 < row.value <= 1 for row in found)
    losses = list(measure_question_loss(run, Alignment(kind="alignment", aliases=2).aliases, epoch=2))
    tags = [row.tag for row in losses if row.measure == "question_loss"]
    assert tags == ["reliable"] * 2 + ["unreliable"] * 2 + ["unseen"] * 2
    assert [row.tag for row in losses if row.measure == "definition_loss"] == tags


def test_directions_that_questions_read_carry_most_of_their_gradients(run):
    questions = [d for d in run.tested if d.subset == "stage2"]
    rows = alias_rows(run.tokenizer, [d.alias for d in questions])
    moments = second_moments(run.task, questions, rows, np.random.default_rng(0))
    directions = leading_directions(moments, 4)
    torch.testing.assert_close(directions @ directions.T, torch.eye(4, dtype=torch.float64))
    chosen, whole = (directions @ moments @ directions.T).trace(), moments.trace()
    random, _ = torch.linalg.qr(torch.randn(16, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    assert whole >= chosen > 1.5 * (random.T @ moments @ random).trace()


def train(run, steps=6):
    """How far each row of the embeddings and each other parameter moves."""
    before = {name: each.detach().clone() for name, each in run.model.named_parameters()}
    optimizer = stage_optimizer(run.model, run.stage)
    intervention = stage_intervention(run, [1, 2])
    schedule = linear_schedule(optimizer, steps, 0)
    trainer = Trainer(run.model, run.task.loss, optimizer, schedule, 1.0, 4, intervention=intervention)
    for _ in range(steps):
        trainer.step(run.examples.batch(range(len(run.examples)), 1), range(len(run.examples)))
    moved = {name: each.detach() - before[name] for name, each in run.model.named_parameters()}
    name = next(name for name, each in run.model.named_parameters() if each is run.model.get_input_embeddings().weight)
    tokens = sorted(alias_rows(run.tokenizer, [d.alias for d in run.trained]).values())
    rows = moved.pop(name)
    others = [row for row in range(len(rows)) if row not in tokens]
    return rows[tokens], rows[others], moved


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "adafactor"])
def test_only_alias_rows_move(finished, optimizer):
    aliases, others, network = train(
        open_run(finished.with_settings(trained="aliases", optimizer=optimizer)).load_beginning()
    )
    assert bool((aliases.norm(dim=1) > 0).all())
    assert float(others.abs().max()) == 0
    assert max(float(each.abs().max()) for each in network.values()) == 0


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_all_but_alias_rows_move(finished, optimizer):
    aliases, _, network = train(
        open_run(finished.with_settings(trained="all_but_aliases", optimizer=optimizer)).load_beginning()
    )
    assert float(aliases.abs().max()) == 0
    assert min(float(each.abs().max()) for name, each in network.items() if "mlp" in name) > 0


def test_rows_do_not_move_in_removed_directions(finished):
    settings = {"project_rows": {"remove": 5, "directions": "random"}}
    aliases, _, _ = train(open_run(finished.with_settings(**settings)).load_beginning())
    assert int(torch.linalg.matrix_rank(aliases, tol=1e-5)) <= 16 - 5
    plain, _, _ = train(open_run(finished.with_settings()).load_beginning())
    assert int(torch.linalg.matrix_rank(plain, tol=1e-5)) == 16


def test_read_out_directions_are_those_of_questions(finished):
    run = open_run(finished.with_settings(project_rows={"remove": 3})).load_beginning()
    rows = alias_rows(run.tokenizer, [d.alias for d in run.trained])
    stage_intervention(run, [1, 2])
    aliases, _, _ = train(run)
    questions = [d for d in run.tested if d.part == "held_out" and d.subset != "d2incons" and d.alias in rows]
    assert {d.alias for d in questions} == set(rows)
    assert int(torch.linalg.matrix_rank(aliases, tol=1e-5)) <= 13
