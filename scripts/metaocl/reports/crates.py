"""An RO-Crate of a study: which files there are, what each is, and what made them (https://www.researchobject.org/ro-crate)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from metaocl.config.configuration import Config
from metaocl.reports.cards import licence_of
from metaocl.reports.records import StudyRecords

METADATA = "ro-crate-metadata.json"
ENCODINGS = {
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
PLAIN = "text/plain"  # of a name without an ending
MIT = "https://spdx.org/licenses/MIT"


def crate_metadata(
    study: str,
    config: Config,
    records: StudyRecords,
    citation: Mapping[str, Any],
    files: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """The content of a crate's ro-crate-metadata.json.

    citation: the content of CITATION.cff. files: by their names in the crate, sorted, what is said of each: `name`, and
    `sha256` and `contentSize` where they are known.
    """
    crate = ROCrate()
    crate.name = f"Study {study} of metaocl"
    crate.description = config.studies[study].description or "An experiment on out-of-context meta-learning."
    crate.datePublished = records.finished
    crate.root_dataset["keywords"] = ["out-of-context learning", "meta-learning", "language models"]
    crate.license = _add(crate, "#licence", "CreativeWork", **_licence(records))
    made = [crate.add_file(dest_path=name, properties=_properties(name, said)) for name, said in files.items()]
    for entity in made:
        entity["encodingFormat"] = ENCODINGS.get(PurePosixPath(entity.id).suffix, PLAIN)
    paper = citation["references"][0]
    article = _add(crate, paper["url"], "ScholarlyArticle", name=paper["title"], datePublished=str(paper["year"]))
    crate.root_dataset["citation"] = article
    crate.root_dataset["isBasedOn"] = [_source(crate, name, records) for name in records.data]
    action = crate.add_action(
        _software(crate, citation, records),
        "#run",
        object=[crate.get("settings.yaml"), *crate.root_dataset["isBasedOn"]],
        result=[entity for entity in made if entity.id.startswith(("tables/", "figures/", "summaries/"))],
        properties={
            "name": f"The run of study {study}: data, training of {len(records.models)} cells, statistics and figures",
            "endTime": records.finished.isoformat(),
            "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        },
    )
    crate.root_dataset["mentions"] = action
    metadata: dict[str, Any] = crate.metadata.generate()
    return metadata


def _properties(name: str, said: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, **said}


def _add(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> ContextEntity:
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def _licence(records: StudyRecords) -> dict[str, str]:
    credits = "; ".join(f"{name}: {record.facts['credit']}" for name, record in records.data.items())
    return {
        "name": "No licence of these results is recorded",
        "description": "Whoever publishes them names one. The code that made them has the licence in the file LICENSE."
        f" The facts that they speak of: {credits}.",
    }


def _source(crate: ROCrate, dataset: str, records: StudyRecords) -> ContextEntity:
    """The facts of a data set, which the crate describes and does not hold."""
    facts = records.data[dataset].facts
    source = _add(
        crate,
        f"#facts-{dataset}",
        "CreativeWork",
        name=f"Facts of the data set {dataset}",
        description=f"{facts['facts']} questions about {facts['entities']} entities",
        creditText=facts["credit"],
        sha256=facts["sha256"],
    )
    if licence := licence_of(facts["credit"]):
        source["license"] = _add(crate, licence[1], "CreativeWork", name=licence[0])
    return source


def _software(crate: ROCrate, citation: Mapping[str, Any], records: StudyRecords) -> ContextEntity:
    """The workflow at the commits that trained the study, and the packages that it was trained with."""
    packages = [
        _add(crate, f"#{name}-{version}", "SoftwareApplication", name=name, softwareVersion=version)
        for name, versions in records.packages.items()
        for version in versions
    ]
    return _add(
        crate,
        "#metaocl",
        "SoftwareApplication",
        name=citation["title"],
        softwareVersion=f"{citation['version']}; commit {'; '.join(records.commits)}",
        license=_add(crate, MIT, "CreativeWork", name="MIT License"),
        softwareRequirements=packages,
    )
