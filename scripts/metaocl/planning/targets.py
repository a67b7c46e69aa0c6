"""What a study is run for: its tables, figures and pages, and the runs that they are made from."""

from __future__ import annotations

from itertools import product
from pathlib import PurePosixPath

from metaocl.config.configuration import Config
from metaocl.config.measurements import Alignment, QuestionLoss
from metaocl.design.cells import Cell
from metaocl.planning.cells import pictured_cell, study_cells, twins_of
from metaocl.planning.places import RESULTS, aliases_folder, measurement_file, stage_folders

TABLES = ("metrics", "effects", "gaps")
FORMATS = ("pdf", "svg", "png")


def study_runs(study: str, config: Config) -> list[str]:
    """The metrics of all stages and the stage-2 aliases of every cell of a study, each once."""
    files: dict[str, None] = {}
    for cell in study_cells(config.studies[study]):
        for each in (cell, *twins_of(cell, config.studies[study])):
            plan = config.plans[each.plan]
            folders = stage_folders(each, len(plan.stages), plan.branch_of)
            for folder in folders:
                files[f"{RESULTS}/{folder}/metrics.parquet"] = None
            for measurement in _measurements(each, study, config):
                files[f"{RESULTS}/{measurement_file(folders[-1], measurement)}"] = None
        files[f"{RESULTS}/{aliases_folder(cell)}/aliases.parquet"] = None
    return list(files)


def study_histories(study: str, config: Config) -> list[str]:
    """The tables of steps of all stages of every cell of a study, each once."""
    return [f"{RESULTS}/{folder}/history.parquet" for folder in _folders_of_stages(study, config)]


def study_answers(study: str, config: Config) -> list[str]:
    """What stages leave but models: answers, steps and records of every cell of a study, and its aliases, each once."""
    left = ("answers.parquet", "history.parquet", "run.json")
    stage_files = [f"{RESULTS}/{folder}/{name}" for folder in _folders_of_stages(study, config) for name in left]
    divided = {aliases_folder(cell): None for cell in study_cells(config.studies[study])}
    drawn = {folder.parent: None for folder in divided}
    return [*stage_files, *(f"{RESULTS}/{folder}/aliases.parquet" for folder in [*drawn, *divided])]


def _folders_of_stages(study: str, config: Config) -> list[PurePosixPath]:
    """The folders of all stages of every cell of a study, each once."""
    folders = {
        folder: None
        for cell in study_cells(config.studies[study])
        for plan in [config.plans[cell.plan]]
        for folder in stage_folders(cell, len(plan.stages), plan.branch_of)
    }
    return list(folders)


def study_records(study: str, config: Config) -> list[str]:
    """What was noted of the last stages, the facts and the documents of every cell of a study, each once."""
    files: dict[str, None] = {}
    for cell in study_cells(config.studies[study]):
        plan, documents = config.plans[cell.plan], aliases_folder(cell)
        last = stage_folders(cell, len(plan.stages), plan.branch_of)[-1]
        files |= dict.fromkeys([f"{RESULTS}/{last}/run.json", f"{RESULTS}/facts/{cell.dataset}/manifest.json"])
        files |= dict.fromkeys(f"{RESULTS}/{folder}/manifest.json" for folder in (documents.parent, documents))
    return list(files)


def study_tables(study: str) -> list[str]:
    """The tables of a study in the form in which programs read them."""
    return [f"{RESULTS}/tables/{study}/{table}.parquet" for table in TABLES]


def _measurements(cell: Cell, study: str, config: Config) -> list[str]:
    """What is measured of a cell: all that the study asks for; of a twin, only what speaks of its last stage."""
    asked = config.studies[study].measurements
    is_twin = cell.plan not in config.studies[study].plans
    return [name for name in asked if not is_twin or isinstance(config.measurements[name], QuestionLoss)]


def related_measurements(study: str, config: Config) -> tuple[str, str] | None:
    """The measurements, of alignment and of questions' losses, that a study of pairs relates, if it has both."""
    settings = config.studies[study]
    asked = {type(config.measurements[name]): name for name in reversed(settings.measurements)}
    found = asked.get(Alignment), asked.get(QuestionLoss)
    return (found[0], found[1]) if settings.paired and found[0] and found[1] else None


def study_documents(study: str, config: Config) -> list[str]:
    """The documents of every cell of a study, each once."""
    folders = {aliases_folder(cell): None for cell in study_cells(config.studies[study])}
    earlier = {folder.parent: None for folder in folders}
    return [f"{RESULTS}/{folder}/documents.parquet" for folder in [*earlier, *folders]]


def study_figures(study: str, config: Config) -> list[str]:
    """The figures of a study; that of the gaps only where it varies something, of relations where it has pairs and
    alignment, of examples where a model reads images."""
    settings = config.studies[study]
    aligned = any(isinstance(config.measurements[name], Alignment) for name in settings.measurements)
    figures = ["training_curves", *(["gaps"] if settings.axis else [])]
    figures += ["relations"] if settings.paired and aligned else []
    figures += ["examples"] if pictured_cell(settings, config) else []
    return [f"{RESULTS}/figures/{study}/{figure}.{ending}" for figure, ending in product(figures, FORMATS)]


def study_results(study: str, config: Config) -> list[str]:
    """Everything that a study is run for."""
    return [
        *(f"{RESULTS}/tables/{study}/{table}.csv" for table in TABLES),
        *([f"{RESULTS}/tables/{study}/alias_relations.csv"] if related_measurements(study, config) else []),
        *(f"{RESULTS}/facts/{dataset}/guessability.csv" for dataset in config.studies[study].datasets),
        *study_figures(study, config),
        f"{RESULTS}/summaries/{study}.md",
        f"{RESULTS}/summaries/{study}.json",
    ]


def findings(summary: str) -> list[str]:
    """The lines of a study's page that say what was found."""
    return [line for line in summary.splitlines() if line.startswith("- **")]
