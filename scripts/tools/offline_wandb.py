"""Turn what `snakemake tracking` exported into offline runs of Weights & Biases, for `wandb sync` to upload."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.commands import command_parser, run_command
from metaocl.errors import UserError
from metaocl.reports.tracking import EVENT_FILE

# Nothing is sent, or told of the machine, its packages and the code.
QUIET = ("disable_code", "disable_git", "silent", "x_disable_meta", "x_disable_stats")


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("tracking", type=Path, help="folder that was exported: <results>/tracking/STUDY")
    parser.add_argument("folder", type=Path, help="folder to write: wandb/offline-run-… for each stage of a cell")
    arguments = parser.parse_args()

    files = sorted(arguments.tracking.rglob(EVENT_FILE))
    if not files:
        raise UserError(f"{arguments.tracking}: holds no {EVENT_FILE}; `make tracking` writes them")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    try:
        for file in files:
            write_run(file, arguments.tracking, arguments.folder)
    except ImportError as error:
        raise UserError(f"{error.name} is needed, and not installed; docs/running.md says how") from None
    print(f"{len(files)} runs; to upload them: wandb sync {arguments.folder}/wandb/offline-run-*")


def write_run(file: Path, tracking: Path, folder: Path) -> None:
    """Write a stage's event file as an offline run, with its place as name, in a project of the study's name.

    Values of optimizer steps are drawn against `step`, those of evaluations against `epoch`. Raises ImportError.
    """
    import wandb
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event

    name = file.parent.relative_to(tracking)
    cell: Any = {"project": tracking.name, "group": str(name.parent), "job_type": name.name, "name": str(name)}
    settings = wandb.Settings(console="off", **dict.fromkeys(QUIET, True))
    with wandb.init(mode="offline", dir=str(folder), settings=settings, **cell) as run:
        for event in map(Event.FromString, RawEventFileLoader(str(file)).Load()):
            values = {value.tag: value.simple_value for value in event.summary.value}
            axis = "step" if any(tag.startswith("training/") for tag in values) else "epoch"
            for kind in {tag.partition("/")[0] for tag in values}:
                run.define_metric(f"{kind}/*", step_metric=axis)
            if values:
                run.log({axis: event.step, "seconds": event.wall_time, **values})


if __name__ == "__main__":
    run_command(main)
