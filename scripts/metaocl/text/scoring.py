"""How right an answer is: exact match and token F1.

Source: SQuAD (arXiv 1606.05250), as the paper uses them, with one change: an answer that consists of articles alone
keeps them, so that "the" and "a" are not equal.
"""

from __future__ import annotations

import string
from collections import Counter
from functools import lru_cache

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
