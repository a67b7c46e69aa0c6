"""Each training process has a device of its own. Real processes; the GPUs are what a made-up nvidia-smi lists."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from metaocl.config.models import Model
from metaocl.facts.fact import Fact
from metaocl.stage_command import _fingerprint
from metaocl.text.base_training import new_model

SCRIPTS = Path(__file__).parents[3] / "scripts"
GPUS = ["GPU-aa11-1", "GPU-aa22-2", "GPU-bb33-3"]
LISTED = "".join(f"GPU {index}: NVIDIA H100 80GB HBM3 (UUID: {uuid})\n" for index, uuid in enumerate(GPUS))
SPLIT = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aa11-1)
  MIG 3g.20gb     Device  0: (UUID: MIG-cc44-4)
  MIG 3g.20gb     Device  1: (UUID: MIG-dd55-5)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bb33-3)
"""

# What a process does; it is given the folder of the lock files. Its first line says what it got, or why it didn't yet.
RESERVE = """
import builtins, fcntl, os, subprocess, sys, time
from pathlib import Path
from metaocl import commands
from metaocl.training import device_locks
device_locks.POLL_SECONDS = 0.02
locks, device = Path(sys.argv[1]), None
def reserve():
    global device
    device = device_locks.reserve_device(locks)
"""
SAY = """
commands.run_command(reserve)
print(device, os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("CUDA_DEVICE_ORDER"), flush=True)
"""
HOLD = RESERVE + SAY + "sys.stdin.read()"


class Machine:
    """A machine with a folder for lock files, perhaps an nvidia-smi, and processes that end with the test."""

    def __init__(self, folder):
        self.locks, self.programs = folder / "locks", folder / "programs"
        self.locks.mkdir()
        self.programs.mkdir()
        self.processes = []

    def install_nvidia_smi(self, output, status=0):
        program = self.programs / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n[ \"$*\" = -L ] && echo '{output}'\nexit {status}\n")
        program.chmod(0o755)

    def start(self, setting, code=HOLD, **environment):
        """Start a process with the setting as its CUDA_VISIBLE_DEVICES, or without any."""
        devices = {} if setting is None else {"CUDA_VISIBLE_DEVICES": setting}
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(self.locks)],
            env={"PATH": str(self.programs), "PYTHONPATH": str(SCRIPTS)} | devices | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def first_line(self, setting, **environment):
        return self.start(setting, **environment).stdout.readline().rstrip("\n")

    def candidates(self, setting):
        """The devices that processes with one setting get, one after the other, until one has to wait or gets none."""
        found = []
        while not (line := self.first_line(setting)).startswith(("waiting", "None")):
            found.append(line.split()[0])
            assert len(set(found)) == len(found)
        return found

    def stop(self):
        for process in self.processes:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    machine.stop()


@pytest.fixture
def gpus(machine):
    """A machine with three GPUs."""
    machine.install_nvidia_smi(LISTED)
    return machine


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (None, GPUS),
        ("", []),
        (" ", []),
        ("-1", []),
        ("0", GPUS[:1]),
        ("2,0", [GPUS[2], GPUS[0]]),
        (" 2 , 0 ", [GPUS[2], GPUS[0]]),
        ("0,2,-1,1", [GPUS[0], GPUS[2]]),
        ("1,3,0", [GPUS[1]]),
        ("3", []),
        ("GPU-bb33-3,GPU-aa11-1", [GPUS[2], GPUS[0]]),
        ("GPU-aa2", [GPUS[1]]),
        ("1,GPU-aa22,1,0", [GPUS[1], GPUS[0]]),
    ],
)
def test_processes_get_the_devices_that_cuda_would_show_them(gpus, setting, expected):
    assert gpus.candidates(setting) == expected


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("0,1", ["0", "1"]), ("0,-1,1", ["0"]), ("GPU-aa,MIG-GPU-cc44/1/0", ["GPU-aa", "MIG-GPU-cc44/1/0"])],
)
def test_without_nvidia_smi_devices_go_by_the_names_that_the_setting_gives_them(machine, setting, expected):
    assert machine.candidates(setting) == expected


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (None, ["MIG-cc44-4", "MIG-dd55-5", "GPU-bb33-3"]),
        ("0", ["MIG-cc44-4", "MIG-dd55-5"]),
        ("GPU-aa,MIG-dd", ["MIG-cc44-4", "MIG-dd55-5"]),
        ("MIG-dd,1", ["MIG-dd55-5", "GPU-bb33-3"]),
    ],
)
def test_a_gpu_that_is_split_stands_for_its_parts(machine, setting, expected):
    machine.install_nvidia_smi(SPLIT)
    assert machine.candidates(setting) == expected


