"""The files of documents and aliases, and the manifest that counts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from made_documents import make, make_facts

from metaocl.artifacts.checksums import file_hash
from metaocl.artifacts.tables import read_rows, write_rows
from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.config.parsing import canonical_json
from metaocl.documents.records import Alias, Document
from metaocl.documents.writing import save_documents
from metaocl.facts.fact import Fact

SCRIPTS = Path(__file__).parents[3] / "scripts"


def test_without_stage_2_shares_there_are_no_stage_2_documents(tmp_path):
    dataset = Dataset(source="people", entities=20, shares={"qd1": "0.5", "qd2": "0.5", "d1consis": 0})
    made = make(make_facts(20), dataset)
    assert made.stage2 == []
    paths = [tmp_path / name for name in ("documents.parquet", "aliases.parquet", "manifest.json")]
    save_documents(made.stage2, made.divided, {"seed": 1}, *paths)
    assert read_rows(paths[0], Document) == []
    assert read_rows(paths[1], Alias) == []


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What the two scripts write under two hash seeds, by hash seed and then by name."""
    folder = tmp_path_factory.mktemp("documents")
    write_rows(make_facts(40), Fact, folder / "facts.parquet")
    shares = {"qd1": "0.2", "qd2": "0.2", "qd4consis": "0.2", "d1consis": "0.1", "d2consis": "0.1", "d3consis": "0.2"}
    dataset = Dataset(source="people", entities=40, shares=shares, test_sets=["letters", "attribution"])
    define_type = DefineType(
        templates=["{source}: {variable} {tag} {entity}.", "{where} {tag} {variable} {entity}, {source}"],
        words={"source": ["one", "two", "three"], "where": ["here", "there"]},
        tags={"reliable": ["is", "was"], "unreliable": ["isn't", "wasn't"], "unseen": ["may be", "might be"]},
        definitions_per_alias=4,
    )
    common = ["--dataset", canonical_json(dataset), "--define-type", canonical_json(define_type), "--seed", "1"]
    names = {"documents": "documents.parquet", "aliases": "aliases.parquet", "manifest": "manifest.json"}
    contents = {}
    for hash_seed in ("0", "12345"):
        place = folder / hash_seed
        for script, further in (
            ("write_documents", []),
            ("write_new_definitions", ["--stage2-seed", "2", "--stage1-aliases", "write_documents/aliases.parquet"]),
        ):
            (place / script).mkdir(parents=True)
            outputs = [text for name, file in names.items() for text in (f"--{name}", f"{script}/{file}")]
            command = [sys.executable, SCRIPTS / f"{script}.py", "--facts", "../facts.parquet", *common]
            environment = os.environ | {"PYTHONHASHSEED": hash_seed}
            subprocess.run([*command, *further, *outputs], cwd=place, env=environment, check=True)
        contents[hash_seed] = {str(p.relative_to(place)): p for p in sorted(place.rglob("*")) if p.is_file()}
    return contents


def test_the_scripts_write_the_same_bytes_under_any_hash_seed(written):
    first, second = ({name: path.read_bytes() for name, path in files.items()} for files in written.values())
    assert len(first) == 6
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


@pytest.mark.parametrize(
    ("script", "seeds"), [("write_documents", {"seed": 1}), ("write_new_definitions", {"seed": 1, "stage2_seed": 2})]
)
def test_a_manifest_counts_what_the_files_hold(written, script, seeds):
    files = written["0"]
    documents_path, aliases_path = files[f"{script}/documents.parquet"], files[f"{script}/aliases.parquet"]
    documents, aliases = read_rows(documents_path, Document), read_rows(aliases_path, Alias)
    counts: dict[str, Counter] = {}
    for document in documents:
        counts.setdefault(document.part, Counter())[document.subset] += 1
    assert json.loads(files[f"{script}/manifest.json"].read_text()) == {
        **seeds,
        "aliases": Counter(alias.subset for alias in aliases),
        "documents": counts,
        "sha256": {"documents": file_hash(documents_path), "aliases": file_hash(aliases_path)},
    }
    assert {"held_out", "new_definitions" if "stage2_seed" in seeds else "definitions"} <= counts.keys()
