"""Documents as tensors that stay in memory: training batches and prompts to be answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

IGNORED = -100  # the label of a token that no loss is taken over, as in the transformers library


@dataclass(frozen=True)
class Examples:
    """Training examples, one per row, padded on the right.

    inputs, labels: int64 of shape (examples, longest - 1); labels[i, t] is the token that follows inputs[i, t], or
    IGNORED. With causal attention nothing real ever looks at the padding, so no mask is needed.
    lengths: int64 of shape (examples,), the real inputs of each row; always on the CPU.
    """

    inputs: torch.Tensor
    labels: torch.Tensor
    lengths: torch.Tensor

    def batch(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and labels of `rows`, cut to the longest of them."""
        longest = int(self.lengths[rows].max())
        return self.inputs[rows, :longest], self.labels[rows, :longest]

    def __len__(self) -> int:
        return len(self.lengths)


def encode_examples(
    tokenizer: Any,
    texts: Sequence[tuple[str, str]],
    loss_on: Literal["sequence", "completion"],
    device: torch.device,
) -> Examples:
    """Tokenise pairs of prompt and completion; `loss_on` says whether the prompt's tokens are scored as well.

    Prompt and completion are tokenised apart, so that a prompt reads the same in training and in testing.
    """
    prompts, completions = _tokenize(tokenizer, [p for p, _ in texts]), _tokenize(tokenizer, [c for _, c in texts])
    lengths = torch.tensor([len(p) + len(c) - 1 for p, c in zip(prompts, completions, strict=True)])
    inputs = torch.full((len(texts), int(lengths.max())), tokenizer.pad_token_id)
    labels = torch.full_like(inputs, IGNORED)
    for row, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        tokens = torch.tensor(prompt + completion)
        first_scored = len(prompt) - 1 if loss_on == "completion" else 0
        inputs[row, : len(tokens) - 1] = tokens[:-1]
        labels[row, first_scored : len(tokens) - 1] = tokens[first_scored + 1 :]
    return Examples(inputs.to(device), labels.to(device), lengths)


def encode_prompts(
    tokenizer: Any, prompts: Sequence[str], device: torch.device, largest_group: int = 512
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Tokenise prompts into groups of equal length, so that decoding needs no padding, of at most `largest_group` rows.

    Each group is a pair: the places of its prompts in `prompts`, int64 (n,), and their tokens, int64 (n, length).
    """
    rows_by_length: defaultdict[int, list[int]] = defaultdict(list)
    tokens = _tokenize(tokenizer, prompts)
    for row, prompt in enumerate(tokens):
        rows_by_length[len(prompt)].append(row)
    return [
        (rows, torch.tensor([tokens[row] for row in rows.tolist()], device=device))
        for _, same_length in sorted(rows_by_length.items())
        for rows in torch.tensor(same_length).split(largest_group)
    ]


def _tokenize(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    return tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []
