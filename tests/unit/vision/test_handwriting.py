"""Handwriting of the user's own: read, divided, and refused in one line that names file and place."""

import gzip
import struct

import numpy as np
import pytest
from grid_documents import NETWORK, grid_documents
from PIL import Image

from metaocl.config.handwriting import Digits, Images, Mnist
from metaocl.vision.handwriting import _read_folder, read_handwriting
from metaocl.vision.models import new_network
from metaocl.vision.scenes import VisionError
from metaocl.vision.task import make_vision_task

NAMES = {"train": "train-{}-ubyte", "t10k": "t10k-{}-ubyte"}


def images_file(pixels, magic=2051):
    return struct.pack(">IIII", magic, *pixels.shape) + pixels.tobytes()


def labels_file(labels, magic=2049):
    return struct.pack(">II", magic, len(labels)) + bytes(labels)


def write_mnist(folder, side=28):
    """30 images for training, 20 for tests; the pixels of an image are its place, plus 100 in tests."""
    folder.mkdir()
    for part, count, start in (("train", 30, 0), ("t10k", 20, 100)):
        pixels = np.arange(start, start + count, dtype=np.uint8)[:, None, None].repeat(side, 1).repeat(side, 2)
        (folder / NAMES[part].format("images-idx3")).write_bytes(images_file(pixels))
        (folder / NAMES[part].format("labels-idx1")).write_bytes(labels_file([n % 10 for n in range(count)]))
    return Mnist(folder=str(folder))


def write_pngs(folder, side=6, count=5):
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
        for number in range(count):
            pixels = np.full((side, side), 10 * digit + number, dtype=np.uint8)
            Image.fromarray(pixels).save(folder / str(digit) / f"{number}.png")
    return Images(folder=str(folder), side=side)


def test_mnist_is_read_in_its_own_division(tmp_path):
    found = read_handwriting(write_mnist(tmp_path / "mnist"))
    assert (found.training.shape, found.tests.shape) == ((10, 3, 28, 28), (10, 2, 28, 28))
    assert (found.training[7, :, 0, 0] * 255).round().tolist() == [7, 17, 27]
    assert (found.tests[7, :, 5, 5] * 255).round().tolist() == [107, 117]


def test_packed_files_are_read_as_plain_ones(tmp_path):
    plain, packed = (write_mnist(tmp_path / name) for name in ("plain", "packed"))
    for path in list((tmp_path / "packed").iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert read_handwriting(packed).sha256() == read_handwriting(plain).sha256()


def test_a_folder_of_images_is_divided_once_and_for_all(tmp_path):
    settings = write_pngs(tmp_path / "own")
    found = read_handwriting(settings)
    assert (found.training.shape, found.tests.shape) == ((10, 4, 6, 6), (10, 1, 6, 6))
    for digit in range(10):
        shown = np.concatenate([found.training[digit, :, 0, 0], found.tests[digit, :, 0, 0]])
        assert sorted((shown * 255).round()) == [10 * digit + number for number in range(5)]
    assert read_handwriting(write_pngs(tmp_path / "again")).sha256() == found.sha256()


def test_pictures_are_as_large_as_the_handwriting(tmp_path):
    network = NETWORK.model_copy(update={"handwriting": write_mnist(tmp_path / "mnist")})
    task = make_vision_task(new_network(network, seed=0), grid_documents(), (0,))
    batch = task.examples(grid_documents()).batch([0, 1], epoch=1)
    assert batch.pictures.shape == (2, 112, 84)
    assert task.model(batch.pictures).shape == (2, 9, 5)


def test_handwriting_that_changed_behind_a_network_is_refused(tmp_path):
    network = NETWORK.model_copy(update={"handwriting": write_pngs(tmp_path / "own")})
    model = new_network(network, 0, read_handwriting(network.handwriting).sha256())
    make_vision_task(model, grid_documents(), (0,))
    Image.fromarray(np.zeros((6, 6), np.uint8)).save(tmp_path / "own/9/0.png")
    _read_folder.cache_clear()
    with pytest.raises(VisionError, match=r"own.*: is not what the network was made for"):
        make_vision_task(model, grid_documents(), (0,))


IMAGES, LABELS = "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (IMAGES, images_file(np.zeros((30, 28, 28), np.uint8))[:-1], "has 23535 bytes; its header promises 23536"),
        (IMAGES, b"\0\0\x08\x03\0", "has 5 bytes; its header promises more"),
        (IMAGES, b"", "begins with 0; .* the magic number 2051"),
        (IMAGES, images_file(np.zeros((30, 28, 28), np.uint8), 2049), "begins with 2049; .* the magic number 2051"),
        (LABELS, labels_file([0] * 20, 2051), "begins with 2051; .* the magic number 2049"),
        (IMAGES, images_file(np.zeros((30, 27, 28), np.uint8)), "its images are of 27 × 28 pixels; expected 28 × 28"),
        (LABELS, labels_file([0, 10, 11]), r"label 1 \(from 0\) is 10; expected the digits 0 to 9"),
        (LABELS, labels_file([0] * 19), "has 19 labels; .*t10k-images-idx3-ubyte has 20 images"),
        (LABELS, labels_file([n % 9 for n in range(20)]), "has no image of the digit 9"),
    ],
)
def test_a_mistaken_idx_file_is_one_line_that_names_it(tmp_path, file, content, message):
    settings = write_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / file).write_bytes(content)
    with pytest.raises(VisionError, match=f"{file}: {message}") as error:
        read_handwriting(settings)
    assert len(str(error.value).splitlines()) == 1


def test_a_missing_and_a_broken_packed_idx_file_are_named(tmp_path):
    settings = write_mnist(tmp_path / "mnist")
    path = tmp_path / "mnist" / IMAGES
    packed = gzip.compress(path.read_bytes())
    path.unlink()
    with pytest.raises(VisionError, match=f"{IMAGES}: is not there, nor is {IMAGES}.gz"):
        read_handwriting(settings)
    path.with_name(f"{IMAGES}.gz").write_bytes(packed[:-9])
    with pytest.raises(VisionError, match=rf"{IMAGES}\.gz: cannot be unpacked: "):
        read_handwriting(settings)


def save(path, mode="L", size=(6, 6)):
    Image.new(mode, size).save(path)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:40]), "own/3/0.png: cannot be read as PNG: "),
        (lambda path: path.write_bytes(b"no image"), "own/3/0.png: cannot be read as PNG: "),
        (lambda path: save(path, size=(6, 8)), "own/3/0.png: is of 8 × 6 pixels; expected 6 × 6"),
        (lambda path: save(path, "RGBA"), "own/3/0.png: is an image of mode RGBA; expected one of 1, L, RGB"),
        (lambda path: [each.unlink() for each in path.parent.iterdir()], "own/3: holds 0 PNG files; expected two"),
    ],
)
def test_a_mistaken_image_is_one_line_that_names_it(tmp_path, edit, message):
    settings = write_pngs(tmp_path / "own")
    edit(tmp_path / "own/3/0.png")
    with pytest.raises(VisionError, match=message) as error:
        read_handwriting(settings)
    assert len(str(error.value).splitlines()) == 1


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(VisionError, match=r"0: holds 0 PNG files"):
        read_handwriting(Images(folder=str(tmp_path)))


def test_the_default_needs_no_data():
    assert NETWORK.handwriting == Digits()
