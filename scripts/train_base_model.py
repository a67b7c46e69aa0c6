"""Train a base model from scratch on the facts of a data set, and check that it has learnt them."""

from __future__ import annotations

from pathlib import Path

import torch

from metaocl.artifacts.provenance import describe_run
from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import read_rows, write_json
from metaocl.commands import command_parser, run_command
from metaocl.config.models import BaseTraining, Model
from metaocl.facts.fact import Fact
from metaocl.text.base_training import check_quality, measure_quality, train_from_scratch, write_corpus
from metaocl.text.models import save_model
from metaocl.training.device_locks import reserve_device


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--facts", type=Path, required=True, help="parquet of facts")
    parser.add_argument("--settings", type=Model.from_argument, required=True, help="the model's settings, as JSON")
    parser.add_argument(
        "--seed", type=int, help="the stage-1 seed whose base model it is; without it the settings' own"
    )
    parser.add_argument("--model", type=Path, required=True, help="folder to write: weights, configuration, tokenizer")
    parser.add_argument("--run", type=Path, required=True, help="JSON to write: what made the model, and its quality")
    arguments = parser.parse_args()

    reserved = reserve_device()
    settings = arguments.settings
    torch.set_num_threads(settings.threads)
    facts = read_rows(arguments.facts, Fact)
    base: BaseTraining = settings.base_training
    if arguments.seed is not None:
        base = base.model_copy(update={"seed": arguments.seed})
    corpus = write_corpus(facts, base)
    model, tokenizer, seconds = train_from_scratch(facts, corpus, settings, base)
    quality = measure_quality(model, tokenizer, corpus, base)
    check_quality(quality, base)
    with published(arguments.model, arguments.run) as (model_place, run_place):
        save_model(model, tokenizer, model_place)
        measured = {
            "train_seconds": seconds,
            "threads": settings.threads,
            "device": str(model.device),
            "reserved_device": reserved,
            "exact_match": quality,
            "seed": base.seed,
        }
        write_json(describe_run({"model": settings.model_dump(mode="json")}, **measured), run_place)


if __name__ == "__main__":
    run_command(main)
