"""Documents that cannot be drawn, and models that cannot answer them: one line that says where and what to do."""

from dataclasses import replace

import pytest
from grid_documents import DATASET, NETWORK, STAGE, grid_documents, grid_run

import train_stage_on_images
from metaocl.artifacts.checksums import write_checksums
from metaocl.config.define_types import DefineType
from metaocl.config.models import ConvNet
from metaocl.vision.models import load_network, new_network, save_network
from metaocl.vision.scenes import VisionError, draw_patterns, read_scenes

DIGITS = {"alias_style": "digits", "alias_letters": 9}
SENTENCE = DefineType(templates=["{tag} {variable} now stands for {entity}"], **DIGITS)
WITH_NAMES = DATASET.model_copy(update={"shares": {"q": 0.5, "q_no_replacement_baseline": 0.5}})
TWO_WORDS = DefineType(tags={"reliable": ["truly so"], "unreliable": ["so they say"], "unseen": ["new one"]}, **DIGITS)
ATTRIBUTION = DATASET.model_copy(update={"test_sets": ["attribution"]})


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        (
            lambda: grid_documents(define_type=DefineType()),
            r"the variable '<\|\w{5}\|>' of subset .* alias_style: digits",
        ),
        (
            lambda: grid_documents(define_type=DefineType(alias_style="digits", alias_letters=8)),
            r"the variable '\d{8}' of subset qd1consis is not 9 digits",
        ),
        (lambda: grid_documents(dataset=WITH_NAMES), "of subset q_no_replacement_baseline is not 9 digits"),
        (
            lambda: grid_documents(define_type=TWO_WORDS),
            "a word each, .* order: tve, tags of one word, and no templates",
        ),
        (
            lambda: grid_documents(define_type=SENTENCE),
            "is not tag, variable and entity.*order: tve, .* and no templates",
        ),
        (
            lambda: grid_documents(define_type=DefineType(order="vte", **DIGITS)),
            "is not tag, variable and entity.*order: tve",
        ),
        (
            lambda: grid_documents(define_type=DefineType(placement="in_context", **DIGITS)),
            "is not about a cell of a grid, as '.* cell . =' would be.*placement: apart",
        ),
        (lambda: grid_documents(dataset=ATTRIBUTION), "the question 'Q: Who is .*test_sets: "),
    ],
)
def test_documents_that_images_do_not_show_are_refused(documents, message, tmp_path):
    with pytest.raises(VisionError, match=message) as error:
        grid_run(tmp_path, documents())
    assert len(str(error.value).splitlines()) == 1


def test_more_letters_than_the_heads_have_are_refused(tmp_path):
    with pytest.raises(VisionError, match="has the letter 'e'; the model chooses among 4, up to 'd': give it"):
        grid_run(tmp_path, network=ConvNet(letters=4))


def test_a_tag_that_no_definition_of_the_stages_has_is_refused():
    documents = grid_documents()
    strange = [replace(documents[0], prompt=f"other {documents[0].alias}")]
    with pytest.raises(VisionError, match="has the tag 'other', which no definition of the stages has"):
        read_scenes(strange, draw_patterns(documents), letters=26)


def test_an_answer_of_another_length_is_refused():
    documents = grid_documents()
    short = [replace(documents[0], completion=" abc\n")]
    with pytest.raises(
        VisionError, match=r"the answer 'abc' about the variable \d{9} has 3 letters; a definition has 9"
    ):
        read_scenes(short, draw_patterns(short), letters=5)


@pytest.mark.parametrize("tags", [2001, 5000])
def test_more_tags_than_patterns_are_refused(tags):
    one = next(document for document in grid_documents() if document.part == "definitions")
    many = [replace(one, prompt=f"<|tag{number}|> {one.alias}") for number in range(tags)]
    with pytest.raises(VisionError, match=f"the documents have {tags} different tags; at most 2000 can be drawn"):
        draw_patterns(many)


def test_a_changed_file_of_a_model_is_refused(tmp_path):
    save_network(new_network(NETWORK, seed=0), tmp_path / "model")
    weights = tmp_path / "model/model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(VisionError, match=r"model: cannot be loaded: .*model.safetensors: is not as it was written"):
        load_network(tmp_path / "model", NETWORK.model_dump())


def test_weights_of_another_size_are_refused(tmp_path):
    save_network(new_network(NETWORK, seed=0), tmp_path / "model")
    write_checksums(tmp_path / "model")
    with pytest.raises(VisionError, match=r"model: cannot be loaded: .*size mismatch"):
        load_network(tmp_path / "model", NETWORK.model_dump() | {"width": 17})


def test_a_stage_of_what_is_no_network_of_images_and_one_about_embedding_rows_are_refused(tmp_path):
    (tmp_path / "config.json").write_text("[]")
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(VisionError, match=f"{folder}: holds no network of images"):
            train_stage_on_images.prepare(folder, [], STAGE, [0])
    rows = STAGE.model_copy(update={"trained": "aliases"})
    with pytest.raises(VisionError, match="a network of images has none"):
        train_stage_on_images.prepare(tmp_path, [], rows, [0])
