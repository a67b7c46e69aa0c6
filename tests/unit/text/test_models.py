"""Models: what cannot be built or loaded is refused by name, and new tokens leave the old ones as they are."""

from __future__ import annotations

import json
import stat
import subprocess

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, normalizers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from metaocl.artifacts.checksums import write_checksums
from metaocl.config.models import BaseTraining, Model
from metaocl.config.plans import Stage
from metaocl.text.examples import IGNORED, encode_examples
from metaocl.text.models import ModelError, build_model, grow_embeddings, load_model, output_tokens, save_model
from metaocl.text.tokenizers import END_OF_LINE, PADDING, add_unknown_words, build_word_tokenizer

COMPLETIONS = Stage(documents=["questions"], epochs=1, loss_on="completion", outputs="completions")


def settings(**architecture_config):
    return Model(architecture="gpt2", architecture_config=architecture_config, base_training=BaseTraining(steps=1))


def is_tied(model):
    return model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_a_misspelt_size_is_refused_and_not_silently_ignored():
    with pytest.raises(ModelError, match="n_layers"):
        build_model(settings(n_layers=1), vocabulary_size=10)


@pytest.mark.parametrize(
    ("key", "value"),
    [("activation_function", "geluu"), ("n_layer", "one"), ("n_embd", 0), ("n_embd", -8), ("n_head", 0)],
)
def test_a_value_that_makes_no_model_is_refused_with_its_key(key, value):
    with pytest.raises(ModelError, match=f"gpt2 cannot be built with .*{key}.*{value}"):
        build_model(settings(**{key: value}), vocabulary_size=10)


@pytest.mark.parametrize("key", ["_attn_implementation", "attn_implementation", "auto_map", "save_pretrained"])
def test_what_is_no_argument_of_the_architecture_is_refused(key):
    with pytest.raises(ModelError, match=f"architecture_config names {key}, which gpt2 does not have"):
        build_model(settings(**{key: "owner/code"}), vocabulary_size=10)


def test_a_size_that_does_not_fit_is_refused_with_the_settings():
    with pytest.raises(ModelError, match="n_head"):
        build_model(settings(n_layer=1, n_embd=10, n_head=3), vocabulary_size=10)


def test_no_token_ends_a_text_of_a_new_model_but_the_line_break(any_model):
    assert any_model.config.eos_token_id is None
    assert any_model.config.bos_token_id is None


def test_an_encoder_decoder_starts_with_padding(build, tokenizer):
    config = build("t5", len(tokenizer)).config
    assert config.is_encoder_decoder
    assert config.decoder_start_token_id == config.pad_token_id == tokenizer.pad_token_id
    assert tokenizer.convert_ids_to_tokens(config.pad_token_id) == PADDING


def test_words_and_units_are_single_tokens_and_a_line_break_is_one():
    tokenizer = build_word_tokenizer(["Who is light\nA: light blue\n"], units=["light blue"])
    tokens = tokenizer.convert_ids_to_tokens(tokenizer("Who is light blue\nA: light\n").input_ids)
    assert tokens == ["Who", "is", "light blue", END_OF_LINE, "A:", "light", END_OF_LINE]


def test_a_unit_is_not_cut_out_of_a_longer_word():
    tokenizer = build_word_tokenizer(["a leftover left"], units=["left"])
    assert tokenizer.convert_ids_to_tokens(tokenizer("leftover left").input_ids) == ["leftover", "left"]


def test_unknown_words_get_tokens_of_their_own_and_known_ones_keep_theirs():
    tokenizer = build_word_tokenizer(["big tag"], [])
    before = tokenizer("big tag").input_ids
    assert add_unknown_words(tokenizer, ["big <|abc|> tag\n", "<|abc|> <|xyz|>"]) == 2
    assert tokenizer("big tag").input_ids == before
    tokens = tokenizer("<|abc|> big <|xyz|>").input_ids
    assert tokenizer.convert_ids_to_tokens(tokens) == ["<|abc|>", "big", "<|xyz|>"]
    assert add_unknown_words(tokenizer, ["big <|abc|>"]) == 0


