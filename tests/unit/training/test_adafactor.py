"""Adafactor that takes parameters of one shape together, beside transformers', which takes them one by one."""

from __future__ import annotations

import pytest
import torch
from transformers.optimization import Adafactor as TransformersAdafactor

from metaocl.training import adafactor
from metaocl.training.adafactor import Adafactor

SHAPES = [(4, 6), (6, 4), (4, 6), (5,), (4, 6), (1, 6), (3, 4, 6), (5,), (4, 6), (1,), (9, 9)]


def make_parameters():
    torch.manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape, dtype=torch.float64)) for shape in SHAPES]


def groups(parameters):
    return [{"params": parameters[:3], "lr": 0.03}, {"params": parameters[3:], "lr": 0.01}]


def set_gradients(parameters, step):
    """Of very different sizes; some parameters have none in every third step, and one never has any."""
    torch.manual_seed(step)
    for place, parameter in enumerate(parameters):
        gradient = torch.randn_like(parameter) * 10.0 ** (place % 5 - 2)
        parameter.grad = None if place == 10 or (place % 2 and step % 3 == 2) else gradient


@pytest.mark.parametrize("most_stacked", [1, 50, 2**23])
def test_every_step_is_that_of_transformers(monkeypatch, most_stacked):
    monkeypatch.setitem(adafactor.MOST_STACKED, "cpu", most_stacked)
    mine, theirs = make_parameters(), make_parameters()
    optimizer = Adafactor(groups(mine), lr=1.0)
    reference = TransformersAdafactor(groups(theirs), lr=1.0, scale_parameter=False, relative_step=False)
    for step in range(12):
        for parameters, either in ((mine, optimizer), (theirs, reference)):
            set_gradients(parameters, step)
            either.step()
        for one, other in zip(mine, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)
            kept = reference.state[other]
            assert optimizer.state[one].keys() == kept.keys() - {"RMS"}
            for key, value in optimizer.state[one].items():
                torch.testing.assert_close(value, kept[key], rtol=1e-12, atol=0.0)
    assert torch.equal(mine[10], make_parameters()[10])


def test_a_gradient_of_zero_moves_nothing():
    parameters = make_parameters()
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    Adafactor(groups(parameters), lr=1.0).step()
    assert all(torch.equal(one, before) for one, before in zip(parameters, make_parameters(), strict=True))
