"""A finished study as one zip to give to others: an RO-Crate of results, settings, verdicts, cards and environment.

The same results give the same bytes: entries are sorted and have no dates of their own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import yaml

from metaocl.artifacts.checksums import CHECKSUMS, file_hash
from metaocl.artifacts.publishing import ArtifactError
from metaocl.claims.entries import Claim
from metaocl.config.configuration import Config
from metaocl.errors import UserError
from metaocl.planning.cells import axis_values
from metaocl.planning.places import RESULTS
from metaocl.planning.targets import study_results, study_tables
from metaocl.reports.cards import data_card, final_metrics, model_card
from metaocl.reports.crates import METADATA, crate_metadata
from metaocl.reports.records import StudyRecords, read_records
from metaocl.reports.verdicts import judge_all
from metaocl.studies import StudyTables, read_study

# What the zip holds, by name: a file that is there, or a text.
Contents = dict[str, Path | str]
CARD = "README.md"


def write_archive(
    settings: Mapping[str, Any],
    config: Config,
    results: Path,
    claims: Sequence[Claim],
    about: Sequence[Path],
    place: Path,
) -> None:
    """Write the zip of the one study of a configuration.

    settings: the configuration as `metaocl.planning.single_study` gives it; config: its typed form. results: the folder
    of its results. claims: those that are judged where they name the study. about: files on the code, CITATION.cff
    among them. Raises ArtifactError for a study that is not finished, UserError, OSError.
    """
    study = read_study(results, config.study)
    records = read_records(config.study, config, results)
    contents = {
        **_results(config, results),
        **_verdicts(config, claims, study),
        **_cards(config, study, records),
        **{path.name: path for path in about},
        "settings.yaml": yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True),
    }
    hashes = {name: _sha256(contents[name]) for name in sorted(contents)}
    files = {name: {"sha256": hashes[name], "contentSize": str(_size(contents[name]))} for name in hashes}
    metadata = crate_metadata(config.study, config, records, _citation(about), files | {CHECKSUMS: {}})
    contents[METADATA] = json.dumps(metadata, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    hashes[METADATA] = _sha256(contents[METADATA])
    contents[CHECKSUMS] = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    _write_zip(contents, place)


def _results(config: Config, results: Path) -> Contents:
    """All that the study was run for, and its tables as `read_study` reads them; where they lie in the results."""
    targets = [*study_results(config.study, config), *study_tables(config.study)]
    names = [target.removeprefix(f"{RESULTS}/") for target in targets]
    for name in names:
        if not (results / name).is_file():
            raise ArtifactError(f"{results / name}: is missing, so the study is not finished; run snakemake to make it")
    return {name: results / name for name in names}


def _verdicts(config: Config, claims: Sequence[Claim], study: StudyTables) -> Contents:
    """The verdicts on the claims that name the study; nothing where none does."""
    name = config.study
    if not (judged := [claim for claim in claims if claim.study == name]):
        return {}
    axes = {name: axis_values(config.studies[name], config)}
    words = {model: settings.in_words() for model, settings in config.models.items()}
    table, page = judge_all(judged, {name: study.gaps}, axes, words)
    return {"tables/claims.csv": table.to_csv(index=False), "summaries/claims.md": page}


def _cards(config: Config, study: StudyTables, records: StudyRecords) -> Contents:
    """A card for each data set and each model, where that lies in the results."""
    name, data = config.study, records.data
    credits, measured = {dataset: each.facts["credit"] for dataset, each in data.items()}, final_metrics(study.metrics)
    if unmeasured := [model.folder for model in records.models if model.cell not in measured]:
        raise ArtifactError(f"the study's metrics have no row of {unmeasured[0]}; make them again")
    return {
        **{f"facts/{dataset}/{CARD}": data_card(dataset, name, config, record) for dataset, record in data.items()},
        **{
            f"{model.folder}/{CARD}": model_card(model, name, config, measured[model.cell], credits[model.cell.dataset])
            for model in records.models
        },
    }


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
                with content.open("rb") as file, archive.open(entry, "w") as packed:
                    shutil.copyfileobj(file, packed)
