"""Saved models that cannot be trained as they are: each has a line of its own that says what to do."""

import json

import pytest
from transformers import AutoConfig, AutoModelForCausalLM

from metaocl.config.models import Pretrained
from metaocl.text.models import ModelError
from metaocl.text.pretrained import load_pretrained
from metaocl.text.tokenizers import build_word_tokenizer

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.fixture
def folder(tmp_path):
    """A saved model that can be trained."""
    config = AutoConfig.for_model("gpt2", vocab_size=20, n_embd=8, n_layer=1, n_head=1, n_positions=64)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "saved")
    build_word_tokenizer(["one two"], []).save_pretrained(tmp_path / "saved")
    load_pretrained(Pretrained(folder=str(tmp_path / "saved")))
    return tmp_path / "saved"


def message(folder):
    with pytest.raises(ModelError) as caught:
        load_pretrained(Pretrained(folder=str(folder)))
    [line] = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_pointer_of_git_lfs_is_told_with_the_command_that_fetches_the_file(folder, name):
    (folder / name).write_text(POINTER)
    assert message(folder) == (
        f"{folder / name}: is a Git LFS pointer, not the file itself; run `git lfs pull` in {folder}"
    )


@pytest.mark.parametrize("is_alone", [True, False])
def test_an_adapter_is_told_with_its_base_model(folder, is_alone):
    if is_alone:
        (folder / "config.json").unlink()
        (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    settings = {"base_model_name_or_path": "EleutherAI/pythia-70m", "peft_type": "LORA"}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    line = message(folder)
    assert line.startswith(f"{folder}: holds an adapter (LoRA or its like) of EleutherAI/pythia-70m; merge it")


def test_an_adapter_whose_configuration_cannot_be_read_is_told(folder):
    (folder / "adapter_config.json").write_text("[")
    assert "of a model that it does not name; merge it" in message(folder)


@pytest.mark.parametrize(
    "settings",
    [
        {"quant_method": "bitsandbytes", "load_in_4bit": True},
        {"quant_method": "gptq", "bits": 4, "group_size": 128},
        {"quant_method": "awq", "bits": 4},
        {"quant_method": "fp8"},
        {"quant_method": "unheard of"},
        {},
    ],
)
def test_quantised_weights_are_told_with_their_method(folder, settings):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": settings}))
    method = settings.get("quant_method", "in an unnamed way")
    assert message(folder).startswith(f"{folder}: its weights are quantised ({method}) and cannot be trained; take")


def test_a_sign_of_quantised_weights_beside_the_configuration_counts(folder):
    (folder / "quantize_config.json").write_text("{}")
    assert "its weights are quantised (quantize_config.json says so)" in message(folder)
