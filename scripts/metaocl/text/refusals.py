"""Saved models that cannot be trained as they are, each told by what is to be done about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from metaocl.text.models import ModelError

LFS_POINTER = b"version https://git-lfs"


def check_folder(folder: Path) -> None:
    """Raises ModelError for a folder with an adapter, quantised weights, or pointers in the place of files."""
    for file in sorted(folder.iterdir()):
        if file.is_file() and _is_pointer(file):
            raise ModelError(f"{file}: is a Git LFS pointer, not the file itself; run `git lfs pull` in {folder}")
    if (adapter := folder / "adapter_config.json").is_file():
        raise ModelError(
            f"{folder}: holds an adapter (LoRA or its like) of {_base_of(adapter)}; merge it into that model (peft's "
            "merge_and_unload does), save the outcome with its tokenizer, and name that folder"
        )
    if (folder / "quantize_config.json").is_file():
        raise _quantised(str(folder), "quantize_config.json says so")


def check_config(name: str, config: Any) -> None:
    """Raises ModelError for the configuration of quantised weights."""
    parts = (config, config.get_text_config())
    found = [part.quantization_config for part in parts if getattr(part, "quantization_config", None) is not None]
    for settings in found:
        settings = settings if isinstance(settings, dict) else settings.to_dict()
        raise _quantised(name, str(settings.get("quant_method", "in an unnamed way")))


def _quantised(name: str, how: str) -> ModelError:
    return ModelError(
        f"{name}: its weights are quantised ({how}) and cannot be trained; take the model that they were made from, or "
        "dequantise them and save that"
    )


def _is_pointer(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(LFS_POINTER)) == LFS_POINTER


def _base_of(adapter: Path) -> str:
    """The model that an adapter was made for, as its configuration has it."""
    try:
        return str(json.loads(adapter.read_text(encoding="utf-8"))["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError):
        return "a model that it does not name"
