"""What pictures of documents show, as numbers: digits, tags, the asked cell, and the letters that answer it.

A definition is "TAG DIGITS LETTERS": all nine letters are asked for. A question is "DIGITS cell 3 =": one of them is.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metaocl.documents.counterfactuals import COUNTERFACTUAL
from metaocl.documents.records import Document
from metaocl.errors import UserError
from metaocl.facts.grids import CELLS
from metaocl.randomness import random_stream

PATTERN = (2, 6)  # blocks of a tag, in rows and columns
MOST_TAGS = 2_000  # of 4,095 patterns; a new one is then found in a few tries
IGNORED = -100  # the letter of a cell that is not asked for, as torch's cross-entropy has it
NO_FRAME = -1
DEFINITIONS = ("definitions", "new_definitions", COUNTERFACTUAL)
DEFINITION_LETTERS = "definition_letters"


class VisionError(UserError):
    """Documents that cannot be drawn, or a model that cannot answer them."""


@dataclass(frozen=True)
class Scenes:
    """What the pictures of n documents show.

    digits: int64 (n, 9). tags: float32 (n, *PATTERN), 1 where a block is white; all black without a tag.
    framed: int64 (n,), the cell with a frame, from 0, or NO_FRAME.
    letters: int64 (n, 9), the letters that are asked for, from 0; IGNORED elsewhere.
    """

    digits: np.ndarray
    tags: np.ndarray
    framed: np.ndarray
    letters: np.ndarray


def definition_letters(documents: Sequence[Document]) -> list[Document]:
    """Test questions of the definitions among some documents, one for each letter that a definition gives."""
    return [
        Document(DEFINITION_LETTERS, document.subset, document.alias, f"cell_{cell}", document.prompt, f" {letter}\n")
        for document in documents
        if document.part in DEFINITIONS
        for cell, letter in enumerate(document.completion.strip(), start=1)
    ]


def draw_patterns(documents: Sequence[Document]) -> dict[str, np.ndarray]:
    """The pattern of each tag of some documents, all different and none of them black: float32 PATTERN each.

    A pattern is a function of the tag's text, but for the rare tag that would share one with an earlier tag.
    """
    tags = list(dict.fromkeys(_tag_of(document) for document in documents if document.part in DEFINITIONS))
    if len(tags) > MOST_TAGS:
        raise VisionError(f"the documents have {len(tags)} different tags; at most {MOST_TAGS} can be drawn")
    patterns: dict[str, np.ndarray] = {}
    taken = {bytes(np.zeros(PATTERN, np.float32))}
    for tag in tags:
        random = random_stream(f"pattern of the tag {tag}")
        while bytes(pattern := random.integers(2, size=PATTERN).astype(np.float32)) in taken:
            pass
        taken.add(bytes(pattern))
        patterns[tag] = pattern
    return patterns


def read_scenes(documents: Sequence[Document], patterns: dict[str, np.ndarray], letters: int) -> Scenes:
    """What the pictures of documents show.

    Raises VisionError for a document that is not about a grid of `letters`, and for a tag without a pattern.
    """
    count = len(documents)
    scenes = Scenes(
        np.array([_digits_of(document) for document in documents], dtype=np.int64).reshape(count, CELLS),
        np.zeros((count, *PATTERN), dtype=np.float32),
        np.full(count, NO_FRAME, dtype=np.int64),
        np.full((count, CELLS), IGNORED, dtype=np.int64),
    )
    for place, document in enumerate(documents):
        if document.part in (*DEFINITIONS, DEFINITION_LETTERS):
            tag = _tag_of(document)
            if tag not in patterns:
                raise VisionError(
                    f"the definition {document.prompt!r} has the tag {tag!r}, which no definition of the stages has: "
                    "give the define type fewer texts for a tag, or the data set more aliases"
                )
            scenes.tags[place] = patterns[tag]
        else:
            scenes.framed[place] = _cell_of(document)
        asked = slice(None) if document.part in DEFINITIONS else [_cell_of(document)]
        scenes.letters[place, asked] = _letters_of(document, letters)
    return scenes


def _digits_of(document: Document) -> list[int]:
    alias = document.alias
    if len(alias) != CELLS or not (alias.isascii() and alias.isdigit()):
        raise VisionError(
            f"the variable {alias!r} of subset {document.subset} is not {CELLS} digits, which images need: give the "
            "define type alias_style: digits and alias_letters: 9, and no share to q_no_replacement_baseline"
        )
    return [int(digit) for digit in alias]


def _tag_of(document: Document) -> str:
    """The tag of a definition, of whose text it is the first of three words."""
    words = document.prompt.split()
    if len(words) != 2 or words[1] != document.alias:
        raise VisionError(
            f"the definition {document.prompt + document.completion!r} is not tag, variable and entity, a word "
            "each, which is all that images show: give the define type order: tve, tags of one word, and no templates"
        )
    return words[0]


def _cell_of(document: Document) -> int:
    """The cell that a question asks for, from 0."""
    kind, _, number = document.attribute.partition("_")
    asked = f"{document.alias} cell {number} ="
    if kind != "cell" or (document.part != DEFINITION_LETTERS and document.prompt != asked):
        raise VisionError(
            f"the question {document.prompt!r} of {document.part} is not about a cell of a grid, as {asked!r} would "
            "be: give the data set source: grids and test_sets: [], and the define type placement: apart"
        )
    return int(number) - 1


def _letters_of(document: Document, letters: int) -> list[int]:
    """The letters of a document's answer, from 0: nine of a definition, one of a question."""
    answer = document.completion.strip()
    found = [string.ascii_lowercase.find(letter) for letter in answer]
    if wrong := [letter for letter, place in zip(answer, found, strict=True) if not 0 <= place < letters]:
        raise VisionError(
            f"the answer {answer!r} about the variable {document.alias} has the letter {wrong[0]!r}; the model chooses "
            f"among {letters}, up to {string.ascii_lowercase[letters - 1]!r}: give it as many letters as the grids have"
        )
    if len(found) != (CELLS if document.part in DEFINITIONS else 1):
        raise VisionError(
            f"the answer {answer!r} about the variable {document.alias} has {len(found)} letters; a definition has "
            f"{CELLS} and a question 1: give the data set source: grids"
        )
    return found
