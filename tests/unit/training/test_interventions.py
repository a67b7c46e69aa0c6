"""Batches that are accumulated, and plain SGD."""

from __future__ import annotations

import pytest
import torch

from metaocl.config.plans import Stage
from metaocl.training.loop import _draw_batches
from metaocl.training.optimizers import stage_optimizer


def stage(**settings):
    return Stage(documents=["questions"], epochs=1, batch_size=4, **settings)


def draw(**settings):
    return _draw_batches(10, stage(**settings), torch.Generator().manual_seed(0))


@pytest.mark.parametrize("accumulate", [2, 3, 5])
def test_accumulated_batches_are_larger_and_as_many_and_see_all_documents_as_often(accumulate):
    plain, larger = draw(), draw(accumulate=accumulate)
    assert len(larger) == len(plain) == 3
    assert all(2 * accumulate <= len(batch) <= 4 * accumulate for batch in larger)  # of 4, 4 and 2 documents
    assert torch.bincount(torch.cat(larger)).tolist() == [accumulate] * 10
    assert torch.equal(torch.cat(larger)[:10], torch.cat(plain)), "the first pass has the order of the plain run"


@pytest.mark.parametrize("documents", [10, 12])
def test_as_many_batches_as_an_epoch_has_are_all_documents_once(documents):
    batches = _draw_batches(documents, stage(accumulate=3), torch.Generator().manual_seed(0))
    assert [sorted(batch.tolist()) for batch in batches] == [list(range(documents))] * 3


def test_sgd_moves_against_the_gradient_by_the_learning_rate_and_remembers_nothing():
    model = torch.nn.Linear(3, 1, bias=False)
    optimizer = stage_optimizer(model, stage(optimizer="sgd", learning_rate=0.1))
    for _ in range(2):
        before = model.weight.detach().clone()
        model.weight.grad = torch.tensor([[1.0, -2.0, 3.0]])
        optimizer.step()
        torch.testing.assert_close(model.weight.detach(), before - 0.1 * model.weight.grad)
