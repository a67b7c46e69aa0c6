"""Interventions on saved models where it is known what carries the effect."""

from __future__ import annotations

import pytest
import torch

from metaocl.mechanisms import steering, transplants
from metaocl.mechanisms.steering import measure_steering, state_differences, states_moved
from metaocl.mechanisms.transplants import exact_matches, measure_transplant, questions_and_rows, rows_of, rows_replaced
from metaocl.runs import open_run


@pytest.fixture
def pair(finished):
    """A run and its twin: one network, whose rows of new aliases say in their first number which tag they had."""
    run = open_run(finished.with_settings()).load(counterfactuals=finished.counterfactuals)
    twin = open_run(finished.with_settings(tags="swapped")).load(counterfactuals=finished.counterfactuals)
    tags = {"d1consis": 1.0, "d2consis": -1.0, "d3consis": 0.0}
    for each, sign in ((run, 1), (twin, -1)):
        subsets = {d.alias: d.subset for d in each.trained}
        _, rows = questions_and_rows(each)
        with torch.no_grad():
            for alias, row in rows.items():
                each.model.get_input_embeddings().weight[row, 0] = 9 * sign * tags[subsets[alias]]
    return run, twin


def by_rows(run, documents):
    """Right about an alias if the first number of its row says that its tag was reliable."""
    _, rows = questions_and_rows(run)
    weight = run.model.get_input_embeddings().weight
    return {d.alias: (subset, float(weight[rows[d.alias], 0] > 0), 1) for subset, d in documents}


def means(found, measure):
    values = {tag: [row.value for row in found if (row.measure, row.tag) == (measure, tag)] for tag in TAGS}
    return [sum(values[tag]) / len(values[tag]) for tag in TAGS]


TAGS = ("reliable", "unreliable")


def test_an_effect_that_rows_carry_goes_with_the_rows(pair, monkeypatch):
    monkeypatch.setattr(transplants, "exact_matches", by_rows)
    found = list(measure_transplant(*pair, epoch=2))
    assert means(found, "transplant_rows") == [1, 0]
    assert means(found, "transplant_network") == [0.5, 0.5]


def test_an_effect_of_the_network_stays_there(pair, monkeypatch):
    run, _ = pair
    reliable = {d.alias for d in run.trained if d.subset == "d1consis"}

    def by_network(each, documents):
        right = reliable if each is run else {d.alias for d in run.trained if d.subset == "d2consis"}
        return {d.alias: (subset, float(d.alias in right), 1) for subset, d in documents}

    monkeypatch.setattr(transplants, "exact_matches", by_network)
    found = list(measure_transplant(*pair, epoch=2))
    assert means(found, "transplant_rows") == [0.5, 0.5]
    assert means(found, "transplant_network") == [1, 0]


def test_rows_are_there_again_behind_a_transplant(pair):
    run, twin = pair
    documents, rows = questions_and_rows(run)
    before, plain = rows_of(run, rows), exact_matches(run, documents)
    with rows_replaced(run, rows, rows_of(twin, rows)):
        assert not torch.equal(rows_of(run, rows), before)
    assert torch.equal(rows_of(run, rows), before)
    assert exact_matches(run, documents) == plain


def test_a_state_is_moved_at_the_aliases_alone_and_by_as_much(pair):
    run, _ = pair
    tokens, direction = torch.tensor([[5, 9, 5, 7]]), torch.arange(16.0)

    def entering(block):
        return run.model(input_ids=tokens, output_hidden_states=True).hidden_states[block]

    with torch.inference_mode():
        seen = []
        plain = entering(1)
        with states_moved(run, 1, [5], direction):
            hook = run.model.transformer.h[1].ln_1.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
            entering(1)
            hook.remove()
    moved = seen[0] - plain
    torch.testing.assert_close(moved[0, [0, 2]], direction.expand(2, -1))
    assert float(moved[0, [1, 3]].abs().max()) == 0


def test_the_first_states_differ_by_what_was_planted(pair):
    run, _ = pair
    documents, rows = questions_and_rows(run)
    first, *_ = state_differences(run, documents, rows)
    assert float(first[0]) == pytest.approx(18, abs=1e-3)


def test_steering_finds_a_state_that_helps_and_its_control_the_row(pair, monkeypatch):
    moved = []
    plain_moved = steering.states_moved

    def watched(run, block, tokens, direction):
        moved.append(float(direction[0]))
        return plain_moved(run, block, tokens, direction)

    def right(run, documents):
        return {d.alias: (subset, float(len(moved) == 1), 1) for subset, d in documents}

    monkeypatch.setattr(steering, "states_moved", watched)
    monkeypatch.setattr(steering, "exact_matches", right)
    found = list(measure_steering(*pair, strength=2.0, epoch=2))
    gains = {(row.measure, row.place): row.value for row in found}
    assert gains == {
        ("steering", "block0"): 1.0,
        ("steering", "block1"): 0.0,
        ("steering", ""): 1.0,
        ("steering_control", ""): 0.0,
    }
    assert moved[0] == pytest.approx(36, abs=1e-2)
    assert {row.subset for row in found} == {"d2consis"}
