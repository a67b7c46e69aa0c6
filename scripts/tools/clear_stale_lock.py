"""Clear the lock that a killed Snakemake left in this folder; one that a living one on this machine may hold stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil


def main() -> None:
    locked = any(Path(".snakemake/locks").glob("*"))
    if locked and not _snakemake_is_running_here():
        subprocess.run([sys.executable, "-m", "snakemake", "--unlock", "--quiet"], check=True)


def _snakemake_is_running_here() -> bool:
    for process in psutil.process_iter(["cwd", "cmdline"]):
        words = process.info["cmdline"] or []
        is_snakemake = any(Path(word).name == "snakemake" for word in words[:3])
        # Where somebody else's process is does not show: it may be here.
        if is_snakemake and process.info["cwd"] in (os.getcwd(), None):
            return True
    return False


if __name__ == "__main__":
    main()
