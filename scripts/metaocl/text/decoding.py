"""Greedy decoding of causal models and of encoder-decoders, with their cache where they have one that others share."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch.nn import functional

from metaocl.text.forward import causal_logits, for_last_token, without_cache
from metaocl.text.groups import Prompts


def decode_greedily(
    model: Any, prompts: Prompts, outputs: torch.Tensor | None, ends: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Continuations (n, at most the largest limit) of n prompts, and the logits of their first tokens.

    Nothing behind a continuation's own limit is part of it.
    outputs: int64, sorted, the only tokens that may be chosen, and that logits are for; None for the whole vocabulary.
    ends: bool (vocabulary,), the tokens that end an answer; an answer that has ended repeats its end.
    """
    reader = open_reader(model, prompts, outputs)
    tokens = first_tokens(model, prompts)
    answers = tokens.new_zeros(len(prompts), int(prompts.limits.max()))
    going = torch.arange(len(prompts), device=tokens.device)
    first_logits = torch.empty(0)
    for place in range(answers.shape[1]):
        logits = reader.read(tokens)
        if place == 0:
            first_logits = logits
        chosen = logits.argmax(dim=-1) if outputs is None else outputs[logits.argmax(dim=-1)]
        answers[going, place:] = chosen.unsqueeze(1)
        on = (~ends[chosen] & (prompts.limits[going] > place + 1)).nonzero().squeeze(1)
        if len(on) == 0:
            return answers[:, : place + 1], first_logits
        if len(on) < len(going):
            reader.keep(on)
            going, chosen = going[on], chosen[on]
        tokens = chosen.unsqueeze(1)
    return answers, first_logits


def open_reader(model: Any, prompts: Prompts, outputs: torch.Tensor | None) -> Reader:
    """What reads prompts in the way that they are made for."""
    if model.config.is_encoder_decoder:
        return _EncoderDecoderReader(model, prompts, outputs)
    return (_CausalReader if prompts.reading.cached else _PatientReader)(model, prompts, outputs)


def first_tokens(model: Any, prompts: Prompts) -> torch.Tensor:
    """What a reader is to read first, (prompts, length): the rests, or what an encoder-decoder's answers begin with."""
    rests = prompts.rests.tokens
    if model.config.is_encoder_decoder:
        return torch.full_like(rests[:, :1], model.config.decoder_start_token_id)
    return rests


class Reader(Protocol):
    """A model with all that it has read so far of prompts and their answers."""

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        """The logits (rows, outputs) of what follows the tokens (rows, length), which follow what was read before."""

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows only, each as often as it is named."""


class _CausalReader:
    """A causal model with its cache."""

    def __init__(self, model: Any, prompts: Prompts, outputs: torch.Tensor | None) -> None:
        self.model, self.outputs = model, outputs
        self.cache: Any = None
        self.padded = prompts.reading.padded
        if prompts.beginnings.tokens.numel():
            self.mask = prompts.beginnings.mask
            self._read(prompts.beginnings.tokens)
            self.keep(prompts.begins_with)
            self.mask = torch.cat([self.mask, prompts.rests.mask], dim=1)
        else:
            self.mask = prompts.rests.mask

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        logits = self._read(tokens)
        self.mask = functional.pad(self.mask, (0, 1), value=True)
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        self.cache.reorder_cache(rows)
        self.mask = self.mask[rows]

    def _read(self, tokens: torch.Tensor) -> torch.Tensor:
        """The logits of what follows tokens that stand where the mask's last columns are."""
        inputs = {"input_ids": tokens, "past_key_values": self.cache, "use_cache": True, **for_last_token(self.model)}
        if self.padded:
            inputs["attention_mask"] = self.mask
            inputs["position_ids"] = (self.mask.cumsum(dim=1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        logits, step = causal_logits(self.model, _last, self.outputs, **inputs)
        self.cache = step.past_key_values
        return logits


class _PatientReader:
    """A causal model that reads everything anew for each token, as it has no cache, or one of its own kind."""

    def __init__(self, model: Any, prompts: Prompts, outputs: torch.Tensor | None) -> None:
        self.model, self.outputs = model, outputs
        self.tokens = prompts.rests.tokens[:, :0]

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        self.tokens = torch.cat([self.tokens, tokens], dim=1)
        settings = without_cache(self.model) | for_last_token(self.model)
        return causal_logits(self.model, _last, self.outputs, input_ids=self.tokens, **settings)[0]

    def keep(self, rows: torch.Tensor) -> None:
        self.tokens = self.tokens[rows]


class _EncoderDecoderReader:
    """An encoder-decoder that has read prompts, with all that it has written so far, or with its cache of it."""

    def __init__(self, model: Any, prompts: Prompts, outputs: torch.Tensor | None) -> None:
        self.model, self.outputs, self.cached = model, outputs, prompts.reading.cached
        self.cache: Any = None
        self.mask = prompts.rests.mask
        self.tokens = prompts.rests.tokens[:, :0]
        self.encoded = model.get_encoder()(input_ids=prompts.rests.tokens, attention_mask=self.mask)

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        self.tokens = tokens if self.cached else torch.cat([self.tokens, tokens], dim=1)
        step = self.model(
            encoder_outputs=self.encoded,
            attention_mask=self.mask,
            decoder_input_ids=self.tokens,
            past_key_values=self.cache,
            use_cache=self.cached,
        )
        self.cache = step.past_key_values if self.cached else None
        return step.logits[:, -1] if self.outputs is None else step.logits[:, -1, self.outputs]

    def keep(self, rows: torch.Tensor) -> None:
        if self.cached:
            self.cache.reorder_cache(rows)
        self.mask, self.tokens = self.mask[rows], self.tokens[rows]
        self.encoded.last_hidden_state = self.encoded.last_hidden_state[rows]


def _last(states: torch.Tensor) -> torch.Tensor:
    return states[:, -1]
