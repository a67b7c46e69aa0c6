"""What a model's states are when it is asked about aliases of two kinds: those of qd1consis, and of qd2incons.

Of a language model the state at each token from the alias on, before and after each block, the last one behind the
final layer norm, as transformers has it; of a network of images what each of its parts gives, with no tag in the
picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from metaocl.documents.records import Document
from metaocl.errors import UserError
from metaocl.mechanisms.probes import FOLDS, balanced
from metaocl.runs import Run

CLASSES = ("qd1consis", "qd2incons")
AT_ONCE = 64


@dataclass(frozen=True)
class Reading:
    """One question of the data, put about n aliases, as many of either class.

    labels: int (n,), places in CLASSES. states: by place, float (n, width). logits: of what the model may answer, float
    (n, answers).
    """

    attribute: str
    labels: np.ndarray
    states: dict[str, np.ndarray]
    logits: np.ndarray


def read_questions(run: Run, random: np.random.Generator) -> Iterator[Reading]:
    """Each question's reading, in order of their names. Raises UserError where there are too few aliases."""
    read = _read_pictures if run.modality == "images" else _read_prompts
    for attribute, asked in _questions(run.documents).items():
        yield read(run, attribute, asked, random)


def hidden_states(model: Any, tokens: torch.Tensor) -> tuple[list[np.ndarray], np.ndarray]:
    """States (n, length, width) before the first block and after each one, and the last token's logits (n, tokens).

    Those after the last block are behind the final layer norm. tokens: int64 (n, length), of texts of one length.
    """
    from metaocl.text.forward import without_cache

    parts: list[tuple[list[np.ndarray], np.ndarray]] = []
    with torch.inference_mode():
        for rows in tokens.split(AT_ONCE):
            read = model(input_ids=rows.to(model.device), output_hidden_states=True, **without_cache(model))
            parts.append(([_array(each) for each in read.hidden_states], _array(read.logits[:, -1])))
    layers = [np.concatenate(each) for each in zip(*(states for states, _ in parts), strict=True)]
    return layers, np.concatenate([logits for _, logits in parts])


def states_of_parts(model: Any, pictures: torch.Tensor) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What each part of a network of images gives, by the part's name, float (n, numbers), and its logits (n, 9,
    letters). pictures: float32 (n, height, width)."""
    found: dict[str, list[np.ndarray]] = {}

    def keep(name: str) -> Any:
        def kept(part: Any, given: Any, output: Any) -> None:
            state = getattr(output, "last_hidden_state", output)  # of a part that is one of transformers' models
            found.setdefault(name, []).append(_array(state.flatten(1)))

        return kept

    hooks = [part.register_forward_hook(keep(name)) for name, part in model.named_children()]
    try:
        with torch.inference_mode():
            logits = [_array(model(rows.to(model.device))) for rows in pictures.split(AT_ONCE)]
    finally:
        for hook in hooks:
            hook.remove()
    return {name: np.concatenate(parts) for name, parts in found.items()}, np.concatenate(logits)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()


def _questions(documents: Sequence[Document]) -> dict[str, list[Document]]:
    """By question: the one about each alias of the two classes. Whether it was trained on or held out, it is put the
    same."""
    found: dict[str, dict[str, Document]] = {}
    for document in documents:
        if document.part in ("questions", "held_out") and document.subset in CLASSES:
            found.setdefault(document.attribute, {})[document.alias] = document
    return {attribute: list(asked.values()) for attribute, asked in sorted(found.items())}


def _read_prompts(run: Any, attribute: str, asked: list[Document], random: np.random.Generator) -> Reading:
    if run.model.config.is_encoder_decoder:
        raise UserError(f"tag_probes are for causal models; {run.model.config.model_type} is an encoder-decoder")
    tokens, labels = _equal_lengths(run, asked, random)
    layers, logits = hidden_states(run.model, tokens)
    length = tokens.shape[1]
    states = {
        f"block{block}/token{token - length}": after[:, token]
        for token in range(_first_difference(tokens), length)
        for block, after in enumerate(layers)
    }
    allowed = np.arange(logits.shape[1]) if run.task.outputs is None else run.task.outputs.cpu().numpy()
    return Reading(attribute, labels, states, logits[:, allowed])


def _read_pictures(run: Run, attribute: str, asked: list[Document], random: np.random.Generator) -> Reading:
    labels = _labels(asked)
    _check_counts(labels, "")
    chosen = balanced(labels, random)
    examples = run.task.examples([asked[place] for place in chosen])
    batch = examples.batch(range(len(chosen)), 1)
    states, logits = states_of_parts(run.model, batch.pictures)
    cell = int((batch.letters[0] >= 0).nonzero()[0])
    return Reading(attribute, labels[chosen], states, logits[:, cell])


def _labels(asked: Sequence[Document]) -> np.ndarray:
    return np.array([CLASSES.index(document.subset) for document in asked])


def _equal_lengths(run: Any, asked: Sequence[Document], random: np.random.Generator) -> tuple[torch.Tensor, np.ndarray]:
    """Tokens (n, length) of the prompts of the most frequent length, as many of each class, and their classes (n,)."""
    from metaocl.text.tokenization import tokenize_texts

    pairs = tokenize_texts(run.model, run.tokenizer, [(document.prompt, " x\n") for document in asked])
    length, _ = Counter(len(prompt) for prompt, _ in pairs).most_common(1)[0]
    rows = [place for place, (prompt, _) in enumerate(pairs) if len(prompt) == length]
    labels = _labels([asked[place] for place in rows])
    _check_counts(labels, f" have the most frequent length of {length} tokens")
    kept = balanced(labels, random)
    return torch.tensor([pairs[rows[place]][0] for place in kept]), labels[kept]


def _check_counts(labels: np.ndarray, which: str) -> None:
    """Raises UserError for too few of a class; which: what those that are left have in common."""
    fewest = min(int((labels == each).sum()) for each in (0, 1))
    if fewest < FOLDS:
        raise UserError(
            f"tag_probes: {fewest} aliases of one of {' and '.join(CLASSES)}{which}; a probe needs {FOLDS} of each: "
            "ask for more entities"
        )


def _first_difference(tokens: torch.Tensor) -> int:
    """The first token in which prompts differ: that of the alias. Before it there is nothing of the alias to read."""
    return int((tokens != tokens[0]).any(dim=0).nonzero()[0])
