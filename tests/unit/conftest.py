from __future__ import annotations

from random import Random

import pytest
import torch
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE, Unigram
from transformers import AutoConfig, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

from metaocl.config.models import BaseTraining, Model
from metaocl.text.models import build_model, model_class
from metaocl.text.tokenizers import PADDING_ID, build_word_tokenizer
from metaocl.training.devices import pick_device

# Without dropout. Large random weights make different prompts get different answers.
GPT2 = {
    "n_embd": 16,
    "n_layer": 2,
    "n_head": 2,
    "n_positions": 64,
    "initializer_range": 0.6,
    "resid_pdrop": 0.0,
    "embd_pdrop": 0.0,
    "attn_pdrop": 0.0,
}
OTHERS = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 64}
CAUSAL = {
    "gpt2": GPT2,
    "opt": OTHERS | {"ffn_dim": 32, "word_embed_proj_dim": 16, "dropout": 0.0, "init_std": 0.6},
    "gpt_neox": OTHERS | {"intermediate_size": 32, "initializer_range": 0.6},
    "llama": OTHERS | {"intermediate_size": 32, "initializer_range": 0.6},
}
ENCODER_DECODERS = {
    "t5": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "dropout_rate": 0.0},
}
ARCHITECTURES = CAUSAL | ENCODER_DECODERS
# Pretrained models may also have architectures that count positions in ways of their own, that see a window of the text
# only, or that keep a running state.
PECULIAR = {
    "bloom": {"hidden_size": 16, "n_layer": 2, "n_head": 2, "initializer_range": 0.6},
    "mpt": {"d_model": 16, "n_layers": 2, "n_heads": 2, "initializer_range": 0.6},
    "mistral": OTHERS | {"intermediate_size": 32, "num_key_value_heads": 1, "initializer_range": 0.6},
    "gpt_neo": {
        "hidden_size": 16,
        "num_layers": 2,
        "num_heads": 2,
        "attention_types": [[["global", "local"], 1]],
        "initializer_range": 0.6,
        "resid_dropout": 0.0,
        "embed_dropout": 0.0,
    },
    "lfm2": OTHERS
    | {
        "intermediate_size": 32,
        "num_key_value_heads": 2,
        "layer_types": ["conv", "full_attention"],
        "initializer_range": 0.6,
    },
    "bart": {
        "d_model": 16,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 32,
        "decoder_ffn_dim": 32,
        "max_position_embeddings": 64,
        "init_std": 0.6,
    },
}


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Models this small are trained many times faster on one thread when other tests run beside these."""
    torch.set_num_threads(1)
    disable_progress_bar()


@pytest.fixture(scope="session")
def tokenizer():
    texts = ["Q: Where does X live?\nA: red blue\n", "Q: Who really is Y now?\nA: green\n", "big tag X green blue\n"]
    return build_word_tokenizer(texts, units=["light blue", "dark red"])


@pytest.fixture(scope="session")
def build():
    """Makes a tiny model of an architecture, with settings of its own, that has a row for each of so many tokens."""

    def build(architecture, tokens, **config):
        settings = Model(
            architecture=architecture,
            architecture_config=ARCHITECTURES[architecture] | config,
            base_training=BaseTraining(steps=1),
        )
        torch.manual_seed(0)
        return build_model(settings, tokens).to(pick_device())

    return build


@pytest.fixture(scope="session")
def build_peculiar():
    """Makes a tiny model of one of the peculiar architectures, which no configuration can ask for by name."""

    def build_peculiar(architecture, tokens, **settings):
        special = {"vocab_size": tokens, "bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
        if architecture == "bart":
            special |= {"pad_token_id": PADDING_ID, "decoder_start_token_id": PADDING_ID}
        config = AutoConfig.for_model(architecture, **PECULIAR[architecture] | special | settings)
        torch.manual_seed(0)
        return model_class(config).from_config(config).eval()

    return build_peculiar


@pytest.fixture(scope="session")
def random_prompts(tokenizer):
    """Makes prompts of random words: most have one of a few beginnings and go on in ways of their own."""

    def random_prompts(count, seed):
        random = Random(seed)
        words = [
            word for word in sorted(tokenizer.get_vocab()) if word.isalpha() and tokenizer.tokenize(word) == [word]
        ]
        wordings = [random.choices(words, k=random.randint(1, 7)) for _ in range(8)]
        return [
            " ".join((random.choice(wordings) if random.random() < 0.8 else []) + random.choices(words, k=length))
            for length in random.choices(range(1, 7), k=count)
        ]

    return random_prompts


@pytest.fixture(scope="session")
def whole_prompts():
    """Puts the prompts of a group together again: the real tokens of each, by its place."""

    def whole_prompts(group):
        starts = [row[mask] for row, mask in zip(group.beginnings.tokens, group.beginnings.mask, strict=True)]
        rests = [row[mask] for row, mask in zip(group.rests.tokens, group.rests.mask, strict=True)]
        wholes = [torch.cat([starts[start], rest]) for start, rest in zip(group.begins_with, rests, strict=True)]
        return dict(zip(group.places.tolist(), wholes, strict=True))

    return whole_prompts


@pytest.fixture
def model(build, tokenizer):
    return build("gpt2", len(tokenizer))


@pytest.fixture(params=CAUSAL)
def causal_model(request, build, tokenizer):
    return build(request.param, len(tokenizer))


@pytest.fixture(params=ARCHITECTURES)
def any_model(request, build, tokenizer):
    return build(request.param, len(tokenizer))


@pytest.fixture(scope="session")
def scripted_model():
    """Makes a GPT-2 that answers every token with the one that a table gives; tokens that are not in it, with 0."""

    def scripted_model(follower, tokens):
        config = {"n_embd": tokens, "n_layer": 1, "n_head": 1, "n_positions": 64, "tie_word_embeddings": False}
        model = GPT2LMHeadModel(GPT2Config(vocab_size=tokens, bos_token_id=None, eos_token_id=None, **config))
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.fill_(1.0 if name.endswith("ln_f.weight") else 0.0)
            model.transformer.wte.weight.copy_(torch.eye(tokens))
            for token in range(tokens):
                model.lm_head.weight[follower.get(token, 0), token] = 1.0
        return model.eval()

    return scripted_model


@pytest.fixture(scope="session")
def train_bytes():
    """Trains a byte-level BPE tokenizer as GPT-2's: no padding token, and one token that only ends texts.

    begin: whether that token also begins every text, as with OPT.
    """

    def train_bytes(texts, begin=False):
        tokenizer = Tokenizer(BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        end = "<|endoftext|>"
        tokenizer.train_from_iterator(
            texts,
            trainers.BpeTrainer(
                vocab_size=400, special_tokens=[end], initial_alphabet=sorted(alphabet), show_progress=False
            ),
        )
        if begin:
            tokenizer.post_processor = processors.TemplateProcessing(single=f"{end} $A", special_tokens=[(end, 0)])
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end)

    return train_bytes


@pytest.fixture(scope="session")
def train_pieces():
    """Trains a unigram tokenizer as T5's: it appends </s>, and no token holds a line break."""

    def train_pieces(texts):
        tokenizer = Tokenizer(Unigram())
        tokenizer.normalizer = normalizers.Replace("\n", " ")
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
        special = ["<pad>", "</s>", "<unk>"]
        tokenizer.train_from_iterator(
            texts,
            trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False),
        )
        # Order and scores of the pieces come out of the training a bit different every time.
        pieces = sorted(tokenizer.get_vocab().keys() - set(special))
        tokenizer.model = Unigram(
            [*((piece, 0.0) for piece in special), *((piece, -1.0) for piece in pieces)], unk_id=2
        )
        tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
        return PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
        )

    return train_pieces
