"""What a job reads of the user's own is seen at planning: files as inputs, other content by a parameter."""

import os

import pytest

from metaocl.artifacts.checksums import sampled_hash
from metaocl.config.entry import ConfigError
from metaocl.config.handwriting import Images
from metaocl.config.models import Pretrained
from metaocl.config.sources import Cities, Cvdb, Modular, People, Table, Trex
from metaocl.planning.inputs import handwriting_files, model_files, model_version, source_files, source_version


def write(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def install(monkeypatch, folder, package, version):
    """Let Python find a package of some version before all others."""
    write(folder / f"{package}-{version}.dist-info/METADATA", f"Name: {package}\nVersion: {version}\n".encode())
    monkeypatch.syspath_prepend(folder)


def test_of_a_saved_model_the_files_are_inputs_that_transformers_reads(tmp_path):
    read = ["config.json", "merges.txt", "model-00001-of-00002.safetensors", "spiece.model", "tokenizer.json"]
    for name in [*read, "README.md", "training_args.bin", "trainer_state.json", ".hidden.json", "checkpoint-5/a.json"]:
        write(tmp_path / name)
    assert model_files(Pretrained(folder=str(tmp_path))) == [str(tmp_path / name) for name in read]


def test_of_a_folder_of_json_files_each_is_an_input_and_a_zip_is_one(tmp_path):
    names = ["a.json", "deep/b.json"]
    for name in [*names, "README.txt", ".c.json"]:
        write(tmp_path / "trex" / name)
    whole = write(tmp_path / "trex.zip")
    assert source_files(Trex(path=str(tmp_path / "trex"))) == [str(tmp_path / "trex" / name) for name in names]
    assert source_files(Trex(path=str(whole))) == source_files(Cvdb(path=str(whole))) == [str(whole)]
    (tmp_path / "empty").mkdir()
    assert source_files(Trex(path=str(tmp_path / "empty"))) == [str(tmp_path / "empty")]
    assert source_version(Trex(path=str(tmp_path / "empty")))
    assert source_files(Cvdb(url="https://example.org/cvdb.csv")) == []


@pytest.mark.parametrize("size", [1, 4096, 4097, 262_144, 3_000_001])
def test_other_content_is_told_whatever_its_date(tmp_path, size):
    path = write(tmp_path / "model.safetensors", bytes(size))
    settings = Pretrained(folder=str(tmp_path))
    before = model_version(settings)
    os.utime(path, (0, 0))
    assert model_version(settings) == before
    write(path, b"\1" + bytes(size - 1))
    os.utime(path, (0, 0))
    assert model_version(settings) != before


def test_a_change_anywhere_in_a_small_file_is_told(tmp_path):
    content = bytearray(10_000)
    hashes = {sampled_hash([write(tmp_path / "a", content)])}
    for place in (0, 4095, 4096, 5000, 9999):
        content[place] = 1
        hashes.add(sampled_hash([write(tmp_path / "a", content)]))
    assert len(hashes) == 6


def test_a_package_that_carries_data_counts_with_its_version(tmp_path, monkeypatch):
    settings = Pretrained(package="some-model", file="a.gguf")
    assert model_version(settings) == "not installed"
    install(monkeypatch, tmp_path / "old", "some_model", "1.0")
    assert model_version(settings) == "1.0"
    install(monkeypatch, tmp_path / "new", "some_model", "1.1")
    assert model_version(settings) == "1.1"


@pytest.mark.parametrize("source", [People(), Cities()])
def test_facts_from_a_package_count_with_its_version(tmp_path, monkeypatch, source):
    assert source_version(source)
    install(monkeypatch, tmp_path, source.package, "99.0")
    assert source_version(source) == "99.0"


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("<a>.csv", lambda folder: source_files(Table(path=folder, name="a", question="b", answer="c"))),
        ("deep/<a>.json", lambda folder: source_files(Trex(path=folder))),
        ("<a>.safetensors", lambda folder: model_files(Pretrained(folder=folder))),
        ("0/<a>.png", lambda folder: handwriting_files(Images(folder=folder), "")),
    ],
)
def test_a_file_in_a_folder_whose_name_snakemake_would_fill_in_is_told(tmp_path, name, ask):
    write(tmp_path / name)
    with pytest.raises(
        ConfigError, match=f"^{tmp_path}/{name}: Snakemake fills in what stands in angle brackets; rename"
    ):
        ask(str(tmp_path))


def test_what_is_drawn_or_pinned_has_no_version_of_its_own():
    assert source_version(Modular()) == ""
    hub = [Pretrained(hub="a/b", revision=revision) for revision in ("v1", "v2")]
    assert model_version(hub[0]) == model_version(hub[1])


@pytest.mark.parametrize(
    "ask",
    [
        lambda path: model_files(Pretrained(folder=path)),
        lambda path: model_version(Pretrained(folder=path)),
        lambda path: source_files(Cvdb(path=path)),
        lambda path: source_version(Trex(path=path)),
    ],
)
def test_what_is_not_there_is_named_with_the_folder_it_was_looked_for_in(tmp_path, monkeypatch, ask):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        ask("data/nowhere")
    assert "'data/nowhere'" in str(caught.value)
    assert str(tmp_path) in str(caught.value)
