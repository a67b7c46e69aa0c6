"""Clear the lock that a killed Snakemake left in this folder; a lock that a living one holds is left alone."""

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
        if is_snakemake and process.info["cwd"] == os.getcwd():
            return True
    return False


if __name__ == "__main__":
    main()
