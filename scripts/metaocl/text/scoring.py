"""How right an answer is: exact match and token F1.

Source: SQuAD (arXiv 1606.05250), as the paper uses them: case, articles, and marks in and around words do not count.
SQuAD's own script drops every mark, so that C# is C++, 1.2 million is 12 million, and !!! is no answer at all. Here
marks that tell answers apart stay:

- A word with a digit or a symbol (#$%&+<=>@^|~, or a hyphen after its last letter) is taken as it stands, without the
  marks around it: "3.14", "-5", "$5", "9/11", "F-16", "C++", "AT&T", "A-". Of the marks in it only the commas between
  thousands go: "1,000" is "1000", but "1,5" is not "15". A hyphen before a number is its sign: "- 5" is "-5".
- Any other word loses its marks, as in SQuAD: "U.S." is "US", "O'Neill" is "ONeill"; "left-handed" is "lefthanded", and
  not "left handed".
- An answer of articles alone keeps them, and so does one of marks alone: "the" is not "a", "!!!" is not "?" or nothing.

Characters are compared in Unicode's composed form (NFC): an accent may be a character of its own or not.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

_AROUND = re.escape("!\"'()*,./:;?[\\]_`{}")
_SYMBOLS = re.escape("#$%&+<=>@^|~")
_LITERAL = re.compile(rf"[\d{_SYMBOLS}]|[^\W\d_]-$")
# A word without the marks around it; a point before a digit belongs to a number, unless it is the last of several.
_WORD = re.compile(rf"^[{_AROUND}]*?((?<!\.)\.\d.*?|[^{_AROUND}].*?|)[{_AROUND}]*$")
_WITHIN = re.compile(rf"[-{_AROUND}]")
_APART_FROM_SIGN = re.compile(r"(?<!\S)-\s+(?=\.?\d)")
_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])")


@lru_cache(maxsize=65536)
def normalize_answer(text: str) -> str:
    """Lower case, without articles and marks that tell nothing (unless nothing else is left), white space folded."""
    written = _APART_FROM_SIGN.sub("-", _compose(_compose(text).lower())).split()
    words = [word for word in map(_normalize_word, written) if word]
    content = [word for word in words if word not in ("a", "an", "the")]
    return " ".join(content or words) or "".join(written)


def _normalize_word(word: str) -> str:
    word = _WORD.sub(r"\1", word)
    if _LITERAL.search(word):
        return _THOUSANDS.sub(lambda number: number[0].replace(",", ""), word)
    return _compose(_WITHIN.sub("", word))


def _compose(text: str) -> str:
    return unicodedata.normalize("NFC", text)


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
