"""Cells of a study.

A study is a grid of cells; a cell is one combination of data set, define type, model, plan and seeds. The Snakefile
asks here for its targets, and the collector for the files to read, so that both see the same grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from metaocl.config.configuration import Config
from metaocl.config.plans import swapped_plan
from metaocl.config.studies import Study
from metaocl.design.cells import Cell


def study_cells(study: Study) -> Iterator[Cell]:
    """The cells of a study, in the order of its lists."""
    axes = (study.datasets, study.define_types, study.models, study.plans, study.seeds, study.stage2_seeds)
    return (Cell(*combination) for combination in product(*axes))


def pictured_cell(study: Study, config: Config) -> Cell | None:
    """The first cell of a study whose model reads images, if it has one: its documents are shown as pictures."""
    return next((cell for cell in study_cells(study) if config.models[cell.model].convnet), None)


def first_with_facts_of(dataset: str, config: Config) -> str:
    """The first data set with the same facts as this one: they start from the same models."""
    settings = config.datasets[dataset]
    wanted = (settings.source, settings.entities)
    return next(name for name, other in config.datasets.items() if (other.source, other.entities) == wanted)


def twins_of(cell: Cell, study: Study) -> list[Cell]:
    """The cell's twin with swapped tags, in a study of pairs."""
    return [replace(cell, plan=swapped_plan(cell.plan))] if study.paired else []


def axis_values(study: Study, config: Config) -> dict[str, float | str]:
    """What the study varies, as a number or a name, for each combination `dataset/define_type/model/plan`."""

    def value(cell: Cell) -> float | str:
        match study.axis:
            case "alpha":
                return config.define_types[cell.define_type].alpha
            case "model_size":
                return config.models[cell.model].parameters or 0
            case "batch_size":
                return config.plans[cell.plan].stages[-1].batch_size * config.plans[cell.plan].stages[-1].accumulate
            case "entities":
                dataset = config.datasets[cell.dataset]
                return dataset.variables or dataset.entities
            case "plan":
                return cell.plan
        return cell.define_type

    cells = study_cells(study)
    return {f"{cell.dataset}/{cell.define_type}/{cell.model}/{cell.plan}": value(cell) for cell in cells}
