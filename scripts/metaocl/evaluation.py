"""Answers by greedy decoding, and how right they are: exact match and token F1.

Source of the metrics: SQuAD (arXiv 1606.05250), as the paper uses them, with one change: an answer that consists of
articles alone keeps them, so that "the" and "a" are not equal.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch.nn import functional

from metaocl.documents import Document
from metaocl.examples import encode_prompts

MAX_NEW_TOKENS = 8
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@lru_cache(maxsize=65536)
def normalize_answer(text: str) -> str:
    """Lower case, no punctuation, no articles (unless nothing else is left), white space folded."""
    words = text.lower().translate(_PUNCTUATION).split()
    return " ".join([word for word in words if word not in ("a", "an", "the")] or words)


@lru_cache(maxsize=65536)
def exact_match(answer: str, gold: str) -> float:
    """1.0 if the normalised answers are equal, else 0.0."""
    return float(normalize_answer(answer) == normalize_answer(gold))


@lru_cache(maxsize=65536)
def token_f1(answer: str, gold: str) -> float:
    """Harmonic mean of precision and recall of the normalised answer's words; 1.0 for two empty answers."""
    given, wanted = normalize_answer(answer).split(), normalize_answer(gold).split()
    if not given or not wanted:
        return float(given == wanted)
    common = sum((Counter(given) & Counter(wanted)).values())
    return 2 * common / (len(given) + len(wanted))


class Evaluator:
    """Test questions, tokenised once, to be put to a model as often as needed.

    outputs: int64 (n,), sorted, the only tokens that an answer may consist of; None for the whole vocabulary.
    """

    def __init__(
        self, tokenizer: Any, texts: Sequence[tuple[str, str]], outputs: torch.Tensor | None, device: torch.device
    ):
        self.tokenizer = tokenizer
        self.golds = [completion.strip() for _, completion in texts]
        self.prompts = encode_prompts(tokenizer, [prompt for prompt, _ in texts], device)
        self.outputs = outputs
        vocabulary = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
        self.ends_line = torch.tensor(["\n" in text for text in vocabulary], device=device)

    def measure(self, model: Any) -> dict[str, np.ndarray]:
        """Exact match and token F1 of the model's answer to each question, float64 (questions,) each."""
        answers = self.answer(model)
        pairs = list(zip(answers, self.golds, strict=True))
        return {
            "exact_match": np.array([exact_match(answer, gold) for answer, gold in pairs]),
            "token_f1": np.array([token_f1(answer, gold) for answer, gold in pairs]),
        }

    def answer(self, model: Any) -> list[str]:
        """The model's greedy answers, each up to its line's end or MAX_NEW_TOKENS tokens. Leaves it in eval mode."""
        model.eval()
        answers = [""] * len(self.golds)
        with torch.inference_mode():
            for rows, tokens in self.prompts:
                texts = self.tokenizer.batch_decode(self._decode_greedily(model, tokens))
                for row, text in zip(rows.tolist(), texts, strict=True):
                    answers[row] = text.lstrip(" ").split("\n", 1)[0].strip()
        return answers

    def _decode_greedily(self, model: Any, tokens: torch.Tensor) -> torch.Tensor:
        """The continuation (n, at most MAX_NEW_TOKENS) of prompts (n, length) of one length, with a key-value cache."""
        new_tokens: list[torch.Tensor] = []
        ended = torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device)
        cache = None
        while len(new_tokens) < MAX_NEW_TOKENS and not bool(ended.all()):
            step = model.base_model(input_ids=tokens, past_key_values=cache, use_cache=True)
            cache = step.past_key_values
            chosen = output_logits(model, step.last_hidden_state[:, -1], self.outputs).argmax(dim=-1)
            tokens = (chosen if self.outputs is None else self.outputs[chosen]).unsqueeze(1)
            new_tokens.append(tokens)
            ended |= self.ends_line[tokens.squeeze(1)]
        return torch.cat(new_tokens, dim=1)


def mean_by_alias(documents: Sequence[Document], measures: dict[str, np.ndarray], epoch: int) -> pa.Table:
    """One row per alias, in order of appearance: epoch, subset, alias, questions, and the mean of each measure."""
    aliases = {alias: row for row, alias in enumerate(dict.fromkeys((d.subset, d.alias) for d in documents))}
    rows = np.array([aliases[d.subset, d.alias] for d in documents])
    questions = np.bincount(rows)
    columns: dict[str, Any] = {
        "epoch": np.full(len(aliases), epoch, dtype=np.int32),
        "subset": pa.array([subset for subset, _ in aliases]).dictionary_encode(),
        "alias": [alias for _, alias in aliases],
        "questions": questions.astype(np.int32),
    }
    means = {name: (np.bincount(rows, weights=values) / questions) for name, values in measures.items()}
    return pa.table(columns | means)


def output_logits(model: Any, hidden: torch.Tensor, outputs: torch.Tensor | None) -> torch.Tensor:
    """Logits (n, tokens) of last hidden states (n, width), over `outputs` or the whole vocabulary.

    Rows of the output matrix that nobody asks for are never multiplied.
    """
    head = model.get_output_embeddings()
    if outputs is None:
        return head(hidden)
    return functional.linear(hidden, head.weight[outputs], None if head.bias is None else head.bias[outputs])