@pytest.mark.parametrize(("output", "status"), [("No devices found.", 0), ("NVIDIA-SMI has failed", 9), (None, None)])
def test_without_a_gpu_nothing_happens(machine, output, status):
    if output is not None:
        machine.install_nvidia_smi(output, status)
    assert machine.first_line(None) == "None None None"
    assert machine.first_line("-1") == "None -1 None"
    assert list(machine.locks.iterdir()) == []


def test_a_process_sees_its_device_and_no_other(gpus):
    assert gpus.first_line(None) == "GPU-aa11-1 GPU-aa11-1 PCI_BUS_ID"
    assert gpus.first_line("2", CUDA_DEVICE_ORDER="FASTEST_FIRST") == "GPU-bb33-3 GPU-bb33-3 PCI_BUS_ID"


@pytest.mark.parametrize("setting", [None, "0", "GPU-aa11", "GPU-aa11-1,0"])
def test_all_names_of_a_device_meet_at_one_lock(gpus, setting):
    assert gpus.candidates("0") == GPUS[:1]
    line = gpus.first_line(setting)
    assert line.startswith("GPU-aa22-2 " if setting is None else "waiting")


def test_the_one_device_of_a_slurm_job_is_not_locked_and_the_environment_stays(gpus):
    assert gpus.candidates("0") == GPUS[:1]
    assert gpus.first_line("0", SLURM_JOB_ID="1") == "None 0 None"


def test_without_nvidia_smi_nothing_is_locked_in_a_slurm_job(machine):
    assert machine.first_line("0,1", SLURM_JOB_ID="1") == "None 0,1 None"


def test_a_slurm_job_with_several_devices_may_hold_a_whole_study_and_its_processes_share_them_out(gpus):
    devices = [gpus.first_line("0,2", SLURM_JOB_ID="1").split()[0] for _ in range(2)]
    assert devices == [GPUS[0], GPUS[2]]
    assert gpus.first_line("0,2", SLURM_JOB_ID="1").startswith("waiting")


@pytest.mark.parametrize(
    "setting", ["none", "0;1", "0,,1", "0,", "1.5", "GPU-", "GPU-ff", "GPU-aa", "GPU-../../x", "²"]
)
def test_a_setting_that_names_no_device_is_refused_in_one_line(gpus, setting):
    process = gpus.start(setting)
    output, _ = process.communicate()
    wrong = next(entry for entry in setting.split(",") if entry != "0")
    assert output == (
        f"error: CUDA_VISIBLE_DEVICES names {wrong!r}; expected indexes or UUIDs of devices that nvidia-smi -L lists, "
        "with commas between them\n"
    )
    assert process.returncode == 1


@pytest.mark.parametrize("obstacle", ["no folder", "folder", "link"])
def test_a_lock_that_cannot_be_had_is_one_message_with_its_place(machine, tmp_path, obstacle):
    file = machine.locks / "metaocl-0.lock"
    if obstacle == "no folder":
        machine.locks.rmdir()
    elif obstacle == "folder":
        file.mkdir()
    else:
        (tmp_path / "elsewhere").touch()
        file.symlink_to(tmp_path / "elsewhere")
    process = machine.start("0")
    output, _ = process.communicate()
    assert output.startswith(f"error: {file}: cannot be locked to reserve a device: ")
    assert output.count("\n") == 1
    assert process.returncode == 1


def test_processes_that_compete_never_have_one_device_at_once(gpus):
    use = """
mark = locks / f"{device} is in use"
mark.mkdir()  # an error, if another process has made it
while not (locks / "go").exists():
    time.sleep(0.01)
mark.rmdir()
"""
    settings = [None, "0,1", "1,0", "GPU-aa22,GPU-aa11"] * 4
    gpus.install_nvidia_smi("\n".join(LISTED.splitlines()[:2]))
    processes = [gpus.start(setting, RESERVE + SAY + use) for setting in settings]
    first_lines = [process.stdout.readline() for process in processes]
    assert sum(line.startswith("waiting") for line in first_lines) == len(processes) - 2
    (gpus.locks / "go").touch()
    outputs = [first + process.communicate()[0] for first, process in zip(first_lines, processes, strict=True)]
    assert [process.returncode for process in processes] == [0] * len(processes), outputs
    assert {output.splitlines()[-1].split()[0] for output in outputs} == set(GPUS[:2])


