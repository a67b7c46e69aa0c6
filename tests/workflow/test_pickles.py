"""No pickle is read, wherever it lies and whatever it is called."""

import functools
import json
import pickle
import shutil
from contextlib import suppress

import pytest
import torch
from project import assert_nothing_ran
from safetensors.torch import load_file

from metaocl.artifacts.checksums import write_checksums
from metaocl.artifacts.tables import read_rows
from metaocl.config.models import Pretrained
from metaocl.documents.records import Document
from metaocl.errors import UserError
from metaocl.text.models import load_model
from metaocl.text.pretrained import load_pretrained
from metaocl.training.checkpoints import Checkpoint


class Attack:
    """An object that writes a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


PICKLES = {
    "a plain pickle": lambda attack, path: path.write_bytes(pickle.dumps(attack)),
    "torch's zip": lambda attack, path: torch.save({"weight": attack}, path),
    "torch's older form": lambda attack, path: torch.save(
        {"weight": attack}, path, _use_new_zipfile_serialization=False
    ),
}
IN_A_MODEL = [
    *("pytorch_model.bin", "model.bin", "adapter_model.bin", "optimizer.pt", "training_args.bin", "rng_state.pth"),
    *("model.safetensors", "config.json", "generation_config.json", "adapter_config.json"),
    *("model.safetensors.index.json", "pytorch_model.bin.index.json"),
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json"),
    *("tokenizer.model", "tokenizer.pkl", "vocab.pkl", "chat_template.jinja"),
]


@pytest.fixture
def model(finished_run, tmp_path):
    return shutil.copytree(finished_run / "results/base_models/people/tiny/model", tmp_path / "model")


@pytest.fixture(params=PICKLES)
def plant(request, tmp_path):
    """Writes a pickle that would write the file `hacked`."""
    return functools.partial(PICKLES[request.param], Attack(tmp_path / "hacked"))


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def loads(model):
    """Which of the two ways in which jobs read models take this one."""
    write_checksums(model)  # as whoever gives it to us would do
    taken = []
    for load in (load_model, lambda folder: load_pretrained(Pretrained(folder=str(folder)))):
        with suppress(UserError):
            load(model)
            taken.append(load)
    return taken


def test_the_pickles_of_these_tests_do_harm_where_they_are_read(plant, tmp_path):
    plant(tmp_path / "attack")
    with suppress(RuntimeError):  # it is not what torch expects; too late
        torch.load(tmp_path / "attack", weights_only=False)
    assert (tmp_path / "hacked").exists()


@pytest.mark.parametrize("name", IN_A_MODEL)
def test_a_pickle_in_a_models_folder_is_not_read(model, plant, name):
    plant(model / name)
    loads(model)
    assert_nothing_ran(model.parent)


@pytest.mark.parametrize("shard", ["shard.bin", "model-00001-of-00001.safetensors"])
def test_an_index_of_weights_that_names_a_pickle_is_refused(model, plant, shard):
    names = list(load_file(model / "model.safetensors"))
    (model / "model.safetensors").unlink()
    plant(model / shard)
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, shard)}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    assert loads(model) == []
    assert_nothing_ran(model.parent)


def test_harmless_weights_that_are_pickled_are_refused_too(model):
    weights = load_file(model / "model.safetensors")
    (model / "model.safetensors").unlink()
    torch.save(weights, model / "shard.bin")
    index = {"metadata": {}, "weight_map": dict.fromkeys(weights, "shard.bin")}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    assert loads(model) == []


@pytest.mark.parametrize("name", ["adapter_model.bin", "../attack.safetensors", "attack.bin"])
def test_a_configuration_that_names_a_pickle_as_weights_is_refused(model, plant, name):
    plant(model / name)
    edit(model / "config.json", transformers_weights=name)
    assert loads(model) == []
    assert_nothing_ran(model.parent)


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation", "experts_implementation"])
def test_code_from_the_hub_that_a_configuration_asks_for_is_not_fetched(model, monkeypatch, key):
    asked = []
    monkeypatch.setattr("transformers.integrations.hub_kernels.get_kernel", lambda *names, **_: asked.append(names))
    monkeypatch.setattr("transformers.integrations.hub_kernels.is_kernels_available", lambda *_, **__: True)
    edit(model / "config.json", **{key: "kernels-community/attention"})
    loads(model)
    assert asked == []


def test_a_pickle_in_the_place_of_a_table_is_not_read(plant, tmp_path):
    plant(tmp_path / "documents.parquet")
    with pytest.raises(UserError, match=r"documents\.parquet: cannot be read"):
        read_rows(tmp_path / "documents.parquet", Document)
    assert_nothing_ran(tmp_path)


def test_a_pickle_in_the_place_of_a_checkpoint_is_not_read(plant, tmp_path, capsys):
    checkpoint = Checkpoint(tmp_path, "this run")
    plant(checkpoint.file)
    assert checkpoint.restore(None) is None
    assert "the checkpoint is not used" in capsys.readouterr().err
    assert_nothing_ran(tmp_path)
