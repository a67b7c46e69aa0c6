"""Test questions put to a model: its answers, and how right they are, by alias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from metaocl.documents.records import Text
from metaocl.text.decoding import decode_greedily
from metaocl.text.examples import tokenize_texts
from metaocl.text.prompts import encode_prompts
from metaocl.text.scoring import exact_match, token_f1
from metaocl.training.devices import mixed_precision

# Tokens of prompts that are read at once. More do not fit into the cache of a CPU: with 8192 the questions of the
# laptop study take a fifth longer. A GPU wants few passes: 4,000 cities make 17 groups (not measured yet).
TOKENS_AT_ONCE = {"cpu": 2048, "cuda": 16384}


class Evaluator:
    """Test questions, tokenised once, to be put to a model as often as needed; equal prompts are answered once.

    outputs: int64 (n,), sorted, the only tokens that an answer may consist of; None for the whole vocabulary.
    choice: the two completions of two-way questions, negative and positive ("false", "true"); None for others.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        texts: Sequence[Text],
        outputs: torch.Tensor | None = None,
        choice: tuple[str, str] | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.golds = [completion.strip() for _, completion in texts]
        places = {prompt: place for place, prompt in enumerate(dict.fromkeys(prompt for prompt, _ in texts))}
        self.places = [places[prompt] for prompt, _ in texts]
        self.prompts = encode_prompts(model, tokenizer, list(places), TOKENS_AT_ONCE[model.device.type])
        self.outputs = outputs
        self.choice = _first_tokens(model, tokenizer, texts[0][0], choice, outputs) if choice and texts else None
        vocabulary = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
        ends = [token == tokenizer.eos_token_id or "\n" in text for token, text in enumerate(vocabulary)]
        # A model may have more rows than its tokenizer has tokens.
        ends += [False] * (model.get_input_embeddings().num_embeddings - len(ends))
        self.ends = torch.tensor(ends, device=model.device)

    def measure(self, model: Any) -> dict[str, np.ndarray]:
        """Exact match and token F1 of the model's answer to each question, float64 (questions,) each.

        With a choice also `score`: how much the positive one is preferred, as the difference of their logits.
        """
        answers, scores = self.answer(model)
        pairs = list(zip(answers, self.golds, strict=True))
        measures = {
            "exact_match": np.array([exact_match(answer, gold) for answer, gold in pairs]),
            "token_f1": np.array([token_f1(answer, gold) for answer, gold in pairs]),
        }
        return measures if self.choice is None else measures | {"score": scores}

    def answer(self, model: Any) -> tuple[list[str], np.ndarray]:
        """The model's greedy answer to each question, up to its line's end, and the score of its choice (or 0).

        Leaves the model in eval mode.
        """
        model.eval()
        unique = max(self.places, default=-1) + 1
        answers, scores = [""] * unique, np.zeros(unique)
        with torch.inference_mode(), mixed_precision(model.device):
            for prompts in self.prompts:
                tokens, logits = decode_greedily(model, prompts, self.outputs, self.ends)
                for place, text in zip(prompts.places.tolist(), self._write(tokens), strict=True):
                    answers[place] = text
                if self.choice is not None:
                    negative, positive = self.choice
                    scores[prompts.places.numpy()] = (logits[:, positive] - logits[:, negative]).float().cpu().numpy()
        return [answers[place] for place in self.places], scores[self.places]

    def _write(self, tokens: torch.Tensor) -> list[str]:
        """The answers of tokens (answers, length) as text, up to the end of the line."""
        answers = [tuple(answer) for answer in tokens.tolist()]
        unique = list(dict.fromkeys(answers))  # most answers are given to many questions
        texts = self.tokenizer.batch_decode(unique, skip_special_tokens=True)
        lines = {a: text.lstrip(" ").split("\n", 1)[0].strip() for a, text in zip(unique, texts, strict=True)}
        return [lines[answer] for answer in answers]


def _first_tokens(
    model: Any, tokenizer: Any, prompt: str, choice: tuple[str, str], outputs: torch.Tensor | None
) -> tuple[int, int] | None:
    """The places, among the tokens that may be chosen, of the first tokens of two answers; None if these agree."""
    texts = tokenize_texts(model, tokenizer, [(prompt, completion) for completion in choice])
    negative, positive = (completion[0] for _, completion in texts)
    if negative == positive:
        return None
    if outputs is None:
        return negative, positive
    places = torch.searchsorted(outputs, torch.tensor([negative, positive], device=outputs.device)).tolist()
    return places[0], places[1]
