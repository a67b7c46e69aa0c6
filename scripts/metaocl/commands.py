"""What all scripts share: settings come as JSON, and a mistake that a user can mend ends in one message."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

from metaocl.errors import UserError


def command_parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser with the option that every script has: a file that takes its messages and progress bar."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--log", type=_send_messages_to, help="file for messages, instead of standard error")
    return parser


def run_command(command: Callable[[], None]) -> None:
    """Run a script's main function; a UserError becomes its message on standard error and exit status 1.

    So does an OSError, which names the file that is missing or cannot be read or written, and a lack of memory.
    """
    # What was imported stays to the end: the garbage collector need not look through it at every later import, nor
    # through what came later when the interpreter ends, which takes it about a third of a second.
    gc.freeze()
    try:
        command()
    except (UserError, OSError) as error:
        sys.exit(f"error: {error}")
    except Exception as error:
        if lack := _lack_of_memory(error):
            sys.exit(f"error: {lack}: {_first_line(error)}")
        raise
    finally:
        gc.freeze()


def study_and_path(text: str) -> tuple[str, Path]:
    """An argument of the form STUDY=PATH."""
    study, equals, path = text.partition("=")
    if not (study and equals and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not STUDY=PATH")
    return study, Path(path)


def _lack_of_memory(error: Exception) -> str | None:
    """What to say of an error that is a lack of memory; None for any other."""
    # By its name, as not every script imports torch, whose allocator on the CPU raises no error of its own.
    if type(error).__name__ == "OutOfMemoryError":
        return "the device's memory does not hold the model and a single document or question"
    if isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error):
        return "the machine's memory does not suffice"
    return None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _send_messages_to(path: str) -> Path:
    """Make `path` the standard error of this process and of all that it starts."""
    log = Path(path)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    return log
