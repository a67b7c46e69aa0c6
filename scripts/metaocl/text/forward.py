"""The logits of a model: by its own forward, or by a short cut where a trial has shown that it is the same.

The short cut multiplies the output layer's matrix with the hidden states that are asked for, and with its rows that are
asked for, and with no others. A model may do more between its body and its logits: a prediction head, a factor, a cap.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch.nn import functional
from torch.nn.modules.module import register_module_forward_hook

# Of the largest number compared. Another order of addition makes some 1e-6 of it in float32 (3e-6 in SmolLM2), one
# token too many or too few in an attention layer hundreds of times as much.
ROUNDING = 5e-5


@dataclass(frozen=True)
class Output:
    """How a causal model's logits are had, as a trial has found.

    short_cut: they are the output layer of the body's last hidden states, and nothing else.
    last_only: the model's own forward computes those of a row's last token alone, where it is asked to.
    """

    short_cut: bool
    last_only: bool


# What trials have found stays with the model that was tried, and goes with it into its files and out of them.
_FINDINGS: WeakKeyDictionary[Any, dict[str, bool]] = WeakKeyDictionary()


def findings(model: Any) -> dict[str, bool]:
    """What trials of a model have found so far, by name, to be added to: it depends on no text and on no weights."""
    return _FINDINGS.setdefault(model, {})


def output_of(model: Any) -> Output:
    """How a causal model's logits are had; tried when it is first asked for."""
    found = findings(model)
    if "short_cut" not in found:
        found |= {"short_cut": _short_cut_agrees(model), "last_only": _last_only_agrees(model)}
    return Output(found["short_cut"], found["last_only"])


def causal_logits(
    model: Any, select: Callable[[torch.Tensor], torch.Tensor], outputs: torch.Tensor | None, **inputs: Any
) -> tuple[torch.Tensor, Any]:
    """Logits (n, outputs) of a causal model where `select` wants them, and all that the model returned.

    select: takes n of the last hidden states or logits (rows, length, …), and gives (n, …).
    outputs: int64, the tokens that logits are wanted for; None for the whole vocabulary.
    """
    if output_of(model).short_cut:
        step = model.base_model(**inputs)
        return head_logits(model, select(step.last_hidden_state), outputs), step
    step = model(**inputs)
    logits = select(step.logits)
    return logits if outputs is None else logits[:, outputs], step


def without_cache(model: Any) -> dict[str, bool]:
    """The argument that keeps a model from filling a cache; one without a cache knows none."""
    return {"use_cache": False} if "use_cache" in _arguments(model.__class__) else {}


def for_last_token(model: Any) -> dict[str, int]:
    """The argument that makes a model's own forward compute the logits of each row's last token only."""
    output = output_of(model)
    return {"logits_to_keep": 1} if output.last_only and not output.short_cut else {}


@cache
def _arguments(kind: type) -> frozenset[str]:
    """Names of the arguments of an architecture's forward."""
    return frozenset(inspect.signature(kind.forward).parameters)  # type: ignore[attr-defined]


def head_logits(model: Any, hidden: torch.Tensor, outputs: torch.Tensor | None) -> torch.Tensor:
    """What a model's output layer makes of hidden states (…, width): (…, tokens), over `outputs` or the vocabulary.

    Rows of the output matrix that nobody asks for are never multiplied.
    """
    head = model.get_output_embeddings()
    if outputs is None:
        return head(hidden)
    bias = None if head.bias is None else head.bias[outputs]
    return functional.linear(hidden, head.weight[outputs], bias)


@contextmanager
def trial(model: Any, training: bool = False) -> Iterator[None]:
    """A context in which a model is tried in full precision; its mode and the random generators stay as they are."""
    before = model.training
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.no_grad(), torch.autocast(model.device.type, enabled=False), torch.random.fork_rng(devices):
        model.train(training)
        try:
            yield
        finally:
            model.train(before)


def agree(found: torch.Tensor, expected: torch.Tensor, rounding: float = ROUNDING) -> bool:
    """Whether two tensors are the same but for rounding."""
    return found.shape == expected.shape and bool((found - expected).abs().max() <= rounding * expected.abs().max())


def text(model: Any, length: int) -> torch.Tensor:
    """Tokens (1, length) to try a model with: from the middle of its vocabulary, as special ones are at its ends."""
    tokens = model.get_input_embeddings().num_embeddings
    return (tokens // 2 + torch.arange(length, device=model.device)).unsqueeze(0) % tokens


def _short_cut_agrees(model: Any) -> bool:
    """Whether logits are the output layer of the body's last hidden states, in training too.

    Equal numbers would not prove it: a cap leaves small logits alone, and so does a bias that starts at zero. So what
    the output layer gets must be the very tensor that the body ends with, and the logits the very one that it gives.
    """
    try:
        head, tokens = model.get_output_embeddings(), text(model, 4)
        for training in (True, False):
            with trial(model, training):
                own, logits = _record(lambda: model(input_ids=tokens, use_cache=False).logits)
                body, hidden = _record(lambda: model.base_model(input_ids=tokens, use_cache=False).last_hidden_state)
            ((received, given, copy),) = [run for module, *run in own if module is head]
            last = {id(module) for module, _, given, _ in body if _is(given, hidden)}
            if not (_is(given, logits) and torch.equal(copy, logits)):
                return False
            if not any(id(module) in last for module, _, given, _ in own if _is(given, received)):
                return False
        with trial(model):
            few = torch.arange(0, logits.shape[-1], 2, device=model.device)
            return agree(hidden, received) and agree(head_logits(model, received, few), logits[..., few])
    except torch.OutOfMemoryError:
        raise  # says nothing about the model
    # A model without this body, output layer or argument has no short cut; what else may fail, its own forward shows.
    except Exception:
        return False


def _record(run: Callable[[], torch.Tensor]) -> tuple[list[tuple[Any, Any, Any, Any]], torch.Tensor]:
    """What `run` gives, and for each module that it calls: the module, its first input, its output, and a copy of that.

    All are kept until the end, so that no two tensors can lie in the same memory but by intent.
    """
    calls: list[tuple[Any, Any, Any, Any]] = []

    def note(module: Any, inputs: tuple[Any, ...], output: Any) -> None:
        if isinstance(output, torch.Tensor):
            calls.append((module, inputs[0] if inputs else None, output, output.clone()))

    hook = register_module_forward_hook(note)
    try:
        return calls, run()
    finally:
        hook.remove()


def _is(one: Any, other: torch.Tensor) -> bool:
    """Whether two tensors are the same numbers in the same memory, whatever their shapes."""
    return isinstance(one, torch.Tensor) and (one.data_ptr(), one.numel(), one.dtype) == (
        other.data_ptr(),
        other.numel(),
        other.dtype,
    )


def _last_only_agrees(model: Any) -> bool:
    """Whether `logits_to_keep` makes the model's own forward compute the last token's logits and no others."""
    tokens = text(model, 4)
    try:
        with trial(model):
            logits = model(input_ids=tokens).logits[:, -1:]
            return agree(model(input_ids=tokens, logits_to_keep=1).logits, logits)
    except torch.OutOfMemoryError:
        raise  # says nothing about the model
    except Exception:
        return False
