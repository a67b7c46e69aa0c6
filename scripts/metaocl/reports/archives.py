"""A finished study as one zip to give to others: an RO-Crate of results, settings, verdicts, cards and environment.

The same results give the same bytes: entries are sorted and have no dates of their own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import yaml

from metaocl.artifacts.checksums import CHECKSUMS, file_hash
from metaocl.artifacts.publishing import ArtifactError
from metaocl.config.claims import Claim, as_file
from metaocl.config.studies import Study
from metaocl.config.yaml_files import as_yaml
from metaocl.errors import UserError
from metaocl.reports.cards import data_card, final_metrics, model_card
from metaocl.reports.crates import METADATA, crate_metadata
from metaocl.reports.records import StudyRecords, read_records
from metaocl.reports.verdicts import judge_all
from metaocl.studies import StudyTables, read_study

# What the zip holds, by name: a file that is there, or a text.
Contents = dict[str, Path | str]
CARD = "README.md"


@dataclass(frozen=True)
class FinishedStudy:
    """A study as its archive needs it.

    settings: the configuration as `metaocl.planning.single_study` gives it. study, stages, branches, results: as
    `add_study_arguments` has them. files: all that the study was run for, and its tables in the form in which
    `read_study` reads them. models: what each model is, in words. axis: what the study varies, as `judge` takes it.
    """

    settings: Mapping[str, Any]
    study: Study
    stages: Mapping[str, int]
    branches: Mapping[str, str]
    results: Path
    files: Sequence[Path]
    models: Mapping[str, str]
    axis: Mapping[str, float | str]

    @property
    def name(self) -> str:
        return str(self.settings["study"])


def write_archive(finished: FinishedStudy, claims: Sequence[Claim], about: Sequence[Path], place: Path) -> None:
    """Write the zip of a study.

    claims: those that are judged where they name the study. about: files on the code, CITATION.cff among them. Raises
    ArtifactError for a study that is not finished, UserError, OSError.
    """
    tables = read_study(finished.results, finished.name)
    kept = finished.settings["keep"] == "all"
    records = read_records(finished.study, finished.stages, finished.branches, finished.results, kept)
    contents: Contents = {
        **{path.relative_to(finished.results).as_posix(): path for path in finished.files},
        **_verdicts(finished, claims, tables),
        **_cards(finished, tables, records),
        **{path.name: path for path in about},
        "settings.yaml": as_yaml(finished.settings),
    }
    hashes = {name: _sha256(contents[name]) for name in sorted(contents)}
    files = {name: {"sha256": hashes[name], "contentSize": str(_size(contents[name]))} for name in hashes}
    description = finished.settings["studies"][finished.name]["description"]
    metadata = crate_metadata(finished.name, description, records, _citation(about), files | {CHECKSUMS: {}})
    contents[METADATA] = json.dumps(metadata, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    hashes[METADATA] = _sha256(contents[METADATA])
    contents[CHECKSUMS] = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    _write_zip(contents, place)


def _verdicts(finished: FinishedStudy, claims: Sequence[Claim], tables: StudyTables) -> Contents:
    """The claims that name the study, and the verdicts on them; nothing where none does."""
    name = finished.name
    if not (judged := [claim for claim in claims if claim.study == name]):
        return {}
    table, page = judge_all(judged, {name: tables.gaps}, {name: finished.axis}, finished.models)
    stated = as_yaml(as_file(judged))
    return {"claims.yaml": stated, "tables/claims.csv": table.to_csv(index=False), "summaries/claims.md": page}


def _cards(finished: FinishedStudy, tables: StudyTables, records: StudyRecords) -> Contents:
    """A card for each data set and each model, where that lies in the results."""
    settings, data, measured = finished.settings, records.data, final_metrics(tables.metrics)
    cards: Contents = {f"facts/{name}/{CARD}": data_card(name, settings, record) for name, record in data.items()}
    for model in records.models:
        if model.cell not in measured:
            raise ArtifactError(f"the study's metrics have no row of {model.folder}; make them again")
        words, credit = finished.models[model.cell.model], data[model.cell.dataset].facts["credit"]
        cards[f"{model.folder}/{CARD}"] = model_card(model, settings, words, measured[model.cell], credit)
    return cards


def _citation(about: Sequence[Path]) -> dict[str, Any]:
    (path,) = [path for path in about if path.suffix == ".cff"]
    try:
        citation: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return citation
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None


def _sha256(content: Path | str) -> str:
    return file_hash(content) if isinstance(content, Path) else hashlib.sha256(content.encode()).hexdigest()


def _size(content: Path | str) -> int:
    """Bytes."""
    return content.stat().st_size if isinstance(content, Path) else len(content.encode())


def _write_zip(contents: Contents, place: Path) -> None:
    with ZipFile(place, "w", ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            entry, content = ZipInfo(name), contents[name]  # dated 1980-01-01
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
            if isinstance(content, str):
                archive.writestr(entry, content)
            else:
                entry.file_size = _size(content)  # from 2 GiB on the entry must be begun in another form (ZIP64)
                with content.open("rb") as file, archive.open(entry, "w") as packed:
                    shutil.copyfileobj(file, packed)
