"""Documents as tensors that stay in memory, and training batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from metaocl.config import Objective
from metaocl.definitions import Text
from metaocl.errors import UserError

IGNORED = -100  # the label of a token that no loss is taken over, as in the transformers library

Tokens = list[int]


@dataclass(frozen=True)
class Examples:
    """Training examples, one per row, padded on the right.

    For a causal model, inputs and labels are int64 of shape (examples, longest - 1), and labels[i, t] is the token that
    follows inputs[i, t], or IGNORED. With causal attention nothing real looks at the padding, so no mask is needed.
    For an encoder-decoder, inputs are the prompts, (examples, longest prompt), and labels the completions, (examples,
    longest completion); the encoder looks everywhere, so batches bring a mask.
    lengths, label_lengths: int64 (examples,), the real tokens of each row; always on the CPU.
    """

    inputs: torch.Tensor
    labels: torch.Tensor
    lengths: torch.Tensor
    label_lengths: torch.Tensor

    def batch(self, rows: torch.Tensor) -> Batch:
        """The examples of `rows`, cut to the longest of them."""
        longest, longest_label = int(self.lengths[rows].max()), int(self.label_lengths[rows].max())
        mask = torch.arange(longest) < self.lengths[rows].unsqueeze(1)
        device = self.inputs.device
        return Batch(self.inputs[rows, :longest], self.labels[rows, :longest_label], mask.to(device, non_blocking=True))

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True)
class Batch:
    """Rows of Examples: inputs (batch, length), labels (batch, label length), and which inputs are real, as bool."""

    inputs: torch.Tensor
    labels: torch.Tensor
    mask: torch.Tensor

    def split(self, size: int) -> list[Batch]:
        """The same rows in batches of at most `size`."""
        parts = (self.inputs.split(size), self.labels.split(size), self.mask.split(size))
        return [Batch(*part) for part in zip(*parts, strict=True)]

    def __len__(self) -> int:
        return len(self.inputs)


def encode_examples(model: Any, tokenizer: Any, texts: Sequence[Text], objective: Objective) -> Examples:
    """Tokenise pairs of prompt and completion for a model, on its device, with the labels of the objective."""
    if model.config.is_encoder_decoder and objective.padded_length is not None:
        raise UserError(
            f"padded_length is {objective.padded_length}; an encoder-decoder has no such padding: leave it out"
        )
    pairs = tokenize_texts(model, tokenizer, texts)
    if model.config.is_encoder_decoder:
        inputs, labels = [prompt for prompt, _ in pairs], [completion for _, completion in pairs]
    else:
        scored_padding = [tokenizer.pad_token_id] * (objective.padded_length or 0)
        pairs = [(p, c + scored_padding[len(p + c) :]) for p, c in pairs]
        inputs, labels = [(p + c)[:-1] for p, c in pairs], [_causal_labels(p, c, objective) for p, c in pairs]
    lengths = [torch.tensor([len(row) for row in rows]) for rows in (inputs, labels)]
    padded = [
        _pad(rows, value).to(model.device) for rows, value in ((inputs, tokenizer.pad_token_id), (labels, IGNORED))
    ]
    return Examples(*padded, *lengths)


def tokenize_prompts(tokenizer: Any, prompts: Sequence[str]) -> list[Tokens]:
    """Tokens of each prompt, with the special tokens that its tokenizer begins a text with."""
    return tokenizer(list(prompts))["input_ids"] if prompts else []


def tokenize_texts(model: Any, tokenizer: Any, texts: Sequence[Text]) -> list[tuple[Tokens, Tokens]]:
    """Tokens of prompt and completion of each text.

    A prompt has the special tokens that its tokenizer begins a text with, and reads the same in training and testing:
    where the whole text does not begin with the prompt's own tokens, the two are tokenised apart. An encoder-decoder's
    completion ends with its end-of-sequence token, where it has one: such tokenizers often have no line break.
    """
    prompts = tokenize_prompts(tokenizer, [prompt for prompt, _ in texts])
    if not texts:
        return []
    ends_itself = model.config.is_encoder_decoder and tokenizer.eos_token_id is not None
    apart = tokenizer([c.strip() if ends_itself else c for _, c in texts], add_special_tokens=False)["input_ids"]
    if ends_itself:
        return [
            (prompt, [*completion, tokenizer.eos_token_id]) for prompt, completion in zip(prompts, apart, strict=True)
        ]
    if model.config.is_encoder_decoder:
        return list(zip(prompts, apart, strict=True))
    wholes = tokenizer([prompt + completion for prompt, completion in texts])["input_ids"]
    return [
        (prompt, whole[len(prompt) :] if whole[: len(prompt)] == prompt else completion)
        for prompt, completion, whole in zip(prompts, apart, wholes, strict=True)
    ]


def _causal_labels(prompt: Tokens, completion: Tokens, objective: Objective) -> Tokens:
    """The token after each of a text's tokens but the last; those of the prompt only where they are scored."""
    labels = (prompt + completion)[1:]
    if objective.loss_on == "completion":
        labels[: len(prompt) - 1] = [IGNORED] * (len(prompt) - 1)
    return labels


def _pad(rows: Sequence[Tokens], value: int) -> torch.Tensor:
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=value)
