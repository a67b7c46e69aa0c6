"""Which GPU a training process gets: one that no other process of this machine has reserved.

Snakemake's `gpu` resource only counts jobs. What keeps them apart is a lock (flock) on a file for every device, which
the kernel opens when its holder dies, in whatever way, and not before, as the library filelock would.

Candidates are what CUDA_VISIBLE_DEVICES names, by CUDA's rules: at an index of no device, such as -1, the list ends.
Indexes count in nvidia-smi's order (PCI_BUS_ID), whatever CUDA_DEVICE_ORDER says; where nvidia-smi answers, a device
goes by its UUID, so that all its names meet at one lock.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from metaocl.errors import UserError

# Not $TMPDIR: it may differ between users, shells and jobs of one machine, which would not see each other's locks.
LOCKS = Path("/tmp")  # noqa: S108, no file is read or written
POLL_SECONDS = 1.0


class DeviceError(UserError):
    """A device that cannot be told or locked; the message names the variable or the lock file."""


def reserve_device(locks: Path = LOCKS) -> str | None:
    """Reserve a device until this process dies, and make it the only visible one; returns its UUID or index.

    To be called once, before CUDA starts. Waits while all devices are taken. Returns None and changes nothing where
    there is none, or where a Slurm job has one: the cluster has assigned it, and may call it 0 in every job. Raises
    DeviceError.
    """
    candidates = _candidates()
    if "SLURM_JOB_ID" in os.environ and (len(candidates) == 1 or any(map(str.isdigit, candidates))):
        return None
    told = False
    while candidates:
        for device in candidates:
            if _lock(locks / f"metaocl-{device.replace('/', '_')}.lock"):
                os.environ |= {"CUDA_VISIBLE_DEVICES": device, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
                return device
        if not told:
            print(f"waiting for a device: other processes have reserved {', '.join(candidates)}", file=sys.stderr)
            told = True
        time.sleep(POLL_SECONDS)
    return None


def _candidates() -> list[str]:
    setting = os.environ.get("CUDA_VISIBLE_DEVICES")
    if setting is not None and not setting.strip():
        return []
    listed = _list_devices()
    candidates: dict[str, None] = {}
    for entry in filter(str.isdigit, listed) if setting is None else setting.split(","):
        if not (devices := _devices_of(entry.strip(), listed)):
            break
        candidates |= dict.fromkeys(devices)
    return list(candidates)


def _devices_of(entry: str, listed: dict[str, list[str]]) -> list[str]:
    """What an entry of CUDA_VISIBLE_DEVICES stands for: nothing, if it is an index of no device. Raises DeviceError."""
    if re.fullmatch(r"-?[0-9]+", entry):
        index = str(int(entry))
        return listed.get(index, []) if listed or index.startswith("-") else [index]
    found = [uuid for uuid in listed if uuid.startswith(entry)] if listed else [entry]
    if not re.fullmatch(r"(GPU|MIG)-[0-9A-Za-z/-]+", entry) or len(found) != 1:
        expected = "indexes or UUIDs of devices that nvidia-smi -L lists, with commas between them"
        raise DeviceError(f"CUDA_VISIBLE_DEVICES names {entry!r}; expected {expected}")
    return listed.get(found[0], found)


def _list_devices() -> dict[str, list[str]]:
    """The machine's GPUs by index and UUID, each as itself or as the MIG devices it is split into; {} without any."""
    try:
        output = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout
    except OSError:  # no nvidia-smi
        return {}
    listed: dict[str, list[str]] = {}
    for index, uuid, parts in re.findall(r"^GPU (\d+): .*\(UUID: (GPU-\S+)\)((?:\n +MIG .*)*)", output, re.MULTILINE):
        devices = re.findall(r"\(UUID: (MIG-\S+)\)", parts) or [uuid]
        listed |= {device: [device] for device in devices} | {index: devices, uuid: devices}
    return listed


def _lock(file: Path) -> bool:
    """Lock a file until this process dies; False if another process has it. Raises DeviceError."""
    try:
        descriptor = _open(file)
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:  # else it was removed meanwhile, as an old file
                os.utime(descriptor)
                # A forked child must not keep the lock; a program that is started does not inherit it.
                os.register_at_fork(after_in_child=lambda: os.close(descriptor))
                return True
        os.close(descriptor)
    except OSError as error:
        raise DeviceError(f"{file}: cannot be locked to reserve a device: {error.strerror}") from None
    return False


def _open(file: Path) -> int:
    """Open a lock file; a new one is for all users of the machine."""
    with suppress(FileExistsError):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        os.fchmod(descriptor, 0o666)  # whatever the umask
        return descriptor
    # Without O_CREAT, which Linux may refuse for another user's file in /tmp.
    return os.open(file, os.O_RDWR | os.O_NOFOLLOW)
