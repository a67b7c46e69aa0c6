"""Print how much of a training step the drawing of its pictures takes, for a finished stage of a network for images."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.commands import command_parser, run_command
from metaocl.errors import UserError
from metaocl.runs import open_run


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("stage", type=Path, help="folder of the stage's run.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    run = open_run(arguments.stage).load()
    if run.modality != "images":
        raise UserError(f"{arguments.stage}: is a stage on text, which draws nothing")

    random, size = np.random.default_rng(0), run.stage.batch_size
    places = random.integers(len(run.examples), size=size).tolist()
    batch = run.examples.batch(places, epoch=1)
    drawing = fastest(lambda: run.examples.batch(places, epoch=1))
    learning = fastest(lambda: run.task.loss(run.model, batch)[0].backward())
    print(
        f"drawing {size} pictures takes {drawing * 1000:.1f} ms, their loss and gradient {learning * 1000:.1f} ms: "
        f"{drawing / (drawing + learning):.0%} of both, on one thread"
    )


def fastest(act: Callable[[], object], repeats: int = 15) -> float:
    """Seconds of the fastest of some calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    run_command(main)
