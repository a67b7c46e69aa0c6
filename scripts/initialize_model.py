"""Make a model with random weights for one seed, and a tokenizer that knows the words of the facts."""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.provenance import describe_run
from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_rows, write_json
from metaocl.commands import command_parser, run_command
from metaocl.config.models import Model
from metaocl.facts.fact import Fact
from metaocl.text.base_training import new_model
from metaocl.text.models import save_model


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--facts", type=Path, required=True, help="parquet of facts")
    parser.add_argument("--settings", type=Model.from_argument, required=True, help="of the model, as JSON")
    parser.add_argument("--seed", type=int, required=True, help="seed of the weights")
    parser.add_argument("--model", type=Path, required=True, help="folder to write: weights, configuration, tokenizer")
    parser.add_argument("--run", type=Path, required=True, help="JSON to write: what made the model")
    arguments = parser.parse_args()

    settings = arguments.settings
    model, tokenizer = new_model(read_rows(arguments.facts, Fact), settings, arguments.seed)
    with published(arguments.model, arguments.run) as (model_place, run_place):
        save_model(model, tokenizer, model_place)
        made_of = {"model": settings.model_dump(mode="json"), "seed": arguments.seed}
        write_json(describe_run(made_of, parameters=model.num_parameters(), device=str(model.device)), run_place)


if __name__ == "__main__":
    run_command(main)
