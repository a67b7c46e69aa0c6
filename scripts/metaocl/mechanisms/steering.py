"""Steering: the state of reliably defined aliases is added, at question time, to that of the others.

What a block writes at an alias's last token may never be read again, and a steering that does nothing would then mean
nothing. So it comes with a positive control: the difference of the alias's own row from that of the twin run, in which
its definition had the reliable tag.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from metaocl.documents.records import Document
from metaocl.errors import UserError
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.transplants import exact_matches, questions_and_rows, rows_of, rows_replaced
from metaocl.text.runs import Run

STEERED = "d2consis"


def measure_steering(run: Run, twin: Run, strength: float, epoch: int) -> Iterator[Measured]:
    """The gain in exact match of each alias with the unreliable tag: `steering`, with the difference of the mean states
    of new aliases with either tag added before the blocks, each block apart (`place`) and the best of them; and
    `steering_control`, with the alias's row of the twin run.

    The best block is chosen by the questions that it is reported for, so it gains a little where none does anything.
    Raises UserError for an encoder-decoder, whose blocks have no states of a prompt alone.
    """
    if run.model.config.is_encoder_decoder:
        raise UserError(f"steering is for causal models; {run.model.config.model_type} is an encoder-decoder")
    everything, rows = questions_and_rows(run)
    questions = [(subset, document) for subset, document in everything if subset == STEERED]
    plain = exact_matches(run, questions)
    directions = state_differences(run, everything, rows)
    by_block = []
    for block, direction in enumerate(directions):
        steered = [rows[document.alias] for _, document in questions]
        with states_moved(run, block, steered, strength * direction):
            by_block.append(exact_matches(run, questions))
    with rows_replaced(run, rows, rows_of(twin, rows)):
        control = exact_matches(run, questions)
    gains = [sum(found[alias][1] - plain[alias][1] for alias in plain) for found in by_block]
    named = [(f"block{block}", "steering", found) for block, found in enumerate(by_block)]
    named += [("", "steering", by_block[gains.index(max(gains))]), ("", "steering_control", control)]
    for place, measure, found in named:
        for alias, (subset, value, count) in found.items():
            gain = value - plain[alias][1]
            yield Measured(epoch, subset, alias, "unreliable", place, measure, count, gain)


def state_differences(run: Run, questions: list[tuple[str, Document]], rows: dict[str, int]) -> list[torch.Tensor]:
    """Before each block (width,): the mean state at the alias of reliably, less that of unreliably defined ones."""
    sums: list[dict[str, list[torch.Tensor]]] = [{"d1consis": [], "d2consis": []} for _ in blocks_of(run.model)]
    with torch.inference_mode():
        for subset, document in questions:
            if subset not in sums[0]:
                continue
            prompt = run.tokenizer(document.prompt, return_tensors="pt")["input_ids"].to(run.model.device)
            place = int((prompt[0] == rows[document.alias]).nonzero()[-1])
            states = run.model(input_ids=prompt, output_hidden_states=True).hidden_states
            for block, each in enumerate(sums):
                each[subset].append(states[block][0, place])
    means = [{subset: torch.stack(states).mean(dim=0) for subset, states in each.items()} for each in sums]
    return [each["d1consis"] - each["d2consis"] for each in means]


def blocks_of(model: Any) -> nn.ModuleList:
    """The blocks of a causal model: its longest list of modules."""
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    return max(lists, key=len)


@contextmanager
def states_moved(run: Run, block: int, tokens: list[int], direction: torch.Tensor) -> Iterator[None]:
    """A context in which the states that enter a block at some tokens are moved in a direction (width,)."""
    wanted = torch.tensor(sorted(set(tokens)), device=run.model.device)
    read: list[torch.Tensor] = []

    def note(module: Any, inputs: tuple[Any, ...], given: Any) -> None:
        read[:] = [torch.isin(inputs[0], wanted)]

    def move(module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return (inputs[0] + read[0].unsqueeze(-1) * direction, *inputs[1:])

    hooks = [
        run.model.get_input_embeddings().register_forward_hook(note),
        blocks_of(run.model)[block].register_forward_pre_hook(move),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
