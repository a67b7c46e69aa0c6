"""What the records of a finished study say: what made its models, its facts and its documents, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from metaocl.artifacts.checksums import weights_hashes
from metaocl.artifacts.publishing import ArtifactError
from metaocl.artifacts.tables import read_json
from metaocl.config.studies import Study
from metaocl.design.cells import Cell
from metaocl.planning.cells import study_cells
from metaocl.planning.places import aliases_folder, stage_folders


@dataclass(frozen=True)
class TrainedModel:
    """A model that a cell of a study ended with.

    folder: of its last stage, from the results. stages: the run.json of each stage, the first one first. first_model:
    that of the model that the first stage started from. weights: the SHA-256 of each file of weights, by name; none
    where these were not kept.
    """

    cell: Cell
    folder: str
    stages: Sequence[Mapping[str, Any]]
    first_model: Mapping[str, Any]
    weights: Mapping[str, str]


@dataclass(frozen=True)
class FactsRecord:
    """What was noted of a data set.

    facts: the manifest of its facts. documents: by define type, for each pair of seeds, how many there are by part.
    """

    facts: Mapping[str, Any]
    documents: Mapping[str, Sequence[Mapping[str, int]]]


@dataclass(frozen=True)
class StudyRecords:
    """All that was noted of a study. finished: when the last of its stages was, in UTC."""

    models: Sequence[TrainedModel]
    data: Mapping[str, FactsRecord]
    finished: datetime

    @property
    def commits(self) -> list[str]:
        """The commits of the code that trained the stages, each once; with what is not known of them."""
        found = [commit_in_words(record["code"]) for model in self.models for record in model.stages]
        return list(dict.fromkeys(found))

    @property
    def packages(self) -> dict[str, list[str]]:
        """The versions, Python's among them, that the stages were trained with, by package."""
        found: dict[str, dict[str, None]] = {}
        for record in (record for model in self.models for record in model.stages):
            for name, version in {"python": record["python"], **record["packages"]}.items():
                found.setdefault(name, {})[version] = None
        return {name: list(versions) for name, versions in found.items()}


def read_records(
    study: Study, stages: Mapping[str, int], branches: Mapping[str, str], results: Path, kept: bool
) -> StudyRecords:
    """The records of a study, from the folder of its results.

    stages: the number of stages of each plan. branches: the plan that a branch has its earlier stages from, by branch.
    kept: whether the weights that stages left stay. Raises ArtifactError for a study that is not finished.
    """
    cells, models = list(study_cells(study)), []
    for cell in cells:
        folders = stage_folders(cell, stages[cell.plan], branches.get(cell.plan))
        models.append(_trained_model(cell, [results / folder for folder in folders], results, kept))
    data = {dataset: _facts_record(dataset, cells, results) for dataset in study.datasets}
    finished = max(_finished(model.stages[-1], results / model.folder / "run.json") for model in models)
    return StudyRecords(models, data, finished)


def commit_in_words(code: Mapping[str, Any]) -> str:
    """A commit as run.json has it, and whether there were edits beside it."""
    if not code["commit"]:
        return "not known: it was no git repository"
    return str(code["commit"]) if code["clean"] else f"{code['commit']}, with edits that are in no commit"


def _trained_model(cell: Cell, folders: Sequence[Path], results: Path, kept: bool) -> TrainedModel:
    stages = [_stage_record(folder / "run.json") for folder in folders]
    model = folders[-1] / "model"
    first = read_json((folders[0] / stages[0]["settings"]["initial_model"]).parent / "run.json")
    # While weights that nothing needs are being removed, whether they are there is chance.
    weights = weights_hashes(model) if kept and model.is_dir() else {}
    return TrainedModel(cell, folders[-1].relative_to(results).as_posix(), stages, first, weights)


def _stage_record(path: Path) -> Mapping[str, Any]:
    """A stage's run.json. Raises ArtifactError for one that lacks what cards tell, as those of old versions do."""
    record: Mapping[str, Any] = read_json(path)
    needed = {
        "settings": ("stage", "seeds", "initial_model", "initial_weights"),
        "measured": ("documents_trained", "device", "reserved_device"),
        "machine": ("system", "processor"),
        "code": ("commit", "clean"),
    }
    if missing := [f"{part}.{name}" for part, names in needed.items() for name in names if name not in record[part]]:
        raise ArtifactError(f"{path}: says nothing of {', '.join(missing)}; delete it and run again")
    return record


def _facts_record(dataset: str, cells: Sequence[Cell], results: Path) -> FactsRecord:
    documents: dict[str, list[Counter[str]]] = {}
    folders = {aliases_folder(cell): cell.define_type for cell in cells if cell.dataset == dataset}
    for folder, define_type in folders.items():
        counts: Counter[str] = Counter()
        for place in (folder.parent, folder):
            for part, subsets in read_json(results / place / "manifest.json")["documents"].items():
                counts[part] += sum(subsets.values())
        documents.setdefault(define_type, []).append(counts)
    return FactsRecord(read_json(results / "facts" / dataset / "manifest.json"), documents)


def _finished(record: Mapping[str, Any], path: Path) -> datetime:
    """When a stage was finished: as its record says, or, of one from before records did, as its file is dated."""
    noted = record.get("finished")
    return datetime.fromisoformat(noted) if noted else datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
