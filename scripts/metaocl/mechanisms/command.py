"""What the scripts of measurements share: where they find a finished stage, and the table that they write."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import write_rows
from metaocl.commands import command_parser
from metaocl.config.entry import Entry
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.moments import before_new_definitions
from metaocl.randomness import random_stream
from metaocl.runs import open_run
from metaocl.training.device_locks import reserve_device

Settings = TypeVar("Settings", bound=Entry)


def measure_stage(
    description: str | None,
    settings: type[Settings],
    measure: Callable[[Any, Settings, np.random.Generator, int], Iterable[Measured]],
    moments: Callable[[Path, Path], Iterator[tuple[int, Any]]] = before_new_definitions,
) -> None:
    """Read the arguments of a measurement's script, measure each of its moments and write the table.

    measure: takes a run of either modality, the measurement's settings, a random stream and the epoch.
    """
    arguments = _parse(_parser(description, settings))
    found: list[Measured] = []
    for epoch, run in moments(arguments.stage, arguments.counterfactuals):
        random = random_stream(f"measurement {arguments.settings.kind}", *arguments.seeds)
        found += measure(run, arguments.settings, random, epoch)
    _write(found, arguments.table)


def measure_pair(
    description: str | None,
    settings: type[Settings],
    measure: Callable[[Any, Any, Settings, int], Iterable[Measured]],
) -> None:
    """The same for what compares the end of a last stage with that of its twin with swapped tags."""
    parser = _parser(description, settings)
    parser.add_argument("--twin", type=Path, required=True, help="folder of the last stage with swapped tags")
    arguments = _parse(parser)
    run, twin = (
        open_run(each).load(counterfactuals=arguments.counterfactuals) for each in (arguments.stage, arguments.twin)
    )
    _write(list(measure(run, twin, arguments.settings, run.stage.epochs)), arguments.table)


def _parser(description: str | None, settings: type[Entry]) -> argparse.ArgumentParser:
    parser = command_parser(description)
    parser.add_argument("--stage", type=Path, required=True, help="folder of a finished last stage")
    parser.add_argument("--counterfactuals", type=Path, required=True, help="parquet of definitions with every tag")
    parser.add_argument("--settings", type=settings.from_argument, required=True, help="settings, as JSON")
    parser.add_argument("--threads", type=int, required=True, help="CPU threads")
    parser.add_argument("--seeds", type=int, nargs="+", required=True, help="seed, then stage-2 seed")
    parser.add_argument("--table", type=Path, required=True, help="parquet to write: a row per number")
    return parser


def _parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The arguments, with the device and the threads that they ask for."""
    arguments = parser.parse_args()
    reserve_device()
    torch.set_num_threads(arguments.threads)
    return arguments


def _write(found: list[Measured], table: Path) -> None:
    with published(table) as (place,):
        write_rows(found, Measured, place)
