"""Word tokenizers: made from texts, and grown by new words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Sequence, Split
from transformers import PreTrainedTokenizerFast

from metaocl.errors import UserError

UNKNOWN = "<unknown>"
PADDING = "<padding>"
END_OF_LINE = "\n"
PADDING_ID = 1
MARKS = "?!.,"
AnyTokenizer = Any


def build_word_tokenizer(texts: Iterable[str], units: Iterable[str]) -> AnyTokenizer:
    """A tokenizer whose vocabulary is the words of `texts`, with each of `units` (names, answers) as one token.

    A line break is a token of its own: it ends every answer. So is a mark at the end of a word, lest a name before a
    question mark be another word. Blanks between tokens are not kept.
    """
    blanks, breaks = Split(Regex(r"[^\S\n]+"), "removed"), Split(Regex(r"\n"), "isolated")
    marks = Split(Regex(rf"[{MARKS}](?=[{MARKS}]*(\s|$))"), "isolated")
    units = sorted(set(units))
    vocabulary = [UNKNOWN, PADDING, END_OF_LINE, *MARKS]
    tokenizer = Tokenizer(WordLevel({token: place for place, token in enumerate(vocabulary)}, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = Sequence([marks, blanks, breaks])
    tokenizer.add_tokens([_unit(unit) for unit in units])
    tokenizer.add_tokens([_unit(word) for word in _unknown_words(tokenizer, texts)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=UNKNOWN, pad_token=PADDING)


def add_unknown_words(tokenizer: AnyTokenizer, texts: Iterable[str]) -> int:
    """Give each word of `texts` that the tokenizer does not know a token of its own; returns how many were added.

    Only a word tokenizer has such words: subword tokenizers can spell every alias.
    """
    if tokenizer.unk_token != UNKNOWN:
        return 0
    unknown = _unknown_words(tokenizer.backend_tokenizer, texts)
    return int(tokenizer.add_tokens([_unit(word) for word in unknown]))


def check_all_known(tokenizer: AnyTokenizer, read: Iterable[tuple[str, list[int]]]) -> None:
    """Raises UserError for a text of which a word tokenizer would read some word as any other that it does not know.

    Such words are in no text that it was made or grown from, or they go on where a name or an answer of several words
    ends, as "New Yorker" does where "New York" is one token. read: texts with their tokens.
    """
    if tokenizer.unk_token != UNKNOWN:
        return
    unreadable = next((text for text, tokens in read if tokenizer.unk_token_id in tokens), None)
    if unreadable is not None:
        words = ", ".join(map(repr, _unknown_words(tokenizer.backend_tokenizer, [unreadable])))
        raise UserError(
            f"the word tokenizer cannot tell {words} in {unreadable!r} from other words: either no document of the "
            "stages has it (a tag's text that few definitions have, with other tags), or it begins with a name or an "
            "answer of several words (then put it in other words)"
        )


def _unknown_words(tokenizer: Tokenizer, texts: Iterable[str]) -> list[str]:
    """The different words of `texts` that have no token, sorted."""
    unique = sorted(set(texts))
    encodings = tokenizer.encode_batch(unique, add_special_tokens=False)
    words = {
        text[start:end]
        for text, encoding in zip(unique, encodings, strict=True)
        for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True)
        if token == UNKNOWN
    }
    return sorted(words)


def _unit(text: str) -> AddedToken:
    # single_word: the answer "left" is not cut out of a longer word; an alias in brackets stands out anywhere.
    return AddedToken(text, single_word=text[0].isalnum() and text[-1].isalnum(), normalized=False)
