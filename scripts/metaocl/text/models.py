"""Language models and their tokenizers: made, grown by new tokens, saved and loaded.

Weights are safetensors only, and no code that comes with a model is ever run.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, PreTrainedTokenizerFast

from metaocl.artifacts.checksums import check_checksums, write_checksums
from metaocl.config.models import Model
from metaocl.config.objectives import Objective
from metaocl.errors import UserError
from metaocl.text.forward import findings
from metaocl.text.lora import merged_weights
from metaocl.text.tokenizers import PADDING_ID, UNKNOWN, AnyTokenizer
from metaocl.training.devices import pick_device
from metaocl.training.finite import check_weights

# Any causal language model or encoder-decoder of transformers and its tokenizer; their classes share no useful type.
LanguageModel = Any

TRIALS = "trials.json"  # beside a model's weights: what trials have found, so that no job that loads it tries it again


class ModelError(UserError):
    """A model that cannot be made or used as the settings ask."""


def build_model(settings: Model, vocabulary_size: int) -> LanguageModel:
    """A model of the given architecture with random weights, drawn from torch's global generator, on the CPU."""
    defaults = AutoConfig.for_model(settings.architecture)
    known = set(defaults.to_dict()) | set(defaults.attribute_map)
    if unknown := [key for key in settings.architecture_config if key not in known]:
        raise ModelError(f"architecture_config names {', '.join(unknown)}, which {settings.architecture} does not have")
    # No token ends a text but the line break, whatever the architecture's own vocabulary has at its default ids.
    fixed = {"vocab_size": vocabulary_size, "bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    if defaults.is_encoder_decoder:
        fixed |= {"decoder_start_token_id": PADDING_ID, "pad_token_id": PADDING_ID}
    try:
        config = AutoConfig.for_model(settings.architecture, **{**settings.architecture_config, **fixed})
        return model_class(config).from_config(config)
    # Sizes that make no sense make transformers raise almost anything.
    except Exception as error:
        raise ModelError(
            f"{settings.architecture} cannot be built with {settings.architecture_config}: "
            f"{type(error).__name__}: {error}"
        ) from None


def grow_embeddings(model: LanguageModel, vocabulary_size: int) -> None:
    """Make room for `vocabulary_size` tokens; new rows are drawn as the architecture draws its first ones."""
    if vocabulary_size > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(vocabulary_size, mean_resizing=False)


def save_model(model: LanguageModel, tokenizer: AnyTokenizer, folder: Path) -> None:
    """Write weights (safetensors), configuration, tokenizer and what trials found into `folder`. Raises OSError."""
    try:
        model.save_pretrained(folder, state_dict=merged_weights(model))
        tokenizer.save_pretrained(folder)
    except Exception as error:
        # What these libraries raise for a full disk; the tokenizers' has no class of its own.
        if type(error) in (SafetensorError, Exception):
            raise OSError(str(error)) from None
        raise
    _write_trials(model, folder)
    for weights in folder.glob("*.safetensors"):
        # The safetensors library makes them readable for their owner alone; colleagues may read what else is there.
        shutil.copymode(folder / "config.json", weights)
    # safetensors notices a file cut short, but not a changed byte: that would be another model.
    write_checksums(folder)


def add_trials(model: LanguageModel, folder: Path) -> None:
    """Add what trials have found since a model was saved to its folder. Raises OSError."""
    _write_trials(model, folder)
    write_checksums(folder)


def _write_trials(model: LanguageModel, folder: Path) -> None:
    (folder / TRIALS).write_text(json.dumps(findings(model), indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load_model(folder: Path) -> tuple[LanguageModel, AnyTokenizer]:
    """The model and tokenizer that `save_model` wrote into `folder`. Raises ModelError and NotFiniteError."""
    try:
        check_checksums(folder)
        trials = json.loads((folder / TRIALS).read_text(encoding="utf-8"))
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = load_weights(folder, config, local_files_only=True, dtype=torch.float32)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{folder}: cannot be loaded: {error}; delete it and run again") from None
    check_weights(model, folder)
    findings(model).update(trials)
    return model.to(pick_device()), tokenizer


def load_weights(name: str | Path, config: Any, **options: Any) -> LanguageModel:
    """A model from safetensors weights that hold all its matrices, and no further layers.

    transformers would fill in random numbers, or leave layers out. Weights of parts that the model does not have at
    all, another head's or old buffers, stay unused. options: for `from_pretrained`. Raises ValueError for weights that
    are not of this configuration or are pickled, and what transformers raises.
    """
    # A configuration may ask for code from the hub to compute attention with.
    config._attn_implementation = None
    with _pickles_refused():
        model, found = model_class(config).from_pretrained(
            name, config=config, use_safetensors=True, trust_remote_code=False, output_loading_info=True, **options
        )
    if missing := sorted(found["missing_keys"]):
        raise ValueError(f"the weights lack {_few(missing)}")
    if left_out := _of_further_layers(model, found["unexpected_keys"]):
        raise ValueError(f"config.json has no place for {_few(left_out)} of the weights: it describes a smaller model")
    return model


def _of_further_layers(model: LanguageModel, unexpected: Iterable[str]) -> list[str]:
    """Of the names of weights that a model has no place for, those that differ from its own in numbers alone."""
    names = list(model.state_dict())
    names += [name.removeprefix(f"{model.base_model_prefix}.") for name in names]
    own = {re.sub(r"\d+", "#", name) for name in names}
    return sorted(name for name in unexpected if re.sub(r"\d+", "#", name) in own)


def _few(names: Sequence[str]) -> str:
    return f"{', '.join(names[:3])}{' and more' if len(names) > 3 else ''}"


@contextmanager
def _pickles_refused() -> Iterator[None]:
    """Raises ValueError for what would be unpickled in this context.

    An index of weights and a key of config.json may name any file, and transformers reads it, safetensors or not.
    """

    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("its weights are pickled; only safetensors are read")

    load = torch.load
    setattr(torch, "load", refuse)  # noqa: B010, mypy knows that torch.load is another function
    try:
        yield
    finally:
        setattr(torch, "load", load)  # noqa: B010


def model_class(config: Any) -> Any:
    """The transformers class that loads models of a configuration: encoder-decoders or causal language models."""
    return AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM


def output_tokens(tokenizer: AnyTokenizer, completions: Iterable[str], objective: Objective) -> torch.Tensor | None:
    """The tokens among which a model chooses: sorted ids (n,) of those in `completions`, or None for all.

    Which of the two is the objective's `outputs`. Raises ModelError for a tokenizer that may part an answer's words
    differently in a text than alone: only those that `build_word_tokenizer` makes do not.
    """
    if objective.outputs == "vocabulary":
        return None
    if tokenizer.unk_token != UNKNOWN:
        raise ModelError("outputs: completions is for models with one token per word; use outputs: vocabulary")
    encodings = tokenizer(sorted(set(completions)), add_special_tokens=False)["input_ids"]
    return torch.tensor(sorted({token for encoding in encodings for token in encoding}), device=pick_device())
