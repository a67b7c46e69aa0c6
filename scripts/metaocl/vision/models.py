"""A small network that reads pictures of grids: made, saved and loaded. Weights are safetensors only."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from metaocl.artifacts.checksums import check_checksums, write_checksums
from metaocl.artifacts.tables import write_json
from metaocl.config.models import ConvNet, ConvNextV2
from metaocl.facts.grids import CELLS
from metaocl.training.devices import device_of, pick_device
from metaocl.training.finite import check_weights
from metaocl.vision.drawing import COLUMNS, ROWS
from metaocl.vision.scenes import VisionError

MODEL_TYPE = "metaocl_convnet"  # in config.json, where transformers' models have theirs
HALVED = 2**3  # times a ConvNeXt makes its map of patches smaller
WEIGHTS, CONFIGURATION = "model.safetensors", "config.json"


class ConvNetwork(nn.Module):
    """Patches of a digit each, mixed channel by channel, then dense layers over all of them, and a head per cell.

    pictures: float32 (n, height, width); gives logits, float32 (n, 9, letters). handwriting_sha256: of the images
    that it is trained on; any, if empty.
    """

    def __init__(self, settings: ConvNet, handwriting_sha256: str = "") -> None:
        super().__init__()
        channels, width, side = settings.channels, settings.width, settings.handwriting.side
        self.settings, self.handwriting_sha256 = settings, handwriting_sha256
        self.stem = nn.Conv2d(1, channels, side, stride=side)
        self.patch_norm = nn.LayerNorm(channels)
        self.mix = nn.Linear(channels, channels)  # a 1 × 1 convolution
        self.dense = nn.Linear((ROWS + 1) * COLUMNS * channels, width)
        self.norm = nn.LayerNorm(width)
        self.block = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.heads = nn.Linear(width, CELLS * settings.letters)

    @property
    def device(self) -> torch.device:
        return device_of(self)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        patches = functional.gelu(self.stem(pictures.unsqueeze(1))).flatten(2).transpose(1, 2)
        patches = patches + functional.gelu(self.mix(self.patch_norm(patches)))
        state = functional.gelu(self.norm(self.dense(patches.flatten(1))))
        state = state + self.block(state)
        logits: torch.Tensor = self.heads(state).unflatten(1, (CELLS, self.settings.letters))
        return logits


class ConvNextNetwork(nn.Module):
    """A ConvNeXt V2, and a head per cell over all places of its last map; else as `ConvNetwork`.

    Its usual mean over places would lose which cell a digit is in.
    """

    def __init__(self, settings: ConvNet, sizes: ConvNextV2, handwriting_sha256: str = "") -> None:
        from transformers import ConvNextV2Config, ConvNextV2Model  # seconds, which the small network saves

        super().__init__()
        self.settings, self.handwriting_sha256 = settings, handwriting_sha256
        self.body = ConvNextV2Model(
            ConvNextV2Config(
                num_channels=1,
                patch_size=sizes.patch_size,
                depths=list(sizes.depths),
                hidden_sizes=list(sizes.hidden_sizes),
                drop_path_rate=sizes.drop_path_rate,
            )
        )
        side, reduction = settings.handwriting.side, sizes.patch_size * HALVED
        places = ((ROWS + 1) * side // reduction) * (COLUMNS * side // reduction)
        self.norm = nn.LayerNorm(sizes.hidden_sizes[-1])
        self.heads = nn.Linear(places * sizes.hidden_sizes[-1], CELLS * settings.letters)

    @property
    def device(self) -> torch.device:
        return device_of(self)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        places = self.body(pictures.unsqueeze(1)).last_hidden_state.flatten(2).transpose(1, 2)
        logits: torch.Tensor = self.heads(self.norm(places).flatten(1))
        return logits.unflatten(1, (CELLS, self.settings.letters))


Network = ConvNetwork | ConvNextNetwork


def make_network(settings: ConvNet, handwriting_sha256: str) -> Network:
    """The network of the settings, with weights that torch's generator draws, on the CPU."""
    if settings.convnextv2:
        return ConvNextNetwork(settings, settings.convnextv2, handwriting_sha256)
    return ConvNetwork(settings, handwriting_sha256)


def new_network(settings: ConvNet, seed: int, handwriting_sha256: str = "") -> Network:
    """A network with random weights of its seed, on the CPU.

    handwriting_sha256: of the images that it may be trained on; any, if empty.
    """
    torch.manual_seed(seed)
    return make_network(settings, handwriting_sha256)


def save_network(model: Network, folder: Path) -> None:
    """Write weights and settings into `folder`, which need not be there. Raises OSError."""
    folder.mkdir(exist_ok=True)
    try:
        save_file(model.state_dict(), folder / WEIGHTS)
    except SafetensorError as error:  # what it raises for a full disk
        raise OSError(str(error)) from None
    described = {"settings": model.settings.model_dump(mode="json"), "handwriting_sha256": model.handwriting_sha256}
    write_json({"model_type": MODEL_TYPE} | described, folder / CONFIGURATION)
    # The safetensors library makes weights readable for their owner alone.
    shutil.copymode(folder / CONFIGURATION, folder / WEIGHTS)
    write_checksums(folder)


def load_network(folder: Path, settings: object) -> Network:
    """The network that `save_network` wrote into `folder`, on the GPU where there is one.

    settings: what its config.json says of it. Raises VisionError and NotFiniteError.
    """
    try:
        check_checksums(folder)
        described = json.loads((folder / CONFIGURATION).read_text(encoding="utf-8"))
        model = make_network(ConvNet.model_validate(settings), described.get("handwriting_sha256", ""))
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (OSError, ValidationError, ValueError, RuntimeError, SafetensorError) as error:
        raise VisionError(
            f"{folder}: cannot be loaded: {' '.join(str(error).split())}; delete it and run again"
        ) from None
    check_weights(model, folder)
    return model.to(pick_device())
