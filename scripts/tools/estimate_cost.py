"""Print how many stages each study of a configuration trains, and the GPU hours and disk that they may take.

Base models and measurements are not counted.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.commands import command_parser, run_command
from metaocl.config.layers import load_config
from metaocl.planning.costs import OPERATIONS_PER_SECOND, estimate_costs


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("config", type=Path, help="configuration file")
    parser.add_argument(
        "--speed",
        type=float,
        default=OPERATIONS_PER_SECOND,
        help="operations per second that a GPU really does (default: 1e14)",
    )
    arguments = parser.parse_args()

    config = load_config(arguments.config)
    costs = estimate_costs(config)
    totals = [sum(values) for values in zip(*((c.jobs, c.operations, c.kept) for c in costs), strict=True)]
    print(f"{'study':<20}{'stages':>8}{'GPU hours':>12}{'GB kept':>12}")
    for name, jobs, operations, kept in [*((c.study, c.jobs, c.operations, c.kept) for c in costs), ("all", *totals)]:
        print(f"{name:<20}{jobs:>8,}{operations / arguments.speed / 3600:>12,.1f}{kept / 1e9:>12,.1f}")
    print(
        f"Not measured: an estimate from parameters, documents and epochs, at {arguments.speed:.0e} operations per "
        "second. Stages that studies share count for the first of them; a model without `parameters` counts as free. "
        "Not counted: base models, measurements, loading and start-up. Kept are weights of stages, with "
        f"keep: {config.keep}."
    )


if __name__ == "__main__":
    run_command(main)