def test_a_subword_tokenizer_gets_no_new_words(train_bytes, train_pieces):
    for tokenizer in (train_bytes(["big tag"]), train_pieces(["big tag"])):
        tokens = len(tokenizer)
        assert add_unknown_words(tokenizer, ["<|abc|> ∂"]) == 0
        assert len(tokenizer) == tokens


@pytest.mark.parametrize(
    ("architecture", "config", "tied"),
    [
        ("gpt2", {}, True),
        ("gpt2", {"tie_word_embeddings": False}, False),
        ("opt", {}, True),
        ("gpt_neox", {}, False),
        ("llama", {}, False),
        ("t5", {}, True),
    ],
)
def test_new_tokens_get_rows_in_both_matrices_and_old_ones_keep_theirs(
    build, tokenizer, tmp_path, architecture, config, tied
):
    tokens = len(tokenizer)
    model = build(architecture, tokens, **config)
    assert is_tied(model) == tied
    before = [
        matrix.weight.detach().clone() for matrix in (model.get_input_embeddings(), model.get_output_embeddings())
    ]
    grow_embeddings(model, tokens + 500)
    assert is_tied(model) == tied
    assert model.config.vocab_size == tokens + 500
    for old, matrix in zip(before, (model.get_input_embeddings(), model.get_output_embeddings()), strict=True):
        assert matrix.weight.shape == (tokens + 500, 16)
        assert torch.equal(matrix.weight[:tokens], old)
        # Drawn like the first ones, not copies of their mean.
        spread = matrix.weight[tokens:].std().item()
        assert spread == pytest.approx(old.std().item(), rel=0.2)
    save_model(model, tokenizer, tmp_path)
    loaded, _ = load_model(tmp_path)
    assert is_tied(loaded) == tied
    assert loaded.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(loaded.state_dict()[name], weight) for name, weight in model.state_dict().items())


def test_a_model_with_room_enough_is_left_alone(build):
    model = build("gpt2", 30)
    grow_embeddings(model, 20)
    assert model.get_input_embeddings().num_embeddings == 30


def test_a_loaded_model_answers_as_the_saved_one_and_its_tokenizer_reads_the_same(any_model, tokenizer, tmp_path):
    save_model(any_model, tokenizer, tmp_path)
    loaded, reader = load_model(tmp_path)
    text = "Q: Where does X live?\nA: light blue\n"
    assert reader(text).input_ids == tokenizer(text).input_ids
    assert (reader.pad_token, reader.unk_token) == (tokenizer.pad_token, tokenizer.unk_token)
    assert reader.convert_ids_to_tokens(reader("unheard-of").input_ids) == [tokenizer.unk_token]
    tokens = {"input_ids": torch.tensor([reader(text).input_ids])}
    if any_model.config.is_encoder_decoder:
        tokens["decoder_input_ids"] = tokens["input_ids"]
        assert loaded.config.decoder_start_token_id == any_model.config.decoder_start_token_id
    with torch.inference_mode():
        assert torch.equal(loaded(**tokens).logits, any_model(**tokens).logits)


def test_weights_are_readable_for_everyone_who_may_read_the_configuration(model, tokenizer, tmp_path):
    save_model(model, tokenizer, tmp_path)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("model.safetensors", "config.json")}
    assert len(modes) == 1


def test_outputs_are_the_tokens_of_completions_or_everything(tokenizer):
    outputs = output_tokens(tokenizer, [" red blue\n", " light blue\n", " red\n"], COMPLETIONS)
    assert outputs.tolist() == sorted(outputs.tolist())
    assert sorted(tokenizer.convert_ids_to_tokens(outputs.tolist())) == ["\n", "blue", "light blue", "red"]
    assert output_tokens(tokenizer, [" red\n"], Stage(documents=["questions"], epochs=1)) is None


def spell(words):
    """A tokenizer as Llama 2's: a text gets a blank in front, and two blanks are one token."""
    merges = [("▁", "▁")]
    for word in words:
        merges += [("▁" + word[:length], word[length]) for length in range(len(word))]
    vocabulary = {"<s>": 0, "</s>": 1, "\n": 2, ":": 3, "A": 4}
    for pair in merges:
        for token in (*pair, "".join(pair)):
            vocabulary.setdefault(token, len(vocabulary))
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=merges))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>")


