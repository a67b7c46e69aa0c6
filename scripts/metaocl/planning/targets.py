"""What a study is run for: its tables, figures and pages, and the runs that they are made from."""

from __future__ import annotations

from itertools import product

from metaocl.config.configuration import Config
from metaocl.planning.cells import study_cells
from metaocl.planning.places import RESULTS, aliases_folder, stage_folders

TABLES = ("metrics", "effects", "gaps")
FORMATS = ("pdf", "svg", "png")


def study_runs(study: str, config: Config) -> list[str]:
    """The metrics of all stages and the stage-2 aliases of every cell of a study, each once."""
    files: dict[str, None] = {}
    for cell in study_cells(config.studies[study]):
        for folder in stage_folders(cell, len(config.plans[cell.plan].stages)):
            files[f"{RESULTS}/{folder}/metrics.parquet"] = None
        files[f"{RESULTS}/{aliases_folder(cell)}/aliases.parquet"] = None
    return list(files)


def study_documents(study: str, config: Config) -> list[str]:
    """The documents of every cell of a study, each once."""
    folders = {aliases_folder(cell): None for cell in study_cells(config.studies[study])}
    earlier = {folder.parent: None for folder in folders}
    return [f"{RESULTS}/{folder}/documents.parquet" for folder in [*earlier, *folders]]


def study_figures(study: str, config: Config) -> list[str]:
    """The figures of a study; that of the gaps only where it varies something."""
    figures = ["training_curves", "gaps"] if config.studies[study].axis else ["training_curves"]
    return [f"{RESULTS}/figures/{study}/{figure}.{ending}" for figure, ending in product(figures, FORMATS)]


def study_results(study: str, config: Config) -> list[str]:
    """Everything that a study is run for."""
    return [
        *(f"{RESULTS}/tables/{study}/{table}.csv" for table in TABLES),
        *(f"{RESULTS}/facts/{dataset}/guessability.csv" for dataset in config.studies[study].datasets),
        *study_figures(study, config),
        f"{RESULTS}/summaries/{study}.md",
        f"{RESULTS}/summaries/{study}.json",
    ]


def findings(summary: str) -> list[str]:
    """The lines of a study's page that say what was found."""
    return [line for line in summary.splitlines() if line.startswith("- **")]
