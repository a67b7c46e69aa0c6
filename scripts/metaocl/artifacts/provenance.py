"""What made a result: settings, measurements, packages, machine and code."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RECORDED_PACKAGES = ("torch", "transformers", "tokenizers", "peft", "numpy", "pyarrow", "snakemake")


def describe_run(settings: dict[str, Any], **measured: Any) -> dict[str, Any]:
    """The content of a run.json: what was asked for, what was measured, when, and on which software and machine.

    The command that it came from, `argv`, runs it again in the same working directory.
    """
    return {
        "argv": ["python", *sys.argv],
        "settings": settings,
        "measured": measured,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "packages": package_versions(),
        "python": platform.python_version(),
        "machine": {"system": platform.platform(), "processor": processor(), "cpus": os.cpu_count()},
        "code": _git_state(),
    }


def processor(information: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name and its widest vectors, as sums are rounded by these: on another kind of it other bytes.

    A virtual machine may say no more than AMD EPYC of two kinds. information: what Linux says of it, if that is there.
    """
    lines = information.read_text(encoding="utf-8").splitlines() if information.is_file() else []
    said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    vectors = next((each for each in ("avx512f", "avx2", "avx") if each in said.get("flags", "").split()), None)
    return ", ".join(filter(None, [platform.machine(), said.get("model name"), vectors]))


def package_versions() -> dict[str, str]:
    """The versions of the packages that results depend on."""
    return {name: version(name) for name in RECORDED_PACKAGES}


def _git_state() -> dict[str, Any]:
    """The commit of this code, and whether its scripts and rules are the commit's; None where that can't be known.

    What else lies in the tree, such as a configuration of the user's own, is no code: its settings are noted.
    """
    folder = Path(__file__).parents[2]
    try:
        commit, status = (
            subprocess.run(
                ["git", "-C", str(folder), *command], check=True, capture_output=True, text=True
            ).stdout.strip()
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain", ".", "../workflow"])
        )
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "clean": None}
    return {"commit": commit, "clean": not status}
