"""Pretrained models, brought once into the form that training jobs load without a network.

Weights are read from safetensors or GGUF files only, never from pickles, and no code that comes with a model is run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer

from metaocl.artifacts.checksums import packaged_file
from metaocl.config.models import Pretrained
from metaocl.text.models import LanguageModel, ModelError, load_weights, model_class
from metaocl.text.refusals import check_config, check_folder
from metaocl.text.tokenizers import AnyTokenizer
from metaocl.training.finite import check_weights


def load_pretrained(source: Pretrained) -> tuple[LanguageModel, AnyTokenizer]:
    """The model, on the CPU and in the precision of its file, and its tokenizer.

    Raises ModelError, and NotFiniteError for weights that are not finite.
    """
    if source.package is not None and source.file is not None:
        model, tokenizer = _load_gguf(packaged_file(source.package, source.file))
    else:
        model, tokenizer = _load_safetensors(source)
    if tokenizer.pad_token is None:
        # Padding is never attended to and never scored, unless a stage asks for it, as the paper's code does.
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token is None:
        raise ModelError(
            f"{source.hub or source.folder or source.package}: its tokenizer has no padding and no end token"
        )
    check_weights(model, source.hub or source.folder or source.package)
    return model, tokenizer


def _load_safetensors(source: Pretrained) -> tuple[LanguageModel, AnyTokenizer]:
    if source.folder is not None and not Path(source.folder).is_dir():
        raise ModelError(f"{source.folder}: not a folder; pretrained.folder must name one with a saved model")
    name = str(source.hub or source.folder)
    if source.folder is not None:
        check_folder(Path(source.folder))
    options = {"revision": source.revision or "main", "local_files_only": source.hub is None}

    def load() -> tuple[Any, Any]:
        config = AutoConfig.from_pretrained(name, trust_remote_code=False, **options)
        check_config(name, config)
        model = load_weights(name, config, dtype="auto", **options)
        return model, AutoTokenizer.from_pretrained(name, trust_remote_code=False, **options)

    return _explained(name, "a model with safetensors weights, a config.json and a fast tokenizer", load)


def _load_gguf(path: Path) -> tuple[LanguageModel, AnyTokenizer]:
    def load() -> tuple[Any, Any]:
        # The model takes the configuration that was read, as it would read the whole file for it again, for seconds.
        config = AutoConfig.from_pretrained(path.parent, gguf_file=path.name)
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
        quantized = model_class(config).from_pretrained(path.parent, gguf_file=path.name, config=config)
        # transformers dequantises the weights, but refuses to save a model that it knows from a quantised file.
        model = model_class(config).from_config(config)
        model.load_state_dict(quantized.state_dict())
        return model, tokenizer

    return _explained(str(path), "a GGUF file of an architecture that transformers reads", load)


def _explained(name: str, expected: str, load: Callable[[], tuple[Any, Any]]) -> tuple[LanguageModel, AnyTokenizer]:
    """The outcome of `load`, or a ModelError that names what could not be loaded."""
    try:
        model, tokenizer = load()
    except ModelError:
        raise
    # Malformed files make transformers raise almost anything.
    except Exception as error:
        raise ModelError(f"{name}: cannot be loaded; expected {expected}: {type(error).__name__}: {error}") from None
    if not tokenizer.is_fast:
        raise ModelError(f"{name}: its tokenizer is not a fast one; expected {expected}")
    return model, tokenizer
