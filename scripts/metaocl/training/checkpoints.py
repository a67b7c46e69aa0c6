"""Checkpoints within a training run: a run that goes on from one gives the same bytes as one that never stopped (CPU).

A checkpoint is one safetensors file. Its tensors are the parameters, what the optimizer keeps of each, the states of
the random generators and the metrics so far; its metadata are JSON text with all that is no tensor, a fingerprint of
what the run is to do, and a digest of the whole, as safetensors notices a file cut short but not a changed byte.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.optim.lr_scheduler import LambdaLR

from metaocl.artifacts.checksums import CHECKSUMS, file_hash
from metaocl.artifacts.publishing import ArtifactError, files_of, published
from metaocl.errors import UserError
from metaocl.training.devices import device_of

Tensors = dict[str, torch.Tensor]
TABLES = "table/"


class CheckpointError(UserError):
    """A checkpoint that cannot be written or used; the message names its folder."""


@dataclass
class TrainingState:
    """All that a training step changes; torch's global generators, which draw the dropout, belong to it unnamed.

    The optimizer holds parameters of the model only, and its groups change by nothing but the schedule's rates.
    order: CPU generator of the order of the examples.
    """

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    schedule: LambdaLR
    order: torch.Generator

    def generators(self) -> dict[str, torch.Generator]:
        """The generators that training draws from, by name; the GPU's is that of the model's device."""
        generators = {"random/order": self.order, "random/cpu": torch.default_generator}
        device = device_of(self.model)
        if device.type == "cuda":
            generators["random/cuda"] = torch.cuda.default_generators[device.index]
        return generators

    def trained(self) -> list[tuple[str, torch.nn.Parameter]]:
        """The parameters that training changes, by name."""
        return [(name, each) for name, each in self.model.named_parameters() if each.requires_grad]

    def fixed_tensors(self) -> Tensors:
        """The tensors that are there from the start: trained parameters, each once, and generators' states."""
        parameters = {f"model/{name}": parameter.detach() for name, parameter in self.trained()}
        return parameters | {name: generator.get_state() for name, generator in self.generators().items()}


