"""Pictures: tag, digits and frame where they belong, drawn in handwriting that tests do not share with training."""

import numpy as np
import pytest
import torch
from grid_documents import grid_documents, grid_run

from metaocl.config.handwriting import Digits
from metaocl.vision.drawing import draw_pictures
from metaocl.vision.handwriting import FOR_TESTS, FOR_TRAINING, read_handwriting
from metaocl.vision.scenes import NO_FRAME, draw_patterns, read_scenes

DIGITS = Digits()
SIDE = DIGITS.side


@pytest.fixture(scope="module")
def documents():
    return grid_documents()


@pytest.fixture(scope="module")
def scenes(documents):
    return read_scenes(documents, draw_patterns(documents), letters=5)


@pytest.fixture(scope="module")
def pictures(scenes):
    """Of each scene, all cells in the first image of their digit."""
    chosen = np.zeros((len(scenes.digits), 9), dtype=np.int64)
    return draw_pictures(scenes, np.arange(len(scenes.digits)), read_handwriting(DIGITS).training, chosen)


def cell_of(picture, cell):
    top, left = SIDE * (1 + cell // 3), SIDE * (cell % 3)
    return picture[top : top + SIDE, left : left + SIDE]


def test_no_image_is_both_for_training_and_for_tests():
    images = read_handwriting(DIGITS)
    assert (images.training.shape, images.tests.shape) == ((10, FOR_TRAINING, 8, 8), (10, FOR_TESTS, 8, 8))
    assert (images.training.min(), images.training.max()) == (0, 1)
    training, tests = ({bytes(image) for image in part.reshape(-1, 64)} for part in (images.training, images.tests))
    assert training & tests == set()


def test_a_picture_has_a_digit_in_each_cell_and_a_frame_around_the_asked_one(documents, scenes, pictures):
    first = read_handwriting(DIGITS).training[:, 0]
    border = np.ones((SIDE, SIDE), dtype=bool)
    border[1:-1, 1:-1] = False
    for document, framed, picture in zip(documents, scenes.framed, pictures, strict=True):
        for cell, digit in enumerate(map(int, document.alias)):
            expected = np.where(border, 1.0, first[digit]) if cell == framed else first[digit]
            assert (cell_of(picture, cell) == expected).all()


def test_definitions_have_their_tag_above_and_no_frame_and_questions_the_other_way_round(documents, scenes, pictures):
    patterns = draw_patterns(documents)
    assert len({bytes(pattern) for pattern in patterns.values()}) == len(patterns) == 3
    for document, framed, letters, picture in zip(documents, scenes.framed, scenes.letters, pictures, strict=True):
        answer = ["abcde".index(letter) for letter in document.completion.strip()]
        if "definitions" in document.part:
            pattern = patterns[document.prompt.split()[0]]
            assert framed == NO_FRAME
            assert (picture[:SIDE].reshape(2, 4, 6, 4) == pattern[:, None, :, None]).all()
            assert letters.tolist() == answer
        else:
            assert document.attribute == f"cell_{framed + 1}"
            assert picture[:SIDE].max() == 0
            assert [letters[framed], (letters == -100).sum()] == [*answer, 8]


def test_handwriting_is_a_function_of_seed_epoch_and_place(tmp_path):
    first, again, other = (grid_run(tmp_path, seeds=seeds).examples for seeds in [(0, 0), (0, 0), (1, 0)])
    batch = first.batch([5, 7, 9], epoch=2).pictures
    again.batch([1], epoch=1)
    assert torch.equal(again.batch([9, 7], epoch=2).pictures, batch[[2, 1]])
    assert not torch.equal(first.batch([5, 7, 9], epoch=3).pictures, batch)
    assert not torch.equal(other.batch([5, 7, 9], epoch=2).pictures, batch)


def test_pictures_are_drawn_from_training_images_and_tests_from_kept_ones(tmp_path):
    run = grid_run(tmp_path)
    assert run.examples.images.shape[1] == FOR_TRAINING
    assert run.evaluator.images.shape[1] == FOR_TESTS
    assert np.shares_memory(run.evaluator.images, read_handwriting(DIGITS).tests)
