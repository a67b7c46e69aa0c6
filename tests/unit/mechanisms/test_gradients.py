"""Gradients of models whose gradients are known, compared by group of parameters."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad

from metaocl.mechanisms.gradients import Gradient, Row, compare_with, gradient_of
from metaocl.mechanisms.parameters import embedding_name, parameter_groups


class Linear(nn.Module):
    """y = w·x + b; the gradient of (y − t)² / 2 is (y − t) x for w and y − t for b."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))
        self.b = nn.Parameter(torch.tensor(0.25, dtype=torch.float64))


def squared(model, batch):
    x, target = batch
    return 0.5 * (model.w @ x + model.b - target) ** 2, 1


def known(model, batch):
    x, target = batch
    error = float(model.w.detach() @ x + model.b.detach() - target)
    return [error * float(each) for each in x], error


BATCHES = (
    (torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64), 3.0),
    (torch.tensor([0.5, -1.0, 4.0], dtype=torch.float64), -2.0),
)


def test_dot_products_norms_and_cosines_are_those_of_known_gradients():
    model = Linear()
    (first, first_b), (second, second_b) = (known(model, batch) for batch in BATCHES)
    held = gradient_of(model, squared, BATCHES[1])
    (found,) = compare_with([held], model, squared, BATCHES[0], {"w": "weights", "b": "bias"})
    dot = sum(a * b for a, b in zip(first, second, strict=True))
    norms = [sum(a * a for a in each) ** 0.5 for each in (first, second)]
    assert found["weights"].dot == pytest.approx(dot, rel=1e-9)
    assert found["weights"].cosine == pytest.approx(dot / (norms[0] * norms[1]), abs=1e-9)
    assert found["all"].dot == pytest.approx(dot + first_b * second_b, rel=1e-9)
    assert found["all"].first_norm == pytest.approx((norms[0] ** 2 + first_b**2) ** 0.5, rel=1e-9)


def test_groups_come_in_the_order_of_the_parameters_and_so_do_their_sums():
    names = [f"p{number:02}" for number in range(20)]
    model = nn.ParameterDict({name: torch.ones(1) for name in names})
    held = [Gradient({name: torch.ones(1) for name in names[5:18]}, dict.fromkeys(names[5:18], 1.0)), Gradient({}, {})]
    groups = {name: f"group of {name}" for name in names}
    found = compare_with(held, model, lambda model, some: (sum(model[name] for name in some), 1), names[:15], groups)
    assert [list(each) for each in found] == [["all", *(f"group of {name}" for name in names[:18])]] * 2
    assert [each["all"].dot for each in found] == [10, 0]


def test_nothing_of_a_gradient_that_is_compared_stays(gradients):
    model, batches, (held, _) = gradients
    compare_with([held], model, lm_loss, batches[1], parameter_groups(model))
    assert {parameter.grad for parameter in model.parameters()} == {None}
    assert not any(parameter._post_accumulate_grad_hooks for parameter in model.parameters())


def test_a_gradient_that_is_zero_points_nowhere():
    model = Linear()
    fitted = (torch.zeros(3, dtype=torch.float64), 0.25)
    held = gradient_of(model, squared, BATCHES[0])
    (found,) = compare_with([held], model, squared, fitted, {"w": "a", "b": "a"})
    assert (found["all"].dot, found["all"].cosine) == (0.0, 0.0)


def lm_loss(model, tokens):
    logits = model(input_ids=tokens[:, :-1]).logits
    return nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()), tokens.numel()


@pytest.fixture
def gradients(causal_model):
    causal_model.double().eval()
    batches = [torch.tensor([[7, 8, 9]]), torch.tensor([[7, 9, 10]])]
    return causal_model, batches, [gradient_of(causal_model, lm_loss, batch) for batch in batches]


def test_groups_partition_the_parameters_of_every_architecture(gradients):
    model, batches, (first, second) = gradients
    groups = parameter_groups(model)
    assert groups.keys() == {name for name, _ in model.named_parameters()}
    assert {"embeddings", "attention", "mlp", "norms"} <= set(groups.values())
    row = Row(embedding_name(model), 7)
    found, itself = compare_with([second, first], model, lm_loss, batches[0], groups, row)
    assert found["all"].dot == pytest.approx(
        sum(float((part * second.parts[name]).sum()) for name, part in first.parts.items())
    )
    assert [each.cosine for each in itself.values()] == pytest.approx([1] * len(itself))
    parts = [each for group, each in found.items() if group not in ("all", "all_but_row")]
    assert sum(each.dot for each in parts) == pytest.approx(found["all"].dot, rel=1e-6)
    assert found["all_but_row"].dot + found["alias_row"].dot == pytest.approx(found["all"].dot, rel=1e-6)


def test_gradients_are_those_of_torch_func_and_a_tied_matrix_adds_its_roles(gradients):
    model, batches, found = gradients
    parameters = {name: each.detach() for name, each in model.named_parameters()}

    def loss(given, tokens):
        logits = functional_call(model, given, (), {"input_ids": tokens[:, :-1]}).logits
        return nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())

    for batch, gradient in zip(batches, found, strict=True):
        witness = grad(loss)(parameters, batch)
        for name, expected in witness.items():
            torch.testing.assert_close(gradient.parts[name], expected, rtol=1e-6, atol=1e-9)