class Checkpoint:
    """The checkpoint of one run, in a folder of its own, which holds nothing else.

    Twins of a job may share the folder: a reader sees one whole checkpoint, that of the last to finish writing.
    fingerprint: says what the run is to do; a checkpoint with another one is not used.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder = folder
        self.file = folder / "checkpoint.safetensors"
        self.fingerprint = fingerprint

    def save(self, state: TrainingState, progress: dict[str, Any], tables: Mapping[str, pa.Table]) -> None:
        """Replace the checkpoint, between two steps; the earlier one stays until the new one is on the disk.

        progress: what JSON can hold. tables: by name. Raises CheckpointError.
        """
        tensors, scalars = _split_optimizer_state(state)
        tensors |= state.fixed_tensors()
        tensors |= {f"{TABLES}{name}": _table_to_tensor(table) for name, table in tables.items()}
        tensors = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
        rates = [group["lr"] for group in state.optimizer.param_groups]
        content = {"progress": progress, "optimizer": scalars, "rates": rates, "schedule": state.schedule.state_dict()}
        text = json.dumps(content)
        metadata = {"fingerprint": self.fingerprint, "content": text, "digest": _digest(text, tensors)}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write(tensors, metadata)
        except (OSError, ArtifactError, SafetensorError) as error:
            raise CheckpointError(f"{self.folder}: the checkpoint cannot be written: {error}") from None

    def restore(self, state: TrainingState) -> tuple[dict[str, Any], dict[str, pa.Table]] | None:
        """Put `state` and the global generators where they were at `save`; returns progress and tables as given then.

        The model, optimizer and schedule are to be made as at the start of the run. None, and nothing is changed, if
        there is no checkpoint, or none that can be used; of the latter, a message on standard error tells.
        """
        try:
            content, tensors = self._read()
            _check_fit(state, content, tensors)
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, CheckpointError) as error:
            print(f"{self.folder}: the checkpoint is not used, training starts afresh: {error}", file=sys.stderr)
            return None
        tables = {
            name.removeprefix(TABLES): _tensor_to_table(tensor)
            for name, tensor in tensors.items()
            if name.startswith(TABLES)
        }
        _put(state, content, tensors)
        return content["progress"], tables

    def discard(self) -> None:
        """Remove the folder, with what killed jobs have left there. A failure is a message only: the run is done."""
        aside = self.folder.with_name(f".{platform.node()}-{os.getpid()}-{self.folder.name}")
        try:
            # Jobs that were killed at this point; one of them may have had this process's number.
            for left in self.folder.parent.glob(f".*-{self.folder.name}"):
                with suppress(FileNotFoundError):  # a twin removes it, too
                    shutil.rmtree(left)
            # By a rename, so that a twin finds it whole or not at all.
            os.replace(self.folder, aside)
            shutil.rmtree(aside)
        except FileNotFoundError:
            return
        except OSError as error:
            print(f"{self.folder}: the checkpoint cannot be removed: {error}", file=sys.stderr)

    def _write(self, tensors: Tensors, metadata: dict[str, str]) -> None:
        try:
            with published(self.file) as (place,):
                save_file(tensors, place, metadata)
        except (ArtifactError, SafetensorError):
            # Without its folder: a twin has finished meanwhile and discarded it. The next save makes it anew.
            if self.folder.exists():
                raise

    def _read(self) -> tuple[dict[str, Any], Tensors]:
        """The JSON content and the tensors, on the CPU, of a checkpoint that is whole and of this run."""
        # Opened twice, as safetensors calls everything that it cannot open not found.
        with self.file.open("rb"), safe_open(self.file, "pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("fingerprint") != self.fingerprint:
                raise CheckpointError("it was made with other settings, inputs or code")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no mapping
        text = metadata.get("content", "")
        if metadata.get("digest") != _digest(text, tensors):
            raise CheckpointError("its content has changed since it was written")
        return json.loads(text), tensors


def fingerprint(settings: Mapping[str, Any], *inputs: Path) -> str:
    """SHA-256, in hexadecimal, of settings that JSON can hold and of the inputs: files, or folders with all they hold.

    For a model's folder its list of checksums stands, which is compared with the files when the model is loaded: a
    second look at the weights would take as long. Where the inputs lie doesn't count, so that a study can be moved.
    Raises OSError for an input that can't be read.
    """
    hashes = []
    for path in inputs:
        files = [Path(CHECKSUMS)] if (path / CHECKSUMS).exists() else files_of(path)
        hashes.append({name.as_posix(): file_hash(path / name) for name in files})
    text = json.dumps({"settings": dict(settings), "inputs": hashes}, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _split_optimizer_state(state: TrainingState) -> tuple[Tensors, dict[str, Any]]:
    """What the optimizer keeps of each parameter, named optimizer/<parameter>/<key>: tensors, and plain values."""
    flat = {
        f"optimizer/{name}/{key}": value
        for name, parameter in state.model.named_parameters()
        for key, value in state.optimizer.state.get(parameter, {}).items()
    }
    tensors = {name: value for name, value in flat.items() if isinstance(value, torch.Tensor)}
    return tensors, {name: value for name, value in flat.items() if name not in tensors}


def _join_optimizer_state(state: TrainingState, flat: dict[str, Any]) -> dict[torch.Tensor, dict[str, Any]]:
    """The inverse of `_split_optimizer_state`, on the parameters' devices.

    Not by `Optimizer.load_state_dict`, which casts what the optimizer keeps to the parameter's precision.
    """
    joined: dict[torch.Tensor, dict[str, Any]] = {}
    parameters = dict(state.model.named_parameters())
    for path, value in flat.items():
        name, key = path.removeprefix("optimizer/").rsplit("/", 1)
        parameter = parameters[name]
        if isinstance(value, torch.Tensor):
            value = value.to(parameter.device, copy=True)  # what was read lies in the file, not in memory
        joined.setdefault(parameter, {})[key] = value
    return joined


def _check_fit(state: TrainingState, content: dict[str, Any], tensors: Tensors) -> None:
    """Raise CheckpointError unless `_put` can put all there is to its place."""
    expected = state.fixed_tensors()
    found = {name: tensor for name, tensor in tensors.items() if not name.startswith(("optimizer/", TABLES))}
    shapes, found_shapes = (
        {name: (tensor.dtype, tensor.shape) for name, tensor in group.items()} for group in (expected, found)
    )
    if shapes != found_shapes or len(content["rates"]) != len(state.optimizer.param_groups):
        raise CheckpointError("it holds another model or optimizer, or comes from another kind of device")


def _put(state: TrainingState, content: dict[str, Any], tensors: Tensors) -> None:
    """Change everything in place, so that tied weights stay tied."""
    flat = {name: tensor for name, tensor in tensors.items() if name.startswith("optimizer/")}
    # First, as this one can run out of memory: nothing is changed by then.
    optimizer_state = _join_optimizer_state(state, flat | content["optimizer"])
    for name, generator in state.generators().items():
        generator.set_state(tensors[name])
    with torch.no_grad():
        for name, parameter in state.trained():
            parameter.copy_(tensors[f"model/{name}"])
    state.optimizer.state.clear()
    state.optimizer.state.update(optimizer_state)
    for group, rate in zip(state.optimizer.param_groups, content["rates"], strict=True):
        group["lr"] = rate
    state.schedule.load_state_dict(content["schedule"])


def _digest(text: str, tensors: Tensors) -> str:
    """SHA-256, in hexadecimal, of a text and of names, types, shapes and bytes of contiguous CPU tensors."""
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _table_to_tensor(table: pa.Table) -> torch.Tensor:
    """A table as uint8 (bytes,), an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return torch.frombuffer(bytearray(sink.getvalue()), dtype=torch.uint8)


def _tensor_to_table(tensor: torch.Tensor) -> pa.Table:
    return pa.ipc.open_stream(tensor.numpy().tobytes()).read_all()
