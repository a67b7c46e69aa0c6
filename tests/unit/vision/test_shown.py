"""What is shown to people is what a network sees: a document of every kind that there is, with its text."""

import numpy as np
from grid_documents import grid_documents

from metaocl.config.handwriting import Digits
from metaocl.figures.pictures import draw_side_by_side
from metaocl.vision.handwriting import read_handwriting
from metaocl.vision.scenes import draw_patterns
from metaocl.vision.shown import KINDS, show_documents

HANDWRITING = read_handwriting(Digits())


def cells_of(picture):
    return [picture[8 + 8 * row : 16 + 8 * row, 8 * column : 8 * column + 8] for row in range(3) for column in range(3)]


def test_a_document_of_every_kind_is_shown_as_it_is():
    documents = grid_documents()
    shown = show_documents(documents, HANDWRITING, letters=5)
    assert [each.kind for each in shown] == list(KINDS.values())
    definition, question, test, *_ = shown
    tag, digits = definition.text.splitlines()[0].split()
    pattern = draw_patterns(documents)[tag].repeat(4, axis=0).repeat(4, axis=1)
    assert (definition.picture[:8] == pattern).all()
    assert not question.picture[:8].any()
    for each, images in ((definition, HANDWRITING.training), (test, HANDWRITING.tests)):
        shows = [
            (images[int(digit)] == cell).all(axis=(1, 2)).any()
            for digit, cell in zip(digits, cells_of(each.picture), strict=True)
        ]
        assert sum(shows) == (9 if each is definition else 8)  # a frame lies over one
    again = show_documents(documents, HANDWRITING, letters=5)
    assert all(np.array_equal(one.picture, other.picture) for one, other in zip(shown, again, strict=True))


def test_kinds_that_there_are_none_of_are_left_out():
    documents = [document for document in grid_documents() if document.part != "questions"]
    shown = show_documents(documents, HANDWRITING, letters=5)
    assert [each.kind for each in shown] == [kind for kind in KINDS.values() if kind != "training question"]


def test_pictures_stand_side_by_side_without_a_line_around_them():
    figure = draw_side_by_side([np.zeros((32, 24)), np.ones((32, 24))], ["black", "white"], ["a", "b"])
    assert [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes] == ["black", "white"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["a", "b"]
    assert not any(spine.get_visible() for axes in figure.axes for spine in axes.spines.values())
