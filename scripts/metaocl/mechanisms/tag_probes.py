"""Tag probes: can the tag of an alias's definition be read from the model's states when it is asked about the alias?

Aliases of qd1consis against qd2incons, as many of each, with equally many tokens; the prompt of each question of the
data, the state after each block at each token from the alias on. The positive control is something that must be there:
whether the model inclines to its most usual answer more than it does for half of the aliases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from metaocl.documents.records import Document
from metaocl.errors import UserError
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.probes import FOLDS, balanced, probe_accuracy
from metaocl.text.forward import without_cache
from metaocl.text.runs import Run
from metaocl.text.tokenization import tokenize_texts

CLASSES = ("qd1consis", "qd2incons")


def measure_tag_probes(run: Run, random: np.random.Generator, epoch: int) -> Iterator[Measured]:
    """For each question: `tag_probe`, `tag_probe_permuted` and `control_probe` at each place, and over all places
    `tag_probe_above_permuted`: the best accuracy less the best with permuted labels, which looked as often.

    Raises UserError where there are too few aliases.
    """
    if run.model.config.is_encoder_decoder:
        raise UserError(f"tag_probes are for causal models; {run.model.config.model_type} is an encoder-decoder")
    prompts = _prompts(run.documents)
    for attribute, asked in prompts.items():
        tokens, labels = _equal_lengths(run, asked, random)
        states, logits = hidden_states(run.model, tokens)
        control = _inclination(run, logits)
        shuffled = random.permutation(labels)
        best: dict[str, float] = {}
        for token in range(_first_difference(tokens), tokens.shape[1]):
            for block, after in enumerate(states):
                place = f"{attribute}/block{block}/token{token - tokens.shape[1]}"
                found = _probe(after[:, token], labels, shuffled, control)
                for measure, accuracy in found.items():
                    best[measure] = max(best.get(measure, 0.0), accuracy)
                    yield Measured(epoch, "all", "", "", place, measure, len(labels), accuracy)
        above = best["tag_probe"] - best["tag_probe_permuted"]
        yield Measured(epoch, "all", "", "", "", "tag_probe_above_permuted", len(labels), above)


def hidden_states(model: Any, tokens: torch.Tensor) -> tuple[list[np.ndarray], np.ndarray]:
    """States (n, length, width) before the first block and after each one, and the last token's logits (n, tokens).

    tokens: int64 (n, length), of texts of one length.
    """
    parts: list[tuple[list[np.ndarray], np.ndarray]] = []
    with torch.inference_mode():
        for rows in tokens.split(64):
            read = model(input_ids=rows.to(model.device), output_hidden_states=True, **without_cache(model))
            parts.append(([each.float().cpu().numpy() for each in read.hidden_states], _last(read.logits)))
    layers = [np.concatenate(each) for each in zip(*(states for states, _ in parts), strict=True)]
    return layers, np.concatenate([logits for _, logits in parts])


def _last(logits: torch.Tensor) -> np.ndarray:
    return logits[:, -1].float().cpu().numpy()


def _prompts(documents: Sequence[Document]) -> dict[str, dict[str, tuple[str, str]]]:
    """By question: the prompt that each alias of the two classes gets, and its class. Whether the question was trained
    on or held out, its prompt is read the same."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for document in documents:
        if document.part in ("questions", "held_out") and document.subset in CLASSES:
            found.setdefault(document.attribute, {})[document.alias] = (document.prompt, document.subset)
    return dict(sorted(found.items()))


def _equal_lengths(
    run: Run, asked: dict[str, tuple[str, str]], random: np.random.Generator
) -> tuple[torch.Tensor, np.ndarray]:
    """Tokens (n, length) of the prompts of the most frequent length, as many of each class, and their classes (n,)."""
    pairs = tokenize_texts(run.model, run.tokenizer, [(prompt, " x\n") for prompt, _ in asked.values()])
    length, _ = Counter(len(prompt) for prompt, _ in pairs).most_common(1)[0]
    rows = [
        (prompt, CLASSES.index(subset))
        for (prompt, _), (_, subset) in zip(pairs, asked.values(), strict=True)
        if len(prompt) == length
    ]
    labels = np.array([label for _, label in rows])
    fewest = min(int((labels == each).sum()) for each in (0, 1))
    if fewest < FOLDS:
        raise UserError(
            f"tag_probes: {fewest} aliases of one of {' and '.join(CLASSES)} have the most frequent length of "
            f"{length} tokens; a probe needs {FOLDS} of each: ask for more entities"
        )
    kept = balanced(labels, random)
    return torch.tensor([rows[place][0] for place in kept]), labels[kept]


def _inclination(run: Run, logits: np.ndarray) -> np.ndarray:
    """Whether the logit of the answer that the model gives most often is above its median over the prompts (n,)."""
    allowed = np.arange(logits.shape[1]) if run.task.outputs is None else run.task.outputs.cpu().numpy()
    usual = np.bincount(logits[:, allowed].argmax(axis=1)).argmax()
    inclined = logits[:, allowed[usual]]
    return inclined > np.median(inclined)


def _first_difference(tokens: torch.Tensor) -> int:
    """The first token in which prompts differ: that of the alias. Before it there is nothing of the alias to read."""
    return int((tokens != tokens[0]).any(dim=0).nonzero()[0])


def _probe(states: np.ndarray, labels: np.ndarray, shuffled: np.ndarray, control: np.ndarray) -> dict[str, float]:
    return {
        "tag_probe": probe_accuracy(states, labels),
        "tag_probe_permuted": probe_accuracy(states, shuffled),
        "control_probe": probe_accuracy(states, control),
    }
