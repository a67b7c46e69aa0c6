"""What a script's end looks like to a user."""

from __future__ import annotations

import pytest
import torch

from metaocl.commands import run_command
from metaocl.errors import UserError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (UserError("the seed is -1"), "error: the seed is -1"),
        (
            FileNotFoundError(2, "No such file or directory", "facts"),
            "error: [Errno 2] No such file or directory: 'facts'",
        ),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.\nProcess 1 has 70 GiB in use."),
            "error: the device's memory does not hold the model and a single document or question: CUDA out of memory. "
            "Tried to allocate 9 GiB.",
        ),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory\nat 0x1"),
            "error: the machine's memory does not suffice: [enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: "
            "can't allocate memory",
        ),
        (MemoryError(), "error: the machine's memory does not suffice: MemoryError"),
    ],
)
def test_a_mistake_that_a_user_can_mend_is_one_line(error, told):
    def command():
        raise error

    with pytest.raises(SystemExit) as ended:
        run_command(command)
    assert ended.value.code == told


def test_a_mistake_of_ours_keeps_its_traceback():
    def command():
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        run_command(command)
