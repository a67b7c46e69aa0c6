"""Prompts and completions as tokens, the same in training and in tests, and the tokens that end an answer.

What a tokenizer does is tried on it: whether it keeps line breaks, and which special tokens it puts around a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from metaocl.documents.records import Text

Tokens = list[int]


def tokenize_texts(model: Any, tokenizer: Any, texts: Sequence[Text]) -> list[tuple[Tokens, Tokens]]:
    """Tokens of prompt and completion of each text.

    A prompt has the special tokens that its tokenizer begins a text with. It lacks those that end a text, as its answer
    stands there; an encoder reads these, too. It reads the same in training and testing: where the whole text does not
    begin with the prompt's own tokens, the two are tokenised apart. A completion ends with its line break or, where
    there is a closing token, with that in its place.
    """
    closing = closing_token(model, tokenizer)
    end = [] if closing is None else [closing]
    prompts = [prompt for prompt, _ in texts]
    completions = [completion if closing is None else completion.rstrip() for _, completion in texts]
    if model.config.is_encoder_decoder:
        alone = completions if closing is None else [completion.lstrip() for completion in completions]
        pairs = zip(_encode(tokenizer, prompts, True), _encode(tokenizer, alone, False), strict=True)
        return [(prompt, completion + end) for prompt, completion in pairs]
    before, _ = _special_tokens(tokenizer)
    wholes = [prompt + completion for prompt, completion in zip(prompts, completions, strict=True)]
    encoded = list(zip(_encode(tokenizer, prompts, False), _encode(tokenizer, wholes, False), strict=True))
    apart = [place for place, (prompt, whole) in enumerate(encoded) if whole[: len(prompt)] != prompt]
    by_itself = dict(zip(apart, _encode(tokenizer, [completions[place] for place in apart], False), strict=True))
    return [
        (before + prompt, (by_itself[place] if place in by_itself else whole[len(prompt) :]) + end)
        for place, (prompt, whole) in enumerate(encoded)
    ]


def longest_text(model: Any, tokenizer: Any, texts: Sequence[Text]) -> tuple[Tokens, Tokens]:
    """Tokens of prompt and completion of the longest text; of an encoder-decoder, of the longest of either.

    Lengths are those of whole texts, which saves most of the time that it takes to tokenise all of them in parts.
    """
    if model.config.is_encoder_decoder:
        longest = [_longest(tokenizer, parts) for parts in zip(*texts, strict=True)]
        [pair] = tokenize_texts(model, tokenizer, [(longest[0], longest[1])])
        return pair
    wholes = {prompt + completion: (prompt, completion) for prompt, completion in texts}
    [pair] = tokenize_texts(model, tokenizer, [wholes[_longest(tokenizer, wholes)]])
    return pair


def closing_token(model: Any, tokenizer: Any) -> int | None:
    """The token that ends a completion in place of its line break; None where the line break itself has a token.

    It is the end-of-sequence token, or else what the tokenizer puts behind a text, or else the padding. An
    encoder-decoder with an end-of-sequence token ends with that whatever becomes of line breaks, as it was pretrained.
    """
    if not (model.config.is_encoder_decoder and tokenizer.eos_token_id is not None) and _keeps_line_breaks(tokenizer):
        return None
    return next(iter([*_ends_of_text(tokenizer), tokenizer.pad_token_id]))


def stopping_tokens(model: Any, tokenizer: Any) -> tuple[set[int], set[int]]:
    """The tokens that end an answer without being part of it, and those that hold a line break."""
    vocabulary = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
    closing = [token for token in [closing_token(model, tokenizer)] if token is not None]
    return {*_ends_of_text(tokenizer), *closing}, {token for token, text in enumerate(vocabulary) if "\n" in text}


def _ends_of_text(tokenizer: Any) -> Tokens:
    """The end-of-sequence token, if there is one, and what else the tokenizer puts behind a text."""
    _, behind = _special_tokens(tokenizer)
    return behind if tokenizer.eos_token_id is None else [tokenizer.eos_token_id, *behind]


def _special_tokens(tokenizer: Any) -> tuple[Tokens, Tokens]:
    """The tokens that a tokenizer puts before and behind a text."""
    whole, bare = (tokenizer("Q: a 1", add_special_tokens=added)["input_ids"] for added in (True, False))
    before = next((place for place in range(len(whole)) if whole[place : place + len(bare)] == bare), 0)
    return whole[:before], whole[before + len(bare) :]


def _keeps_line_breaks(tokenizer: Any) -> bool:
    return "\n" in tokenizer.decode(tokenizer("a\n", add_special_tokens=False)["input_ids"][-1:])


def _longest(tokenizer: Any, texts: Iterable[str]) -> str:
    unique = list(dict.fromkeys(texts))
    lengths = [len(tokens) for tokens in _encode(tokenizer, unique, False)]
    return unique[lengths.index(max(lengths))]


def _encode(tokenizer: Any, texts: Iterable[str], special: bool) -> list[Tokens]:
    """Tokens of each text; equal ones are tokenised once."""
    unique = list(dict.fromkeys(texts))
    encoded = tokenizer(unique, add_special_tokens=special)["input_ids"] if unique else []
    tokens = dict(zip(unique, encoded, strict=True))
    return [tokens[text] for text in texts]
