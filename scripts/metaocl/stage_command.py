"""What the scripts that train a stage share, whichever modality it has: arguments, checkpoint, published results."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from metaocl.artifacts.checksums import weights_hashes
from metaocl.artifacts.code_version import code_version
from metaocl.artifacts.provenance import describe_run, package_versions
from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import write_json, write_table
from metaocl.commands import command_parser
from metaocl.config.plans import Stage, evaluated_epochs
from metaocl.documents.metrics import answers_table, mean_by_alias
from metaocl.errors import UserError
from metaocl.training.checkpoints import Checkpoint, fingerprint
from metaocl.training.device_locks import reserve_device
from metaocl.training.devices import pick_device
from metaocl.training.interventions import Intervention
from metaocl.training.loop import Progress, train_stage
from metaocl.training.optimizers import check_warm_up
from metaocl.training.seeding import seed_training
from metaocl.training.signals import Saver

# From initial model, files of documents, stage and seeds to a `Run` of the modality, and what is done in each step.
Prepare = Callable[[Path, Sequence[Path], Stage, Sequence[int]], tuple[Any, Intervention]]


def train_one_stage(description: str | None, script: Path, prepare: Prepare) -> None:
    """Read the arguments of a script, train the stage that `prepare` makes of them and publish what came of it.

    script: the file whose code a checkpoint must be of. A run that was stopped goes on from its checkpoint when the
    same command is given again.
    """
    arguments = _parse_arguments(description)
    reserved = reserve_device()
    settings = {
        "stage": arguments.stage.model_dump(mode="json"),
        "stage_number": arguments.stage_number,
        "seeds": arguments.seeds,
        "threads": arguments.threads,
        "gradient_checkpointing": arguments.gradient_checkpointing,
    }
    checkpoint = Checkpoint(arguments.checkpoint, _fingerprint(settings, arguments, script))
    saver = Saver(checkpoint, seconds=60 * arguments.checkpoint_minutes)
    saver.listen()
    run, tables, progress = _train(arguments, saver, prepare)
    measured = {
        **asdict(progress),
        "documents_trained": len(run.trained),
        "questions_tested": len(run.tested),
        "unreachable_golds": run.unreachable_golds,
        "device": str(run.model.device),
        "reserved_device": reserved,
    }
    inputs = {
        "initial_model": _from(arguments.run, arguments.initial_model),
        "initial_weights": weights_hashes(arguments.initial_model),
        "documents": [_from(arguments.run, path) for path in arguments.documents],
    }
    targets = [arguments.model, arguments.run, arguments.metrics, arguments.answers, arguments.history]
    with published(*targets, *([arguments.snapshots] if arguments.snapshots else [])) as places:
        run.save(places[0])
        write_json(describe_run(settings | inputs, **measured), places[1])
        for table, place in zip(tables, places[2:5], strict=True):
            write_table(table, place)
        if arguments.snapshots:
            _collect_snapshots(arguments, checkpoint, places[5])
    checkpoint.discard()
    shutil.rmtree(_waiting_snapshots(checkpoint).parent, ignore_errors=True)


def _train(arguments: argparse.Namespace, saver: Saver, prepare: Prepare) -> tuple[Any, list[pa.Table], Progress]:
    """The run, with its model trained; its tables of metrics, answers and steps; and the time it took."""
    torch.set_num_threads(arguments.threads)
    order_seed = seed_training(arguments.stage_number, arguments.seeds)
    run, intervention = prepare(arguments.initial_model, arguments.documents, arguments.stage, arguments.seeds)
    check_warm_up(run.stage, len(run.examples))
    if arguments.gradient_checkpointing:
        _save_activation_memory(run.model)

    measures: dict[str, Any] = {}

    def after_epoch(epoch: int) -> pa.Table | None:
        if epoch in run.stage.snapshots:
            with published(_waiting_snapshots(saver.checkpoint) / f"epoch{epoch}") as (place,):
                run.save(place)
        if epoch not in evaluated_epochs(run.stage):
            return None
        measures.update(run.evaluator.measure(run.model))
        return mean_by_alias(run.tested, measures, epoch)

    metrics, history, progress = train_stage(
        run.model, run.examples, run.task.loss, run.stage, order_seed, after_epoch, saver, intervention
    )
    # Where the checkpoint is from after the last epoch, answers are asked for again; they are the same.
    answers = answers_table(run.tested, measures or run.evaluator.measure(run.model))
    return run, [metrics, answers, history], progress


def _save_activation_memory(model: Any) -> None:
    try:
        model.activation_checkpointing_enable()
    except ValueError as error:  # what transformers raises for an architecture that cannot
        raise UserError(f"gradient_checkpointing is true: {error}") from None


def _waiting_snapshots(checkpoint: Checkpoint) -> Path:
    """Where snapshots wait for the end of the run: beside the checkpoint, so that a killed run still has them.

    As with checkpoints, a run takes none that one of other settings, inputs or code has left there.
    """
    return checkpoint.folder.with_name(f"{checkpoint.folder.name}_snapshots") / checkpoint.fingerprint[:16]


def _collect_snapshots(arguments: argparse.Namespace, checkpoint: Checkpoint, place: Path) -> None:
    """Copy the snapshots to the place of the results; if a twin of this job was faster, its own, which are the same."""
    waiting = _waiting_snapshots(checkpoint)
    place.mkdir()
    for epoch in arguments.stage.snapshots:
        folder = waiting if (waiting / f"epoch{epoch}").is_dir() else arguments.snapshots
        shutil.copytree(folder / f"epoch{epoch}", place / f"epoch{epoch}")


def _from(run: Path, path: Path) -> str:
    """A path as seen from the folder of run.json, so that results can be moved as a whole."""
    return os.path.relpath(path, run.parent)


def _parse_arguments(description: str | None) -> argparse.Namespace:
    parser = command_parser(description)
    parser.add_argument("--initial-model", type=Path, required=True, help="folder of the model to start from")
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help="parquet files of documents")
    parser.add_argument("--stage", type=Stage.from_argument, required=True, help="settings, as JSON")
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
    parser.add_argument(
        "--answers", type=Path, required=True, help="parquet to write: a row per question, after the last epoch"
    )
    parser.add_argument("--history", type=Path, required=True, help="parquet to write: a row per optimizer step")
    parser.add_argument("--run", type=Path, required=True, help="JSON to write: what made the model")
    parser.add_argument(
        "--snapshots", type=Path, help="folder to write, for a stage with snapshots: models in epoch<n>/"
    )
    return parser.parse_args()


def _fingerprint(settings: dict[str, Any], arguments: argparse.Namespace, script: Path) -> str:
    """What a checkpoint of this run must have been made for: settings, inputs, code, packages and kind of device."""
    made_by = {"code": code_version(script), "packages": package_versions(), "device": pick_device().type}
    return fingerprint(settings | made_by, arguments.initial_model, *arguments.documents)
