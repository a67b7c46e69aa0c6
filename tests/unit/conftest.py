from __future__ import annotations

import pytest
import torch

from metaocl.config import BaseTraining, Model
from metaocl.models import build_model, build_word_tokenizer

# Without dropout. Large random weights make different prompts get different answers.
GPT2 = {
    "n_embd": 16,
    "n_layer": 2,
    "n_head": 2,
    "n_positions": 32,
    "initializer_range": 0.6,
    "resid_pdrop": 0.0,
    "embd_pdrop": 0.0,
    "attn_pdrop": 0.0,
}
OTHERS = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 32}
ARCHITECTURES = {
    "gpt2": GPT2,
    "opt": OTHERS | {"ffn_dim": 32, "word_embed_proj_dim": 16, "dropout": 0.0, "init_std": 0.6},
    "gpt_neox": OTHERS | {"intermediate_size": 32, "initializer_range": 0.6},
    "llama": OTHERS | {"intermediate_size": 32, "initializer_range": 0.6},
}


@pytest.fixture
def tokenizer():
    texts = ["Q: Where does X live?\nA: red blue\n", "Q: Who really is Y now?\nA: green\n", "big tag X green blue\n"]
    return build_word_tokenizer(texts, units=["light blue", "dark red"])


@pytest.fixture
def model(tokenizer):
    return build("gpt2", tokenizer)


@pytest.fixture(params=ARCHITECTURES)
def any_model(request, tokenizer):
    return build(request.param, tokenizer)


def build(architecture, tokenizer):
    settings = Model(
        architecture=architecture,
        architecture_config=ARCHITECTURES[architecture],
        base_training=BaseTraining(steps=1),
    )
    torch.manual_seed(0)
    return build_model(settings, len(tokenizer))
