"""Train one stage of a cell, and put every test question to the model after each epoch.

A run that was stopped goes on from its checkpoint when the same command is given again.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from metaocl.artifacts.code_version import code_version
from metaocl.artifacts.publishing import describe_run, package_versions, published, read_rows, write_json, write_table
from metaocl.commands import command_parser, run_command
from metaocl.config.entries import Stage
from metaocl.design.test_sets import TEST_SETS
from metaocl.documents.aliases import DocumentsError
from metaocl.documents.writing import Document
from metaocl.randomness import random_stream
from metaocl.text.evaluation import Evaluator, mean_by_alias, two_way_choice
from metaocl.text.examples import encode_examples
from metaocl.text.models import add_unknown_words, grow_embeddings, load_model, output_tokens, pick_device, save_model
from metaocl.training.checkpoints import Checkpoint, Saver, fingerprint
from metaocl.training.devices import reserve_device
from metaocl.training.loop import train_stage


def main() -> None:
    arguments = _parse_arguments()
    reserved = reserve_device()
    stage: Stage = arguments.stage
    settings = {
        "stage": stage.model_dump(mode="json"),
        "stage_number": arguments.stage_number,
        "seeds": arguments.seeds,
        "threads": arguments.threads,
        "gradient_checkpointing": arguments.gradient_checkpointing,
    }
    checkpoint = Checkpoint(arguments.checkpoint, _fingerprint(settings, arguments))
    saver = Saver(checkpoint, seconds=60 * arguments.checkpoint_minutes)
    saver.listen()

    torch.set_num_threads(arguments.threads)
    # A stream of its own for every stage and seed: stage 2 of two seeds must not share its randomness.
    draws = random_stream("training", arguments.stage_number, *arguments.seeds)
    weights_seed, order_seed = draws.integers(2**31, size=2).tolist()
    torch.manual_seed(weights_seed)

    documents = [document for path in arguments.documents for document in read_rows(path, Document)]
    trained = [document for document in documents if document.part in stage.documents]
    tested = [document for document in documents if document.part in TEST_SETS]
    if not trained:
        raise DocumentsError(f"stage {arguments.stage_number} has no {' or '.join(stage.documents)} to train on")
    model, tokenizer = load_model(arguments.initial_model)
    add_unknown_words(tokenizer, [document.prompt + document.completion for document in documents])
    grow_embeddings(model, len(tokenizer))
    if arguments.gradient_checkpointing:
        model.activation_checkpointing_enable()
    outputs = output_tokens(tokenizer, [document.completion for document in documents], stage)
    examples = encode_examples(model, tokenizer, [(d.prompt, d.completion) for d in trained], stage)
    questions = [(d.prompt, d.completion) for d in tested]
    evaluator = Evaluator(model, tokenizer, questions, outputs, two_way_choice(tested))

    metrics, progress = train_stage(
        model,
        examples,
        outputs,
        stage,
        order_seed,
        measure=lambda epoch: mean_by_alias(tested, evaluator.measure(model), epoch),
        saver=saver,
    )
    measured = {
        **asdict(progress),
        "documents_trained": len(trained),
        "questions_tested": len(tested),
        "device": str(model.device),
        "reserved_device": reserved,
    }
    with published(arguments.model, arguments.metrics, arguments.run) as (model_place, metrics_place, run_place):
        save_model(model, tokenizer, model_place)
        write_table(metrics, metrics_place)
        made_of = settings | {"initial_model": str(arguments.initial_model)}
        write_json(describe_run(made_of, **measured), run_place)
    checkpoint.discard()


def _parse_arguments() -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument("--initial-model", type=Path, required=True, help="folder of the model to start from")
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help="parquet files of documents")
    parser.add_argument("--stage", type=Stage.model_validate_json, required=True, help="settings, as JSON")
    parser.add_argument("--seeds", type=int, nargs="+", required=True, help="seed, then stage-2 seed if there is one")
    parser.add_argument("--stage-number", type=int, required=True, help="1 for the first stage of the plan")
    parser.add_argument("--threads", type=int, required=True, help="CPU threads")
    parser.add_argument("--gradient-checkpointing", action="store_true", help="trade time for memory")
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder for the checkpoint of an unfinished run")
    parser.add_argument("--checkpoint-minutes", type=float, required=True, help="time between checkpoints")
    parser.add_argument("--model", type=Path, required=True, help="folder to write: the trained model")
    parser.add_argument(
        "--metrics", type=Path, required=True, help="parquet to write: a row per epoch, test set, alias"
    )
    parser.add_argument("--run", type=Path, required=True, help="JSON to write: what made the model")
    return parser.parse_args()


def _fingerprint(settings: dict[str, Any], arguments: argparse.Namespace) -> str:
    """What a checkpoint of this run must have been made for: settings, inputs, code, packages and kind of device."""
    made_by = {"code": code_version(Path(__file__)), "packages": package_versions(), "device": pick_device().type}
    return fingerprint(settings | made_by, arguments.initial_model, *arguments.documents)


if __name__ == "__main__":
    run_command(main)
