"""Test questions put to a model: its answers, and how right they are, by alias."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

import numpy as np
import torch

from metaocl.design.test_sets import MAX_NEW_TOKENS
from metaocl.documents.records import Text
from metaocl.text.decoding import decode_greedily
from metaocl.text.groups import Prompts
from metaocl.text.prompts import group_prompts
from metaocl.text.scoring import exact_match, token_f1
from metaocl.text.tokenization import Tokens, stopping_tokens, tokenize_texts
from metaocl.text.tokenizers import check_all_known
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
        tokens = tokenize_texts(model, tokenizer, texts)
        check_all_known(tokenizer, ((prompt, read) for (prompt, _), (read, _) in zip(texts, tokens, strict=True)))
        self.gold_tokens = [completion for _, completion in tokens]
        places = {prompt: place for place, prompt in enumerate(dict.fromkeys(prompt for prompt, _ in texts))}
        self.places = [places[prompt] for prompt, _ in texts]
        self.limits = [max(MAX_NEW_TOKENS, len(completion)) for completion in self.gold_tokens]
        prompts: list[Tokens] = [[]] * len(places)
        limits = [0] * len(places)
        for place, (prompt, _), limit in zip(self.places, tokens, self.limits, strict=True):
            prompts[place], limits[place] = prompt, max(limits[place], limit)
        self.prompts = group_prompts(model, prompts, limits, TOKENS_AT_ONCE[model.device.type])
        self.outputs = outputs
        self.choice = _first_tokens(model, tokenizer, texts[0][0], choice, outputs) if choice and texts else None
        self.closing, line_breaks = stopping_tokens(model, tokenizer)
        # A model may have more rows than its tokenizer has tokens.
        self.ends = torch.zeros(model.get_input_embeddings().num_embeddings, dtype=torch.bool, device=model.device)
        self.ends[sorted(self.closing | line_breaks)] = True

    def measure(self, model: Any) -> dict[str, np.ndarray]:
        """The model's `answer` to each question, as text, and its exact match and token F1, float64 (questions,) each.

        With a choice also `score`: how much the positive one is preferred, as the difference of their logits; of those
        in bfloat16 on a GPU, which are an eighth apart between 16 and 32.
        """
        answers, scores = self.answer(model)
        pairs = list(zip(answers, self.golds, strict=True))
        measures = {
            "answer": np.array(answers, dtype=object),
            "exact_match": np.array([exact_match(answer, gold) for answer, gold in pairs]),
            "token_f1": np.array([token_f1(answer, gold) for answer, gold in pairs]),
        }
        return measures if self.choice is None else measures | {"score": scores}

    def answer(self, model: Any) -> tuple[list[str], np.ndarray]:
        """The model's greedy answer to each question, up to its line's end, and the score of its choice (or 0).

        An answer may have MAX_NEW_TOKENS tokens, or as many as its own gold has with its end, if these are more. Leaves
        the model in eval mode.
        """
        model.eval()
        unique = max(self.places, default=-1) + 1
        written: list[Tokens] = [[]] * unique
        scores = np.zeros(unique)
        with torch.inference_mode(), mixed_precision(model.device):
            for prompts, tokens, logits in self._decode(model):
                for place, answer in zip(prompts.places.tolist(), tokens.tolist(), strict=True):
                    written[place] = answer
                if self.choice is not None:
                    negative, positive = self.choice
                    scores[prompts.places.numpy()] = (logits[:, positive] - logits[:, negative]).float().cpu().numpy()
        answers = [written[place][:limit] for place, limit in zip(self.places, self.limits, strict=True)]
        return self._write(answers), scores[self.places]

    def _decode(self, model: Any) -> Iterator[tuple[Prompts, torch.Tensor, torch.Tensor]]:
        """Each group of prompts, with its answers' tokens and the logits of their first ones.

        A group that the device's memory does not hold is halved, for this time and all that follow.
        """
        waiting, fit = self.prompts[::-1], []
        while waiting:
            prompts, found = waiting.pop(), None
            try:
                found = decode_greedily(model, prompts, self.outputs, self.ends)
            except torch.OutOfMemoryError:
                if len(prompts) == 1:
                    raise
            # Outside of the clause above, which holds on to what the failed pass has in memory.
            if found is None:
                waiting += prompts.halves()[::-1]
                print(f"out of memory: going on with {len(waiting[-1])} questions at once", file=sys.stderr)
                continue
            fit.append(prompts)
            yield prompts, *found
        self.prompts = fit

    def read_golds(self) -> list[tuple[str, str, bool]]:
        """Each question's gold, what its own tokens are read as, and whether a model that writes them is right.

        It is not, either, if it does not stop at the last of them or may not choose one of them.
        """
        ends, allowed = self.ends.tolist(), None if self.outputs is None else set(self.outputs.tolist())
        fit = [
            [ends[token] for token in tokens] == [False] * (len(tokens) - 1) + [True]
            and (allowed is None or allowed.issuperset(tokens))
            for tokens in self.gold_tokens
        ]
        given = self._write(self.gold_tokens)
        rows = zip(self.golds, given, fit, strict=True)
        return [(gold, text, fits and exact_match(text, gold) == 1.0) for gold, text, fits in rows]

    def _write(self, answers: Sequence[Tokens]) -> list[str]:
        """The answers of tokens as text, up to the end of the line or of the text."""
        written = [tuple(answer) for answer in answers]
        unique = list(dict.fromkeys(written))  # most answers are given to many questions
        cut = [list(takewhile(lambda token: token not in self.closing, answer)) for answer in unique]
        texts = self.tokenizer.batch_decode(cut, skip_special_tokens=True) if cut else []
        lines = {a: text.lstrip(" ").split("\n", 1)[0].strip() for a, text in zip(unique, texts, strict=True)}
        return [lines[answer] for answer in written]


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
