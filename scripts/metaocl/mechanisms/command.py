"""What the scripts of measurements share: where they find a finished stage, and the table that they write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import write_rows
from metaocl.commands import command_parser
from metaocl.config.entry import Entry
from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.moments import before_new_definitions
from metaocl.randomness import random_stream
from metaocl.text.runs import Run

Settings = TypeVar("Settings", bound=Entry)


def measure_stage(
    description: str | None,
    settings: type[Settings],
    measure: Callable[[Run, Settings, np.random.Generator, int], Iterable[Measured]],
    moments: Callable[[Path, Path], Iterator[tuple[int, Run]]] = before_new_definitions,
) -> None:
    """Read the arguments of a measurement's script, measure each of its moments and write the table.

    measure: takes a run, the measurement's settings, a random stream and the epoch.
    """
    parser = command_parser(description)
    parser.add_argument("--stage", type=Path, required=True, help="folder of a finished last stage")
    parser.add_argument("--counterfactuals", type=Path, required=True, help="parquet of definitions with every tag")
    parser.add_argument("--settings", type=settings.model_validate_json, required=True, help="settings, as JSON")
    parser.add_argument("--seeds", type=int, nargs="+", required=True, help="seed, then stage-2 seed")
    parser.add_argument("--table", type=Path, required=True, help="parquet to write: a row per number")
    arguments = parser.parse_args()

    found: list[Measured] = []
    for epoch, run in moments(arguments.stage, arguments.counterfactuals):
        random = random_stream(f"measurement {arguments.settings.kind}", *arguments.seeds)
        found += measure(run, arguments.settings, random, epoch)
    with published(arguments.table) as (place,):
        write_rows(found, Measured, place)
