"""An RO-Crate of a study: which files there are, what each is, and what made them (https://www.researchobject.org/ro-crate)."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

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
# What files are, by their names; the first pattern that fits.
DESCRIPTIONS = {
    "facts/*/README.md": "The card of a data set, as the Hugging Face hub shows it",
    "facts/*/guessability.csv": "How well the answers of a data set can be guessed from each other",
    "stages/*/README.md": "The card of the model that a cell ended with, as the Hugging Face hub shows it",
    "tables/*/metrics.*": "A row per run, stage, epoch, test set, subset and measure, with its questions and its value",
    "tables/*/effects.*": "A row per cell, measure and contrast: mean over stage-1 seeds, interval and tests",
    "tables/*/gaps.*": "A row per cell, measure, contrast and stage-1 seed",
    "tables/*/alias_relations.csv": "How alignment goes with the effect over aliases",
    "claims.yaml": "The claims that this study tests, which the workflow takes as well: claims: [claims.yaml]",
    "*/claims.*": "The verdicts on the claims that this study tests",
    "figures/*": "A figure of the study",
    "summaries/*": "What the study found",
    "settings.yaml": "The study's configuration with all defaults, which the workflow takes: snakemake --configfile",
    "environment.yml": "The packages that the code needs, to the version",
    "CITATION.cff": "How to cite the code, and the paper that it reproduces",
    "LICENSE": "The licence of the code",
    "SHA256SUMS": "The SHA-256 of every other file, for sha256sum --check",
}
MIT = "https://spdx.org/licenses/MIT"
PYTHON = "https://www.python.org/"


def crate_metadata(
    study: str,
    description: str,
    records: StudyRecords,
    citation: Mapping[str, Any],
    files: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """The content of a crate's ro-crate-metadata.json.

    citation: the content of CITATION.cff. files: by their names in the crate, sorted, what is said of each: `name`, and
    `sha256` and `contentSize` where they are known.
    """
    crate = ROCrate()
    crate.metadata["name"] = "What this archive holds, and what made it"
    crate.name = f"Study {study} of metaocl"
    crate.description = description or "An experiment on out-of-context meta-learning."
    crate.datePublished = records.finished
    crate.root_dataset["keywords"] = ["out-of-context learning", "meta-learning", "language models"]
    crate.license = _add(crate, "#licence", "CreativeWork", **_licence(records))
    made = [crate.add_file(dest_path=name, properties={**_described(name), **said}) for name, said in files.items()]
    paper = citation["references"][0]
    article = _add(crate, paper["url"], "ScholarlyArticle", name=paper["title"], datePublished=str(paper["year"]))
    crate.root_dataset["citation"] = article
    sources = [_source(crate, name, records) for name in records.data]
    crate.root_dataset["isBasedOn"] = sources if len(sources) > 1 else sources[0]
    action = crate.add_action(
        _software(crate, citation, records),
        "#run",
        object=[crate.get("settings.yaml"), *sources],
        result=[entity for entity in made if entity.id.startswith(("tables/", "figures/", "summaries/"))],
        properties={
            "name": f"The run of study {study}",
            "description": f"Data, training of {len(records.models)} cells, statistics and figures",
            "endTime": records.finished.isoformat(),
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )
    crate.root_dataset["mentions"] = action
    metadata: dict[str, Any] = crate.metadata.generate()
    return metadata


def _described(name: str) -> dict[str, str]:
    description = next(words for pattern, words in DESCRIPTIONS.items() if fnmatchcase(name, pattern))
    encoding = ENCODINGS.get(PurePosixPath(name).suffix, PLAIN)
    return {"name": name, "description": description, "encodingFormat": encoding}


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
        words = "The Creative Commons licence that the credit of the facts names"
        source["license"] = _add(crate, licence[1], "CreativeWork", name=licence[0], description=words)
    return source


def _software(crate: ROCrate, citation: Mapping[str, Any], records: StudyRecords) -> ContextEntity:
    """The workflow at the commits that trained the study, and the packages that it was trained with."""
    packages = []
    for name, version in ((name, version) for name, versions in records.packages.items() for version in versions):
        address = PYTHON if name == "python" else f"https://pypi.org/project/{name}/"
        identifier = f"{address}#{version}"
        packages.append(_add(crate, identifier, "SoftwareApplication", name=name, version=version, url=address))
    return _add(
        crate,
        "#metaocl",
        "SoftwareApplication",
        name=citation["title"],
        url=citation.get("repository-code", "CITATION.cff"),  # which tells of the code while it has no address
        version=f"{citation['version']}; commit {'; '.join(records.commits)}",
        license=_add(crate, MIT, "CreativeWork", name="MIT License", description="The licence of the code"),
        softwareRequirements=packages,
    )
