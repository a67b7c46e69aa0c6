"""Make a network of images with random weights for one seed."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.provenance import describe_run
from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import write_json
from metaocl.commands import command_parser, run_command
from metaocl.config.models import ConvNet
from metaocl.vision.handwriting import read_handwriting
from metaocl.vision.models import new_network, save_network


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--settings", type=ConvNet.from_argument, required=True, help="of the network, as JSON")
    parser.add_argument("--seed", type=int, required=True, help="seed of the weights")
    parser.add_argument("--model", type=Path, required=True, help="folder to write: weights and settings")
    parser.add_argument("--run", type=Path, required=True, help="JSON to write: what made the network")
    arguments = parser.parse_args()

    settings = arguments.settings
    handwriting = read_handwriting(settings.handwriting)
    model = new_network(settings, arguments.seed, handwriting.sha256())
    with published(arguments.model, arguments.run) as (model_place, run_place):
        save_network(model, model_place)
        made_of = {"convnet": settings.model_dump(mode="json"), "seed": arguments.seed}
        parameters = sum(weight.numel() for weight in model.parameters())
        shapes = {"training": handwriting.training.shape, "tests": handwriting.tests.shape}
        write_json(describe_run(made_of, parameters=parameters, handwriting=shapes), run_place)


if __name__ == "__main__":
    run_command(main)
