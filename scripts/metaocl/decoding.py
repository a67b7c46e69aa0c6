"""Greedy decoding with a key-value cache, of causal models and of encoder-decoders."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from metaocl.subsets import MAX_NEW_TOKENS


def decode_greedily(
    model: Any, prompts: torch.Tensor, outputs: torch.Tensor | None, ends: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Continuations (n, at most MAX_NEW_TOKENS) of prompts (n, length) of one length, and the first token's logits.

    outputs: int64, sorted, the only tokens that may be chosen, and that logits are for; None for the whole vocabulary.
    ends: bool (vocabulary,), the tokens that end an answer; decoding stops when all answers have ended.
    """
    encoder_decoder = model.config.is_encoder_decoder
    encoded = model.get_encoder()(input_ids=prompts) if encoder_decoder else None
    tokens = prompts.new_full((len(prompts), 1), model.config.decoder_start_token_id) if encoder_decoder else prompts
    ended = torch.zeros(len(prompts), dtype=torch.bool, device=prompts.device)
    chosen_tokens: list[torch.Tensor] = []
    first_logits, cache = torch.empty(0), None
    while len(chosen_tokens) < MAX_NEW_TOKENS and not bool(ended.all()):
        if encoder_decoder:
            step = model(encoder_outputs=encoded, decoder_input_ids=tokens, past_key_values=cache, use_cache=True)
            logits = step.logits[:, -1] if outputs is None else step.logits[:, -1, outputs]
        else:
            step = model.base_model(input_ids=tokens, past_key_values=cache, use_cache=True)
            logits = output_logits(model, step.last_hidden_state[:, -1], outputs)
        cache = step.past_key_values
        if not chosen_tokens:
            first_logits = logits
        chosen = logits.argmax(dim=-1) if outputs is None else outputs[logits.argmax(dim=-1)]
        # An answer that has ended repeats its end while others go on.
        tokens = torch.where(ended, tokens[:, -1], chosen).unsqueeze(1)
        chosen_tokens.append(tokens)
        ended |= ends[tokens.squeeze(1)]
    return torch.cat(chosen_tokens, dim=1), first_logits


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
