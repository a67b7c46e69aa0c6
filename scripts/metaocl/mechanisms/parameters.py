"""Which part of a network a parameter belongs to: gradients are compared in each part, as no part stands for all.

The groups partition the parameters, so that dot products and squared norms of groups add up to those of `all`. A tied
matrix is one parameter: its gradient is the sum over both of its roles.
"""

from __future__ import annotations

from typing import Any

from torch import nn

ALL, ALIAS_ROW, ALL_BUT_ROW = "all", "alias_row", "all_but_row"
# What modules are called in transformers' architectures; the first that fits decides.
KINDS = (("attention", ("attn", "attention")), ("mlp", ("mlp", "ffn", "feed_forward", "densereludense", "fc")))


def parameter_groups(model: nn.Module) -> dict[str, str]:
    """The group of each of a model's parameters, by its name: `embeddings`, `positions`, `attention`, `mlp`, `norms`,
    `outputs`, or else the name of the model's part that holds it."""
    embeddings, outputs = _weight(model, "get_input_embeddings"), _weight(model, "get_output_embeddings")
    owners = dict(model.named_modules())
    groups = {}
    for name, parameter in model.named_parameters():
        owner = owners[name.rpartition(".")[0]]
        if parameter is embeddings:
            groups[name] = "embeddings"
        elif parameter is outputs:
            groups[name] = "outputs"
        elif isinstance(owner, nn.Embedding):
            groups[name] = "positions"
        elif "norm" in type(owner).__name__.lower():
            groups[name] = "norms"
        else:
            groups[name] = _kind(name)
    return groups


def embedding_name(model: Any) -> str:
    """The name of the matrix of token embeddings among the parameters."""
    embeddings = model.get_input_embeddings().weight
    return next(name for name, parameter in model.named_parameters() if parameter is embeddings)


def _weight(model: nn.Module, getter: str) -> Any:
    layer = getattr(model, getter)() if hasattr(model, getter) else None
    return None if layer is None else layer.weight


def _kind(name: str) -> str:
    parts = name.lower().split(".")[:-1]
    for kind, words in KINDS:
        if any(part.startswith(word) or part.endswith(word) for part in parts for word in words):
            return kind
    return name.partition(".")[0]
