"""Low-rank adapters (LoRA) of a language model, by the peft library: put in before training, merged when it is saved.

A saved model is one like any other: later stages, measurements and other programs need not know of adapters.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

from metaocl.config.plans import Lora
from metaocl.errors import UserError
from metaocl.text.tokenizers import UNKNOWN, AnyTokenizer


def add_adapters(model: Any, tokenizer: AnyTokenizer, settings: Lora) -> None:
    """Put adapters beside a model's matrices, in place; from then on nothing else is trained.

    Their first factors are drawn from torch's global generator, the second ones are 0, so that the model is as before.
    Raises UserError for targets that the model does not have, and for models with one token per word, whose new
    aliases would keep random embeddings.
    """
    from peft import LoraConfig, inject_adapter_in_model

    if tokenizer.unk_token == UNKNOWN:
        raise UserError("lora trains no embeddings, and this model's new words have random ones")
    targets = settings.targets if isinstance(settings.targets, str) else list(settings.targets)
    names = _matrices(model)
    if isinstance(targets, list) and (unknown := [name for name in targets if name not in names]):
        raise UserError(f"lora.targets lists {', '.join(unknown)}; the model's matrices are {', '.join(names)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a matrix is stored transposed, which peft finds out by itself
        inject_adapter_in_model(LoraConfig(r=settings.rank, lora_alpha=settings.alpha, target_modules=targets), model)


def merged_weights(model: Any) -> dict[str, torch.Tensor]:
    """A model's weights by name, with what adapters add; those of a model without adapters as they are."""
    state = model.state_dict()
    for name, module in model.named_modules():
        if not _is_adapted(module):
            continue
        for key in [key for key in state if key.startswith(f"{name}.")]:
            del state[key]
        layer = module.base_layer
        (adapter,) = module.active_adapters
        state |= {f"{name}.{key}": tensor for key, tensor in layer.state_dict().items()}
        state[f"{name}.weight"] = layer.weight.detach() + module.get_delta_weight(adapter).detach()
    return state


def _matrices(model: Any) -> list[str]:
    """The names of modules that adapters can be put beside: all linear ones but the output layer."""
    return sorted(
        {
            name.rpartition(".")[2]
            for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear | Conv1D) and module is not model.get_output_embeddings()
        }
    )


def _is_adapted(module: Any) -> bool:
    return hasattr(module, "get_delta_weight")
