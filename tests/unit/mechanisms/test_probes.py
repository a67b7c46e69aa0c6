"""Probes find what was planted in states, and nothing where the labels are permuted."""

from __future__ import annotations

import numpy as np
import pytest

from metaocl.mechanisms.probes import balanced, probe_accuracy


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_a_planted_tag_is_found_and_permuted_labels_are_not(random):
    labels = np.arange(200) % 2
    states = random.standard_normal((200, 32))
    states[:, 5] += 6 * labels
    assert probe_accuracy(states, labels) > 0.95
    assert abs(probe_accuracy(states, random.permutation(labels)) - 0.5) < 0.12


def test_chance_is_a_half_where_nothing_was_planted(random):
    accuracies = [
        probe_accuracy(random.standard_normal((100, 16)), random.permutation(np.arange(100) % 2)) for _ in range(20)
    ]
    assert abs(np.mean(accuracies) - 0.5) < 0.05


def test_equal_states_say_exactly_nothing():
    assert probe_accuracy(np.ones((20, 4)), np.arange(20) % 2) == 0.5


def test_classes_are_made_equally_frequent(random):
    labels = np.array([0] * 30 + [1] * 7)
    kept = balanced(labels, random)
    assert sorted(labels[kept].tolist()) == [0] * 7 + [1] * 7
    assert len(set(kept.tolist())) == 14