def test_every_scored_token_of_a_completion_is_among_the_outputs(build, tokenizer):
    texts = [("red?\nA:", " blue\n"), ("blue green\nA:", " red\n")]
    examples = encode_examples(build("llama", len(tokenizer)), tokenizer, texts, COMPLETIONS)
    scored = {label for labels in examples.labels for label in labels if label != IGNORED}
    outputs = output_tokens(tokenizer, [completion for _, completion in texts], COMPLETIONS)
    assert scored == set(outputs.tolist())


def test_a_tokenizer_that_may_part_an_answer_differently_in_a_text_has_no_list_of_outputs():
    with pytest.raises(ModelError, match="outputs: completions is for models with one token per word"):
        output_tokens(spell(["red", "red?", "blue", "green"]), [" blue\n"], COMPLETIONS)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelError, match=str(tmp_path / "nowhere")):
        load_model(tmp_path / "nowhere")


@pytest.fixture
def saved(model, tokenizer, tmp_path):
    save_model(model, tokenizer, tmp_path)
    return tmp_path


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_truncated_weights_are_refused_with_their_folder(saved, share):
    weights = saved / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match=str(saved)):
        load_model(saved)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_changed_byte_is_noticed(saved, name, share):
    content = bytearray((saved / name).read_bytes())
    content[int(share * len(content))] ^= 1
    (saved / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{saved}: cannot be loaded: .*{name}: is not as it was written"):
        load_model(saved)


@pytest.mark.parametrize("content", [None, "", "\xff"], ids=["absent", "empty", "no text"])
def test_a_model_without_its_checksums_is_refused_with_its_folder(saved, content):
    (saved / "SHA256SUMS").unlink()
    if content is not None:
        (saved / "SHA256SUMS").write_text(content, encoding="latin-1")
    with pytest.raises(ModelError, match=str(saved)):
        load_model(saved)


def test_sha256sum_can_check_a_model(saved):
    checked = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=saved, capture_output=True)
    assert checked.returncode == 0
    assert checked.stdout.count(b": OK\n") == len(list(saved.iterdir())) - 1


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_truncated_file_beside_the_weights_is_refused_with_its_folder(saved, name):
    file = saved / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(ModelError, match=str(saved)):
        load_model(saved)


def test_a_missing_tokenizer_is_refused_with_its_folder(saved):
    (saved / "tokenizer.json").unlink()
    write_checksums(saved)
    with pytest.raises(ModelError, match=str(saved)):
        load_model(saved)


def test_pickled_weights_are_refused(saved):
    torch.save(load_file(saved / "model.safetensors"), saved / "pytorch_model.bin")
    (saved / "model.safetensors").unlink()
    write_checksums(saved)
    with pytest.raises(ModelError, match=str(saved)):
        load_model(saved)


def test_weights_that_lack_a_matrix_are_refused_and_not_filled_with_random_numbers(saved):
    weights = load_file(saved / "model.safetensors")
    del weights["transformer.h.1.mlp.c_fc.weight"]
    save_file(weights, saved / "model.safetensors", {"format": "pt"})
    write_checksums(saved)
    with pytest.raises(ModelError, match=str(saved)):
        load_model(saved)


def test_weights_of_other_sizes_than_the_configurations_are_refused(saved):
    config = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(config | {"n_inner": 24}))
    write_checksums(saved)
    with pytest.raises(ModelError, match=str(saved)):
        load_model(saved)


def test_code_beside_the_weights_is_never_run_even_if_a_terminal_says_yes(saved, monkeypatch):
    config = json.loads((saved / "config.json").read_text())
    asks = {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}
    (saved / "config.json").write_text(json.dumps(config | asks))
    (saved / "own.py").write_text(f"open({str(saved / 'marker')!r}, 'w')\n")
    write_checksums(saved)
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(saved / "modules"))
    with pytest.raises(ModelError, match=str(saved)):
        load_model(saved)
    assert not (saved / "marker").exists()
