"""Tiny random models of transformers' architectures, as its own registry names them."""

from __future__ import annotations

import re
from typing import Any

import torch
from transformers import AutoConfig, PretrainedConfig
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)
from transformers.pytorch_utils import Conv1D

from metaocl.text.models import model_class

ARCHITECTURES = sorted({*MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, *MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES})
VOCABULARY = 120
MOST_PARAMETERS = 2 * 10**7  # what is larger has parts that are no language model, or sizes of a name of its own

# What a whole number in a configuration is, by its name, and how large it is to be; the first that fits holds.
SIZES = [
    (r"(src_|tgt_|audio_)?vocab_size(_per_layer_input)?", VOCABULARY),
    (r"hidden_size(_per_layer_input)?|d_model|n_embd|dim|embedding_size|word_embed_proj_dim|embed_dim|lru_width", 32),
    (r".*(intermediate_size|ffn_dim|ffn_hidden_size|n_inner|d_ff|dim_ff|dff)", 48),
    (r".*(key_value_heads|kv_heads|n_head_kv|kv_n_heads).*", 2),
    (r"(?!linear_|mamba_).*(num_heads|n_heads?|attention_heads)", 4),
    (r"num_hidden_layers|n_layers?|num_layers|encoder_layers|decoder_layers|num_(encoder|decoder)_layers", 2),
    (r"(?!ssm_|mamba_|linear_)(global_)?head_dim|d_kv|attention_head_size|(qk_nope|qk_rope|v)_head_dim|rotary_dim", 8),
    (r".*(lora_rank|chunk_size)", 8),
    (r".*(experts_per_tok(en)?|(?<!index_)top_?k(_experts)?|moe_k|num_selected_experts)", 2),
    (r".*(num_(local_|routed_)?experts|n_routed_experts)", 4),
    (r"n_group|topk_group|num_expert_group", 1),
    (r"linear_num_(key_|value_)?heads|n_groups", 2),
    (r"linear_(key_|value_)?head_dim|mamba_num_heads|mamba_head_dim", 8),
    (r"sliding_window(_size)?|attention_window|window_size", 4),
    (r"max_position_embeddings|n_positions|n_ctx|max_seq_len|max_seq_length", 64),
]
# Where sizes depend on each other, or where a default does not work.
OVERRIDES: dict[str, dict[str, Any]] = {
    "bamba": {"mamba_n_heads": 4, "attn_layer_indices": [1]},
    "deepseek_v2": {"num_experts_per_tok": 2},
    "falcon_h1": {"mamba_d_ssm": 64, "mamba_n_heads": 8, "mamba_d_head": 8},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "granitemoehybrid": {"mamba_n_heads": 4, "layer_types": ["mamba", "attention"]},
    "hunyuan_v1_dense": {"head_dim": 8},
    "hunyuan_v1_moe": {"head_dim": 8},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "mamba2": {"num_heads": 8, "head_dim": 8},
    "ministral": {"head_dim": 8},
    "nemotron": {"num_key_value_heads": 2},
    "recurrent_gemma": {"block_types": ["recurrent", "attention"]},
}
TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}


def tiny_model(architecture: str, **settings: Any) -> Any:
    """A model with random weights, large enough for different prompts to get different answers, in eval mode.

    Raises whatever transformers raises for a configuration that it cannot build, and ValueError for a large one.
    """
    config = AutoConfig.for_model(architecture, **_settings(AutoConfig.for_model(architecture)) | settings)
    with torch.device("meta"):
        parameters = model_class(config).from_config(config).num_parameters()
    if parameters > MOST_PARAMETERS:
        raise ValueError(f"{parameters:,} parameters, whatever its sizes are")
    torch.manual_seed(0)
    model = model_class(config).from_config(config)
    for module in model.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Embedding | Conv1D):
            for name, weight in module.named_parameters(recurse=False):
                torch.nn.init.normal_(weight, std=0.1 if name == "bias" else 0.3)
    return model.eval()


def _settings(defaults: Any) -> dict[str, Any]:
    """Arguments of a configuration's class that make it small, in all its parts, and causal."""
    settings: dict[str, Any] = _sizes(defaults) | TOKENS
    for key, part in vars(defaults).items():
        if isinstance(part, PretrainedConfig):
            settings[key] = {"model_type": part.model_type} | _settings(part)
    if defaults.is_encoder_decoder:
        settings["decoder_start_token_id"] = TOKENS["bos_token_id"]
    elif defaults.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and hasattr(defaults, "is_decoder"):
        settings["is_decoder"] = True
    return settings | OVERRIDES.get(defaults.model_type, {})


def _sizes(config: Any) -> dict[str, Any]:
    """A small value for every size that the configuration has by default, and two of its kinds of layers."""
    sizes: dict[str, Any] = {}
    for key, value in config.to_dict().items():
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            fitting = [size for name, size in SIZES if re.fullmatch(name, key)]
            sizes |= {key: min(fitting[0], value)} if fitting else {}
    heads = getattr(config, "num_attention_heads", None)
    if "num_key_value_heads" in sizes and config.num_key_value_heads == heads:
        sizes["num_key_value_heads"] = sizes["num_attention_heads"]
    if kinds := list(dict.fromkeys(vars(config).get("layer_types") or ())):
        sizes["layer_types"] = [kinds[0], kinds[-1]]
    return sizes