def test_a_process_that_waits_says_so_once_and_goes_on_when_a_device_is_free(gpus):
    assert gpus.first_line("0").startswith("GPU-aa11-1 ")
    other = gpus.start("1")
    assert other.stdout.readline().startswith("GPU-aa22-2 ")
    waiting = gpus.start("0,1", RESERVE + SAY)
    message = waiting.stdout.readline()
    assert message == "waiting for a device: other processes have reserved GPU-aa11-1, GPU-aa22-2\n"
    with pytest.raises(subprocess.TimeoutExpired):  # many polls
        waiting.wait(timeout=0.5)
    other.communicate()
    assert waiting.communicate()[0].startswith("GPU-aa22-2 ")


@pytest.mark.parametrize(
    "child",
    [
        "",
        "if os.fork() == 0:\n    time.sleep(600)",
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], close_fds=False)",
    ],
    ids=["alone", "forked child", "started child"],
)
def test_a_killed_process_frees_its_device_even_if_its_child_lives_on(machine, child):
    holder = machine.start("0", f"{RESERVE}reserve()\n{child}\nprint('ready', flush=True)\nsys.stdin.read()")
    assert holder.stdout.readline() == "ready\n"
    waiting = machine.start("0", RESERVE + SAY)
    assert waiting.stdout.readline().startswith("waiting")
    holder.kill()
    assert waiting.communicate(timeout=60)[0] == "0 0 PCI_BUS_ID\n"


def test_a_device_is_held_until_python_has_shut_down(machine):
    last = """
class Last:
    def __del__(self, open=os.open, flock=fcntl.flock, write=os.write, how=fcntl.LOCK_EX | fcntl.LOCK_NB):
        try:
            flock(open("LOCKS/metaocl-0.lock", 2), how)
        except BlockingIOError:
            write(1, b"still held\\n")
builtins.last = Last()
"""
    process = machine.start("0", RESERVE + SAY + last.replace("LOCKS", str(machine.locks)))
    assert process.communicate()[0] == "0 0 PCI_BUS_ID\nstill held\n"


def test_a_lock_file_that_was_removed_before_it_was_locked_reserves_nothing(machine):
    remove = """
flock = fcntl.flock
def flock_too_late(*arguments):
    (locks / "metaocl-0.lock").unlink()
    fcntl.flock = flock
    flock(*arguments)
fcntl.flock = flock_too_late
"""
    process = machine.start("0", RESERVE + remove + SAY + "sys.stdin.read()")
    assert process.stdout.readline().startswith("waiting")
    assert process.stdout.readline() == "0 0 PCI_BUS_ID\n"
    assert machine.first_line("0").startswith("waiting")


def test_a_lock_file_is_for_all_users(machine):
    machine.start("0", f"{RESERVE}os.umask(0o077){SAY}").communicate()
    assert (machine.locks / "metaocl-0.lock").stat().st_mode & 0o777 == 0o666


def test_importing_the_training_scripts_does_not_start_cuda():
    code = """
import torch
def refuse(*_): raise RuntimeError("CUDA was asked for")
for name in ("is_available", "device_count", "init", "_lazy_init", "current_device", "get_device_capability"):
    setattr(torch.cuda, name, refuse)
import train_base_model, train_stage, train_stage_on_images
"""
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_new_model_with_random_weights_leaves_the_gpus_alone(monkeypatch):
    for module in ("text.models", "text.base_training"):
        monkeypatch.setattr(f"metaocl.{module}.pick_device", lambda: torch.device("meta"))
    settings = Model(
        architecture="gpt2", architecture_config={"n_layer": 1, "n_embd": 4, "n_head": 1, "n_positions": 8}
    )
    model, _ = new_model([Fact("Ann", "Ann", "", "Where does {name} live?", "Rome")], settings, seed=0)
    assert model.device.type == "cpu"


def test_a_checkpoint_fits_whichever_device_its_run_goes_on_with(monkeypatch, tmp_path):
    arguments = argparse.Namespace(initial_model=tmp_path, documents=[])
    fingerprints = set()
    for device in ("GPU-aa11-1", "GPU-bb33-3"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", device)
        fingerprints.add(_fingerprint({"threads": 1}, arguments, SCRIPTS / "train_stage.py"))
    assert len(fingerprints) == 1
