"""Measure how fast the workflow is next to the plain way of plain.py: make benchmark

Both do the same work on the same machine, in turns. Two works need no GPU: set inclusion from scratch, and the small
study of config/cities.yaml. Two more want one: SmolLM2-135M and a model of Pythia-410M's shape, in batches of 256. Last
comes the planning of large grids. The page goes to results/speed/speed.md, all numbers to speed.json beside it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests/workflow"))

from comparison import Work, compare, measure_peak
from page import write_page
from planning import measure_planning

from metaocl.artifacts.provenance import describe_run
from metaocl.artifacts.tables import write_json

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
OUTPUT = ROOT / "results/speed"
WORKS = {
    "set_inclusion": Work(
        "Set inclusion: 600 variables, 24 questions of 4 numbers, 2 layers of width 128, batches of 256, 5 + 5 epochs,"
        " evaluated at the end of each stage",
        HERE / "set_inclusion.yaml",
        "set_inclusion",
        length=16,
    ),
    "cities": Work("40 cities × SmolLM2-135M, 1 + 1 epochs", ROOT / "config/cities.yaml", "cities_small", length=48),
    "smollm2": Work(
        "1,000 cities × SmolLM2-135M, batches of 256, 3 + 2 epochs", HERE / "gpu.yaml", "smollm2", 48, needs_gpu=True
    ),
    "neox": Work(
        "1,000 cities × Pythia-410M's shape, batches of 256, 3 + 2 epochs",
        HERE / "gpu.yaml",
        "neox",
        48,
        needs_gpu=True,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="how often each side does each work")
    parser.add_argument("works", nargs="*", metavar="WORK", help=f"{', '.join(WORKS)} or planning; by default all")
    arguments = parser.parse_args()
    if arguments.repeats < 1:
        parser.error(f"--repeats is {arguments.repeats}; expected 1 or more")
    asked = arguments.works or [*WORKS, "planning"]
    if unknown := [name for name in asked if name not in {*WORKS, "planning"}]:
        parser.error(f"there is no work {', '.join(unknown)}; there are {', '.join(WORKS)} and planning")

    measured: dict[str, Any] = {"date": date.today().isoformat(), "works": {}, **describe_run(vars(arguments))}
    device = measure_peak(threads=1)["device"]
    measured["machine"] |= {"device": device, "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder:
        for name in (name for name in asked if name != "planning"):
            work = WORKS[name]
            runs = device is not None or not work.needs_gpu
            measured["works"][work.title] = compare(work, Path(folder, name), arguments.repeats) if runs else None
        if "planning" in asked:
            measured["planning"] = measure_planning(Path(folder, "planning"))
    page = write_page(measured)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    write_json(measured, OUTPUT / "speed.json")
    (OUTPUT / "speed.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
