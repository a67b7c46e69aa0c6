"""What a command takes.

Nothing here imports torch: the kernel counts a parent's memory as its child's, too, until the child's command starts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLING = 0.1  # seconds


@dataclass
class Usage:
    """What a command and all that it started took.

    core_seconds: of user and system together. memory: MB of its largest process. device_memory: MB of the GPU beyond
    what was in use before, 0 without one.
    """

    seconds: float
    core_seconds: float
    memory: float
    device_memory: float


def run(command: Sequence[object], folder: Path, log: Path) -> Usage:
    """Run a command in a folder to its end; a failure ends this process with the end of the command's output."""
    before, most = used_device_memory(), 0.0
    with log.open("w") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=folder,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        ended = 0
        while not ended:
            time.sleep(SAMPLING)
            most = max(most, used_device_memory())
            # The kernel's own count, unlike samples, misses no peak and no process that has ended.
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{log.read_text()[-3000:]}")
    # Linux counts in KiB.
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, max(0.0, most - before))


def used_device_memory() -> float:
    """MB in use on the GPUs, by whomever; 0 without one."""
    if shutil.which("nvidia-smi") is None:
        return 0.0
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    shown = subprocess.run(query, capture_output=True, text=True)
    return sum(map(float, shown.stdout.split())) if shown.returncode == 0 else 0.0
