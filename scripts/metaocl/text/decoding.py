"""Greedy decoding with a key-value cache, of causal models and of encoder-decoders."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from metaocl.text.attention import takes_positions
from metaocl.text.prompts import Prompts


def decode_greedily(
    model: Any, prompts: Prompts, outputs: torch.Tensor | None, ends: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Continuations (n, at most the largest limit) of n prompts, and the logits of their first tokens.

    Nothing behind a continuation's own limit is part of it.
    outputs: int64, sorted, the only tokens that may be chosen, and that logits are for; None for the whole vocabulary.
    ends: bool (vocabulary,), the tokens that end an answer; an answer that has ended repeats its end.
    """
    reader: _CausalReader | _EncoderDecoderReader
    if model.config.is_encoder_decoder:
        reader = _EncoderDecoderReader(model, prompts, outputs)
        tokens = torch.full_like(prompts.rests.tokens[:, :1], model.config.decoder_start_token_id)
    else:
        reader, tokens = _CausalReader(model, prompts, outputs), prompts.rests.tokens
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


class _CausalReader:
    """A causal model with all that it has read so far of prompts and their answers."""

    def __init__(self, model: Any, prompts: Prompts, outputs: torch.Tensor | None) -> None:
        self.model, self.outputs = model, outputs
        self.cache: Any = None
        self.takes_positions = takes_positions(model)
        if prompts.beginnings.tokens.numel():
            self.mask = prompts.beginnings.mask
            self._hidden(prompts.beginnings.tokens)
            self.keep(prompts.begins_with)
            self.mask = torch.cat([self.mask, prompts.rests.mask], dim=1)
        else:
            self.mask = prompts.rests.mask

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        """The logits (rows, outputs) of what follows the tokens (rows, length), which follow what was read before."""
        logits = output_logits(self.model, self._hidden(tokens)[:, -1], self.outputs)
        self.mask = functional.pad(self.mask, (0, 1), value=True)
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows only, each as often as it is named."""
        self.cache.reorder_cache(rows)
        self.mask = self.mask[rows]

    def _hidden(self, tokens: torch.Tensor) -> torch.Tensor:
        """The last hidden states of tokens that stand where the mask's last columns are."""
        inputs = {"input_ids": tokens, "attention_mask": self.mask, "past_key_values": self.cache, "use_cache": True}
        if self.takes_positions:
            inputs["position_ids"] = (self.mask.cumsum(dim=1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        step = self.model.base_model(**inputs)
        self.cache = step.past_key_values
        return step.last_hidden_state


class _EncoderDecoderReader:
    """An encoder-decoder that has read prompts, with all that it has written so far."""

    def __init__(self, model: Any, prompts: Prompts, outputs: torch.Tensor | None) -> None:
        self.model, self.outputs = model, outputs
        self.cache: Any = None
        self.mask = prompts.rests.mask
        self.encoded = model.get_encoder()(input_ids=prompts.rests.tokens, attention_mask=self.mask)

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        """The logits (rows, outputs) of what follows the tokens (rows, 1), which follow those written before."""
        step = self.model(
            encoder_outputs=self.encoded,
            attention_mask=self.mask,
            decoder_input_ids=tokens,
            past_key_values=self.cache,
            use_cache=True,
        )
        self.cache = step.past_key_values
        return step.logits[:, -1] if self.outputs is None else step.logits[:, -1, self.outputs]

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows only."""
        self.cache.reorder_cache(rows)
        self.mask = self.mask[rows]
        self.encoded.last_hidden_state = self.encoded.last_hidden_state[rows]


def output_logits(model: Any, hidden: torch.Tensor, outputs: torch.Tensor | None) -> torch.Tensor:
    """Logits (n, tokens) of a causal model's last hidden states (n, width), over `outputs` or the whole vocabulary.

    Rows of the output matrix that nobody asks for are never multiplied.
    """
    head = model.get_output_embeddings()
    if outputs is None:
        return _scaled(model.config, head(hidden))
    bias = None if head.bias is None else head.bias[outputs]
    return _scaled(model.config, functional.linear(hidden, head.weight[outputs], bias))


def _scaled(config: Any, logits: torch.Tensor) -> torch.Tensor:
    """What some architectures do to their logits at the end: Cohere multiplies, Granite divides, Gemma 2 caps."""
    if factor := getattr(config, "logit_scale", None):
        logits = logits * factor
    if divisor := getattr(config, "logits_scaling", None):
        logits = logits / divisor
    if cap := getattr(config, "final_logit_softcapping", None):
        logits = cap * torch.tanh(logits / cap)
    return logits
