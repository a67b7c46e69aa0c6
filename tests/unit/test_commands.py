"""What a script's end looks like to a user."""

from __future__ import annotations

import pytest
import torch

from metaocl.commands import command_parser, run_command
from metaocl.config.plans import Stage
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"documents": ["definitions"], "epochs": 0}',
            "argument --stage: epochs: Input should be greater",
        ),
        ('{"documents": [], "epoch": 1}', "documents: List should have at least 1 item"),
        ("{'documents'", "argument --stage: JSON: Invalid JSON: key must be a string"),
    ],
)
def test_a_mistake_in_settings_on_a_command_line_is_told_by_its_key(text, said, capsys):
    parser = command_parser("A script.")
    parser.add_argument("--stage", type=Stage.from_argument)
    with pytest.raises(SystemExit):
        parser.parse_args(["--stage", text])
    assert said in capsys.readouterr().err
