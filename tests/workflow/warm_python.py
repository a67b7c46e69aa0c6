"""A Python that has imported its packages already: tests that run hundreds of jobs do not wait for each to do so.

Each command runs in a process of its own, forked from one that has read no code of this project. What a command starts
with, but for its imports, is what Python gives it: arguments, environment, folder, standard streams, exit status. What
depends on the start itself (signals, memory, hash seeds, bytes from run to run) is tested on the plain Python.
"""

from __future__ import annotations

import array
import atexit
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path

PACKAGES = (
    *("torch", "transformers.generation", "transformers.models.gpt_neox.modeling_gpt_neox", "safetensors.torch"),
    *("transformers.models.t5.modeling_t5", "transformers.optimization", "tokenizers", "pandas", "pyarrow.parquet"),
    *("matplotlib.pyplot", "matplotlib.backends.backend_agg", "scipy.optimize", "scipy.stats", "pydantic", "psutil"),
    *("sklearn.linear_model", "snakemake.cli", "snakemake.workflow", "snakemake.executors.local"),
)
START_OF_A_JOB = 'python() { "$WARM_PYTHON" -I -S "$WARM_CLIENT" "$WARM_SOCKET" "$@"; }\n'


@cache
def warm_python() -> tuple[list[str], dict[str, str]]:
    """The words that stand for `python` before a script or `-m module`, and the environment in which Bash takes them.

    What they ask is served by a process that ends with the tests.
    """
    folder = Path(tempfile.mkdtemp(prefix="warm"))
    address = str(folder / "socket")
    bash = folder / "bash"
    bash.write_text(START_OF_A_JOB)
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", address],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    atexit.register(server.terminate)
    variables = {"WARM_PYTHON": sys.executable, "WARM_CLIENT": __file__, "WARM_SOCKET": address, "BASH_ENV": str(bash)}
    return [sys.executable, "-I", "-S", __file__, address], variables


def ask(address: str, arguments: list[str]) -> int:
    """Have a command run with this process' streams, folder and environment; returns its exit status."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        connection.sendmsg([b" "], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
        job = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
        connection.sendall(json.dumps(job).encode())
        connection.shutdown(socket.SHUT_WR)
        return int(connection.recv(16) or 1)


def serve(address: str) -> dict:
    """Wait for commands without end; returns in each process that is to run one."""
    for package in PACKAGES:
        import_module(package)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait for a command
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return received(connection)
        connection.close()


def received(connection: socket.socket) -> dict:
    """Read a command, and fork: the child returns it, the parent tells the asker how the child ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    streams = array.array("i", [0, 0, 0])
    _, ancillary, *_ = connection.recvmsg(1, socket.CMSG_SPACE(len(streams) * streams.itemsize))
    streams = array.array("i", ancillary[0][2])
    job = json.loads(b"".join(iter(lambda: connection.recv(1 << 16), b"")))
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        connection.sendall(str(status if status >= 0 else 128 - status).encode())
        os._exit(0)
    connection.close()
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    return job


def run(job: dict) -> None:
    """Run a script, or a module after -m, as `python` would."""
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.orig_argv = [sys.executable, *job["arguments"]]
    sys.path[0:1] = [os.path.abspath(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    if any(Path(folder, "sitecustomize.py").exists() for folder in sys.path):
        sys.modules.pop("sitecustomize", None)
        import_module("sitecustomize")
    first, *others = job["arguments"]
    if first == "-m":
        sys.argv = others
        sys.path.insert(0, job["folder"])
        runpy.run_module(others[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = job["arguments"]
        sys.path.insert(0, str(Path(first).resolve().parent))
        runpy.run_path(os.path.abspath(first), run_name="__main__")  # as Python names the file


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        run(serve(sys.argv[2]))
    else:
        sys.exit(ask(sys.argv[1], sys.argv[2:]))
