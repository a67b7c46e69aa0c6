"""Train one stage of a cell, and put every test question to the model after each epoch."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import torch

from metaocl.aliases import DocumentsError
from metaocl.artifacts import describe_run, published, read_rows, write_json, write_table
from metaocl.commands import command_parser, run_command
from metaocl.config import Stage
from metaocl.documents import Document
from metaocl.evaluation import Evaluator, mean_by_alias, two_way_choice
from metaocl.examples import encode_examples
from metaocl.models import add_unknown_words, grow_embeddings, load_model, output_tokens, save_model
from metaocl.randomness import random_stream
from metaocl.subsets import TEST_SETS
from metaocl.training import train_stage


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--initial-model", type=Path, required=True, help="folder of the model to start from")
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help="parquet files of documents")
    parser.add_argument("--stage", type=Stage.model_validate_json, required=True, help="settings, as JSON")
    parser.add_argument("--seeds", type=int, nargs="+", required=True, help="seed, then stage-2 seed if there is one")
    parser.add_argument("--stage-number", type=int, required=True, help="1 for the first stage of the plan")
    parser.add_argument("--threads", type=int, required=True, help="CPU threads")
    parser.add_argument("--model", type=Path, required=True, help="folder to write: the trained model")
    parser.add_argument("--metrics", type=Path, required=True, help="parquet to write: one row per epoch and alias")
    parser.add_argument("--run", type=Path, required=True, help="JSON to write: what made the model")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    # A stream of its own for every stage and seed: stage 2 of two seeds must not share its randomness.
    draws = random_stream("training", arguments.stage_number, *arguments.seeds)
    weights_seed, order_seed = draws.integers(2**31, size=2).tolist()
    torch.manual_seed(weights_seed)

    stage = arguments.stage
    documents = [document for path in arguments.documents for document in read_rows(path, Document)]
    trained = [document for document in documents if document.part in stage.documents]
    tested = [document for document in documents if document.part in TEST_SETS]
    if not trained:
        raise DocumentsError(
            f"stage {arguments.stage_number} has no documents of {', '.join(stage.documents)} to train on"
        )
    model, tokenizer = load_model(arguments.initial_model)
    add_unknown_words(tokenizer, [document.prompt + document.completion for document in documents])
    grow_embeddings(model, len(tokenizer))
    outputs = output_tokens(tokenizer, [document.completion for document in documents], stage)
    examples = encode_examples(model, tokenizer, [(d.prompt, d.completion) for d in trained], stage)
    evaluator = Evaluator(model, tokenizer, [(d.prompt, d.completion) for d in tested], outputs, two_way_choice(tested))

    metrics: list[pa.Table] = []
    start = time.perf_counter()
    train_seconds = train_stage(
        model,
        examples,
        outputs,
        stage,
        order_seed,
        after_epoch=lambda epoch: metrics.append(mean_by_alias(tested, evaluator.measure(model), epoch)),
    )
    evaluate_seconds = time.perf_counter() - start - train_seconds

    settings = {
        "stage": stage.model_dump(mode="json"),
        "stage_number": arguments.stage_number,
        "seeds": arguments.seeds,
        "initial_model": str(arguments.initial_model),
    }
    measured = {
        "train_seconds": train_seconds,
        "evaluate_seconds": evaluate_seconds,
        "threads": arguments.threads,
        "documents_trained": len(trained),
        "questions_tested": len(tested),
        "device": str(model.device),
    }
    with published(arguments.model, arguments.metrics, arguments.run) as (model_place, metrics_place, run_place):
        save_model(model, tokenizer, model_place)
        write_table(pa.concat_tables(metrics).combine_chunks(), metrics_place)
        write_json(describe_run(settings, **measured), run_place)


if __name__ == "__main__":
    run_command(main)
