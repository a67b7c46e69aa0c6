"""Print how many training jobs each study of a configuration has, and how many GPU hours they may take."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.commands import command_parser, run_command
from metaocl.config.parsing import parse_config, read_yaml
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

    config = parse_config(read_yaml(arguments.config), str(arguments.config))
    costs = estimate_costs(config)
    print(f"{'study':<20}{'jobs':>8}{'GPU hours':>12}")
    for cost in costs:
        print(f"{cost.study:<20}{cost.jobs:>8,}{cost.operations / arguments.speed / 3600:>12,.1f}")
    total = sum(cost.operations for cost in costs)
    print(f"{'all':<20}{sum(cost.jobs for cost in costs):>8,}{total / arguments.speed / 3600:>12,.1f}")
    print(
        f"Not measured: an estimate from parameters, documents and epochs, at {arguments.speed:.0e} operations per "
        "second. Jobs that studies share count for the first of them; loading and start-up come on top."
    )


if __name__ == "__main__":
    run_command(main)
