"""A Slurm cluster on one machine: a controller, a node without and two nodes with GPUs (fake ones), all on loopback.

The daemons are Slurm's own, started in the foreground as processes of ours. What a test asks about jobs it reads from
Slurm's records: `scontrol show job`, and what Slurm's prolog and epilog write as a job's allocation begins and ends.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GPU_NODES = ("gpu1", "gpu2")
NODES = ("cpu1", *GPU_NODES)
DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel")

# config_overrides: the nodes may have more processors than the machine. MinJobAge: records stay as long as the tests.
# prolog and epilog run on the node, once per allocation. Short times let a test see a lost node come to light.
CONFIGURATION = """\
ClusterName=loopback
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=5,bf_interval=5,batch_sched_delay=0,sched_min_interval=0
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SlurmctldTimeout=60
SlurmdTimeout=15
KillWait=10
MinJobAge=7200
OverTimeLimit=0
PrologFlags=Alloc
Prolog={folder}/prolog
Epilog={folder}/epilog
GresTypes=gpu
{nodes}
PartitionName=cpu Nodes=cpu1 Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=gpu1,gpu2 MaxTime=INFINITE State=UP
"""
# Devices that every machine has, as Slurm wants GPUs to be device files.
GPU_FILES = ("/dev/null", "/dev/zero")
# Snakemake's plugin hides SLURM_* from its inner srun, the place of this configuration among them.
SRUN = '#!/bin/sh\nexport SLURM_CONF="{folder}/slurm.conf"\nexec {srun} "$@"\n'
# The plugin asks sacct while the controller gives no answer. A cluster with accounting has one that answers without the
# controller; this cluster has none, and its sacct waits for the controller's return.
SACCT = """\
#!/bin/sh
for last; do :; done
case "$*" in *--name*) ;; *) echo "no accounting" >&2; exit 1 ;; esac
until squeue --noheader --states=all --format="%i|%T" --name "$last"; do sleep 1; done
"""
RECORD = """\
#!/bin/sh
echo "{event} $(date +%s.%N) $SLURM_JOB_ID $SLURMD_NODENAME ${{SLURM_JOB_GPUS:-none}}" >> {folder}/allocations
"""


@dataclass(frozen=True)
class Allocation:
    """The time that a job had on a node: seconds since the epoch, `end` None while it lasts; gpus: their numbers."""

    job: int
    node: str
    gpus: frozenset[str]
    start: float
    end: float | None


def missing_programs() -> list[str]:
    """The programs of Slurm and munge that this machine lacks."""
    return [program for program in DAEMONS if shutil.which(program) is None]


class Cluster:
    """A running cluster, in a folder of its own with a short path (a socket's is limited to 107 characters)."""

    def __init__(self, folder: Path, devices_per_node: int = 2) -> None:
        self.folder = folder
        self.gpu_files = GPU_FILES[:devices_per_node]
        self.daemons: dict[str, subprocess.Popen] = {}
        self.environment = os.environ | {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
        }
        self._configure()

    def start(self) -> None:
        """Start all daemons; returns when all nodes are idle."""
        self._start("munged", "--foreground", "--force", f"--key-file={self.folder}/munge.key",
                    f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munged.pid",
                    f"--seed-file={self.folder}/munged.seed", f"--log-file={self.folder}/munged.log")  # fmt: skip
        wait_until(lambda: (self.folder / "munge.socket").exists(), "munged's socket")
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        wait_until(lambda: self.node_states() == dict.fromkeys(NODES, "idle"), "idle nodes", self.log)

    def stop(self) -> None:
        """End all jobs and daemons."""
        with suppress(subprocess.SubprocessError):
            self.command("scancel", "--user=root")
            wait_until(lambda: not self.command("squeue", "--noheader"), "the end of all jobs", seconds=30)
        for daemon in reversed(self.daemons.values()):
            daemon.send_signal(signal.SIGTERM)
        for daemon in self.daemons.values():
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def start_controller(self) -> None:
        self._start("slurmctld", "-D", "-f", f"{self.folder}/slurm.conf")

    def stop_controller(self) -> None:
        daemon = self.daemons.pop("slurmctld")
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(30)

    def start_node(self, node: str) -> None:
        self._start("slurmd", "-D", "-f", f"{self.folder}/slurm.conf", "-N", node, name=node)

    def kill_node(self, node: str) -> None:
        """Kill a node's daemon; what its jobs run goes on, as on a node that only the network has lost."""
        daemon = self.daemons.pop(node)
        daemon.kill()
        daemon.wait()

    def command(self, *command: str) -> str:
        """What one of Slurm's commands prints; they may hang for ever, so that a time-out is an error."""
        run = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30)
        if run.returncode:
            raise subprocess.CalledProcessError(run.returncode, command, run.stdout, run.stderr)
        return run.stdout.strip()

    def node_states(self) -> dict[str, str]:
        with suppress(subprocess.SubprocessError):
            return dict(line.split() for line in self.command("sinfo", "-N", "-h", "-o", "%N %t").splitlines())
        return {}

    def jobs(self) -> list[dict[str, str]]:
        """All jobs so far as Slurm shows them (`scontrol show job`): JobId, Comment, JobState, NodeList, Restarts, …"""
        lines = self.command("scontrol", "--oneliner", "--details", "show", "job").splitlines()
        return [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines if line.startswith("JobId=")]

    def allocations(self) -> list[Allocation]:
        """Each time that a job had on a node, in the order of their starts; a job that was requeued has several."""
        found: dict[tuple[int, str, float], Allocation] = {}
        last: dict[tuple[int, str], float] = {}
        file = self.folder / "allocations"
        for line in file.read_text().splitlines() if file.exists() else []:
            event, when, job, node, gpus = line.split()
            key = int(job), node
            if event == "start":
                last[key] = float(when)
                found[*key, last[key]] = Allocation(*key, _numbers(gpus), last[key], None)
            elif key in last:
                start = last[key]
                found[*key, start] = Allocation(*key, found[*key, start].gpus, start, float(when))
        return list(found.values())

    def log(self) -> str:
        """The ends of the daemons' logs."""
        return "\n".join(f"{path}:\n{path.read_text()[-1500:]}" for path in sorted(self.folder.glob("*.output.log")))

    def _configure(self) -> None:
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir()
        for node in NODES:
            (self.folder / "spool" / node).mkdir()
        ports = _free_ports(1 + len(NODES))
        gpus = {node: f" Gres=gpu:fake:{len(self.gpu_files)}" for node in GPU_NODES}
        nodes = "\n".join(
            f"NodeName={node} NodeHostname={node} NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=64000"
            f"{gpus.get(node, '')} State=UNKNOWN"
            for node, port in zip(NODES, ports[1:], strict=True)
        )
        files = {
            "slurm.conf": CONFIGURATION.format(folder=self.folder, controller_port=ports[0], nodes=nodes),
            "gres.conf": "".join(
                f"NodeName={node} Name=gpu Type=fake File={file}\n" for node in GPU_NODES for file in self.gpu_files
            ),
            "cgroup.conf": "CgroupAutomount=no\n",
            "prolog": RECORD.format(event="start", folder=self.folder),
            "bin/srun": SRUN.format(folder=self.folder, srun=shutil.which("srun")),
            "bin/sacct": SACCT,
            "epilog": RECORD.format(event="end", folder=self.folder),
        }
        for name, text in files.items():
            (self.folder / name).write_text(text)
        for program in ("prolog", "epilog", "bin/srun", "bin/sacct"):
            (self.folder / program).chmod(0o755)
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o600)

    def _start(self, program: str, *arguments: str, name: str | None = None) -> None:
        with (self.folder / f"{name or program}.output.log").open("a") as output:
            self.daemons[name or program] = subprocess.Popen(
                [program, *arguments], env=self.environment, stdout=output, stderr=output, start_new_session=True
            )


def wait_until(
    is_true: Callable[[], object], what: str, report: Callable[[], str] = lambda: "", seconds: float = 120
) -> None:
    """Wait for something; AssertionError with a report if it does not come."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}\n{report()}"
        time.sleep(0.1)


def _numbers(gpus: str) -> frozenset[str]:
    return frozenset() if gpus == "none" else frozenset(gpus.split(","))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports
