"""A study's steps and metrics as event files, for TensorBoard: a run for each stage of each cell.

Everything is read from what finished stages left; training knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from metaocl.artifacts.publishing import ArtifactError
from metaocl.config.studies import Study
from metaocl.design.cells import CELL, SEEDS, Cell
from metaocl.errors import UserError
from metaocl.planning.cells import study_cells
from metaocl.planning.places import stage_folders
from metaocl.statistics.study_tables import read_run_table

# TensorBoard looks for `tfevents` in a name. Its own writers add time and host, which would make every export another.
EVENT_FILE = "events.out.tfevents"

# A moment: seconds of training so far, the step, and values by tag.
Moment = tuple[float, int, dict[str, float]]


def write_tracking(
    study: Study,
    stages: Mapping[str, int],
    results: Path,
    branches: Mapping[str, str],
    metrics: pd.DataFrame,
    folder: Path,
) -> None:
    """Write an event file for every stage of every cell of a study into `folder`.

    Its place there is the run's name: data set, define type, model, plan, seeds and stage. Values are of 32 bits, as
    TensorBoard keeps them. stages, branches: as `collect_metrics` takes them. results: the folder that holds stages/.
    metrics: the study's table. Raises UserError where TensorBoard is not installed, ArtifactError for a stage whose
    history is missing or unreadable, or of which the table has nothing, OSError.
    """
    of_stage = dict(iter(metrics.groupby([*CELL, *SEEDS, "stage"], observed=True)))
    for cell in study_cells(study):
        places = stage_folders(cell, stages[cell.plan], branches.get(cell.plan))
        for number, place in enumerate(places, start=1):
            history = read_run_table(results / place / "history.parquet")
            measured = of_stage.get((*astuple(cell), number))
            if measured is None:
                raise ArtifactError(f"the study's metrics have no row of {run_name(cell, number)}; make them again")
            run = folder / run_name(cell, number)
            run.mkdir(parents=True)
            write_events(run / EVENT_FILE, [*step_moments(history), *epoch_moments(history, measured)])


def run_name(cell: Cell, stage: int) -> PurePosixPath:
    """The name of a stage (1, 2, …) of a cell as a run of TensorBoard."""
    seeds = (f"seed{cell.seed}", f"stage2_seed{cell.stage2_seed}")
    return PurePosixPath(cell.dataset, cell.define_type, cell.model, cell.plan, *seeds, f"stage{stage}")


def step_moments(history: pd.DataFrame) -> Iterator[Moment]:
    """Each optimizer step with the values of its row, as `training/loss` and so on.

    history: with the columns of `metaocl.training.history.SCHEMA`.
    """
    values = history.drop(columns="step").add_prefix("training/").to_dict("records")
    return zip(history["seconds"].astype(float).cumsum(), history["step"], values, strict=True)


def epoch_moments(history: pd.DataFrame, measured: pd.DataFrame) -> Iterator[Moment]:
    """Each epoch after which a stage was measured, with its values as `exact_match/held_out/qd1consis` and so on.

    The step is the epoch, the time that at the epoch's last step. measured: the stage's rows of a study's table; in a
    paired study `with_reliable` and `with_unreliable` are of the run and its twin.
    """
    seconds = history["seconds"].astype(float).cumsum().groupby(history["epoch"]).max()
    for epoch, rows in measured.groupby("epoch"):
        tags = rows["measure"].astype(str) + "/" + rows["test_set"].astype(str) + "/" + rows["subset"].astype(str)
        yield seconds[epoch], epoch, dict(zip(tags, rows["value"], strict=True))


def write_events(path: Path, moments: list[Moment]) -> None:
    """Write moments as an event file of TensorBoard's; the same moments give the same bytes.

    An event's time counts from the beginning of the stage: `Relative` on TensorBoard's axis is time trained, `Wall`
    starts in 1970. Raises UserError where TensorBoard is not installed, OSError.
    """
    # Its SummaryWriter would write in a thread, where a full disk is lost, and at times and to names of its own.
    event, record_writer = _tensorboard()
    with path.open("wb") as file:
        writer = record_writer(file)
        writer.write(event(file_version="brain.Event:2").SerializeToString(deterministic=True))
        for seconds, step, values in moments:
            shown = {"value": [{"tag": tag, "simple_value": value} for tag, value in values.items()]}
            moment = event(wall_time=seconds, step=int(step), summary=shown)
            writer.write(moment.SerializeToString(deterministic=True))


def _tensorboard() -> tuple[Any, Any]:
    """TensorBoard's kind of event and its writer of records; all else does without the package, which is optional."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ImportError as error:
        raise UserError(
            f"TensorBoard is needed, and not installed ({error}); `make tracking` installs it, and so does"
            " `pip install -r requirements-tensorboard.txt`"
        ) from None
    return Event, RecordWriter
