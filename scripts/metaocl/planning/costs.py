"""What studies will cost: floating-point operations of training and evaluation, and the disk that their weights take.

Counted from the settings alone.

A forward pass takes 2 operations per parameter and token, a backward pass 4 (Kaplan et al. 2020, arXiv 2001.08361).
From them, what a training job asks a cluster for; both are estimates, generous ones for a job.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from metaocl.config.configuration import Config
from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.config.models import Model
from metaocl.config.plans import Stage, evaluated_epochs
from metaocl.config.sources import Grids, Modular, SetInclusion, Table, Trex
from metaocl.design.cells import Cell
from metaocl.design.subsets import STAGE2_SUBSETS, Subset, held_out_questions
from metaocl.design.test_sets import MAX_NEW_TOKENS
from metaocl.planning.cells import study_cells, twins_of
from metaocl.planning.places import stage_folders

OPERATIONS_PER_SECOND = 100e12  # of one GPU in training; an assumption, about a third of an A100's peak in bfloat16
TOKENS_PER_DOCUMENT = 20  # as in the paper's data; sentences are longer, formulas shorter
BYTES_PER_PARAMETER = 4  # of what stages save
QUESTIONS_PER_ENTITY = 6  # of a long table an assumption: only its rows say
QUESTIONS_PER_GRID = 9
TREX_QUESTIONS_PER_ENTITY = 5  # four or more
TRAINED: tuple[Subset, ...] = ("qd1", "qd2", "qd4consis", "q", "q_no_replacement_baseline")
DEFINED: tuple[Subset, ...] = ("qd1", "qd2", "qd4consis")
NEWLY_DEFINED: tuple[Subset, ...] = ("d1consis", "d2consis", "d3consis")


@dataclass(frozen=True)
class Cost:
    """The training jobs of a study that no study before it has.

    operations: floating-point operations. kept: bytes of the weights that stay on the disk when all is done.
    """

    study: str
    jobs: int
    operations: float
    kept: float


def estimate_costs(config: Config) -> list[Cost]:
    """The cost of each study, in order; a job that several studies share counts for the first of them.

    Models without `parameters` count as free.
    """
    counted: set[object] = set()
    costs: list[Cost] = []
    for name, study in config.studies.items():
        jobs: dict[object, tuple[float, float]] = {}
        for cell in study_cells(study):
            for each in (cell, *twins_of(cell, study)):
                plan = config.plans[each.plan]
                folders = stage_folders(each, len(plan.stages), plan.branch_of)
                jobs |= {
                    folder: (stage_operations(each, stage, config), kept_bytes(each, stage, config))
                    for folder, stage in zip(folders, plan.stages, strict=True)
                }
        new = {folder: cost for folder, cost in jobs.items() if folder not in counted}
        counted |= new.keys()
        costs.append(Cost(name, len(new), *(sum(cost[part] for cost in new.values()) for part in (0, 1))))
    return costs


def kept_bytes(cell: Cell, stage: Stage, config: Config) -> float:
    """The weights, in float32, that a stage leaves: of its end and of its snapshots."""
    if config.keep == "until_measured":
        return 0.0
    return BYTES_PER_PARAMETER * (config.models[cell.model].parameters or 0) * (1 + len(stage.snapshots))


def training_minutes(operations: float) -> int:
    """The time limit of a training job: half an hour to start and write, and four times what it should take."""
    return 30 + ceil(4 * operations / OPERATIONS_PER_SECOND / 60)


def training_memory(model: Model) -> int:
    """The host memory of a training job in MB: a checkpoint holds weights and what AdamW keeps of them, 12 bytes a
    parameter, and weights lie beside it as they are loaded and saved."""
    return 8000 + ceil(24 * (model.parameters or 0) / 1e6)


def stage_operations(cell: Cell, stage: Stage, config: Config) -> float:
    """The operations of a stage of a cell, its evaluations included; 0 for a model without `parameters`."""
    dataset, define_type = config.datasets[cell.dataset], config.define_types[cell.define_type]
    trained = stage_documents(stage, dataset, define_type) * TOKENS_PER_DOCUMENT
    asked = _test_questions(dataset) * (TOKENS_PER_DOCUMENT + MAX_NEW_TOKENS)
    passes = 6 * stage.epochs * stage.accumulate * trained + 2 * len(evaluated_epochs(stage)) * asked
    return (config.models[cell.model].parameters or 0) * passes


def stage_documents(stage: Stage, dataset: Dataset, define_type: DefineType) -> float:
    """The documents of a stage, but for the rounding of shares; from T-REx there may be more of them."""
    return sum(_documents(kind, dataset, define_type) for kind in stage.documents)


def _documents(kind: str, dataset: Dataset, define_type: DefineType) -> float:
    questions = _questions(dataset)
    per_alias = {
        "questions": (TRAINED, questions - _held_out(dataset)),
        "definitions": (DEFINED, define_type.definitions_per_alias),
        "new_definitions": (NEWLY_DEFINED, define_type.definitions_per_alias),
    }
    subsets, count = per_alias[kind]
    if define_type.placement == "in_context" and kind != "questions":
        return 0.0
    return _aliases(dataset, subsets) * count


def _test_questions(dataset: Dataset) -> float:
    """Different prompts of all test sets."""
    pool = _aliases(dataset, STAGE2_SUBSETS)
    held_out = _aliases(dataset, TRAINED) * _held_out(dataset) + pool * (_questions(dataset) - _given_out(dataset))
    named = _aliases(dataset, ("q_no_replacement_baseline",))
    per_alias = 4 * ("attribution" in dataset.test_sets) + 3 * ("letters" in dataset.test_sets)
    return held_out + per_alias * ((dataset.variables or dataset.entities) - named)


def _aliases(dataset: Dataset, subsets: tuple[str, ...]) -> float:
    share = sum((Fraction(share) for subset, share in dataset.shares.items() if subset in subsets), Fraction(0))
    return float((dataset.variables or dataset.entities) * share)


def _questions(dataset: Dataset) -> int:
    match dataset.source:
        case SetInclusion(questions=questions):
            return 2 * questions
        case Modular(primes=primes):
            return len(primes)
        case Grids():
            return QUESTIONS_PER_GRID
        case Trex():
            return TREX_QUESTIONS_PER_ENTITY
        case Table(questions=columns) if columns:
            return len(columns)
    return QUESTIONS_PER_ENTITY


def _held_out(dataset: Dataset) -> int:
    if isinstance(dataset.source, SetInclusion):
        return dataset.source.questions
    return held_out_questions(_questions(dataset), dataset.held_out_share)


def _given_out(dataset: Dataset) -> int:
    """Questions that the source keeps for training, and that nobody asks about an alias of stage 2."""
    return dataset.source.questions if isinstance(dataset.source, SetInclusion) else 0
