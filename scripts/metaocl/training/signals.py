"""When to save a checkpoint: every so many seconds, and when the process is told that its end is near."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Mapping
from types import FrameType
from typing import Any

import pyarrow as pa

from metaocl.training.checkpoints import Checkpoint, TrainingState


class Saver:
    """Says when to save: every so many seconds, and when the process is told that its end is near.

    SIGUSR1 (Slurm's warning before a time limit) asks for a checkpoint. SIGTERM and SIGINT (Ctrl-C) ask for one, and
    then end the process, with the exit status of that signal. A second SIGINT does not wait for it.
    """

    def __init__(self, checkpoint: Checkpoint, seconds: float) -> None:
        self.checkpoint = checkpoint
        self.seconds = seconds
        self.last = time.monotonic()
        self.asked = False
        self.ended_by: int | None = None

    def listen(self) -> None:
        """Take the signals; only a process's main thread can."""
        signal.signal(signal.SIGUSR1, lambda *_: self._ask())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def is_due(self) -> bool:
        """Whether to save now."""
        return self.asked or time.monotonic() - self.last >= self.seconds

    def save(self, state: TrainingState, progress: dict[str, Any], tables: Mapping[str, pa.Table]) -> None:
        """Save now; then end the process, if it was told to."""
        self.checkpoint.save(state, progress, tables)
        self.last, self.asked = time.monotonic(), False
        if self.ended_by:
            print("told to end: the checkpoint is saved, the same command goes on from it", file=sys.stderr)
            sys.exit(128 + self.ended_by)

    def _ask(self) -> None:
        self.asked = True

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ask()
        self.ended_by = number
        signal.signal(signal.SIGINT, signal.default_int_handler)
