"""Measure memory and time of tabulating and reading a T-REx of full size: python scripts/benchmarks/trex_memory.py

The 11 million triples are made up, and worse than the real ones: all of them are different and have a predicate that
is kept, where of the real ones a fraction has. They take 4 GB of disk for a few minutes, in the folder for temporary
files. Exits with status 1 if a step takes more memory than LIMIT.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"
FILES = 440
DOCUMENTS = 5_000
TRIPLES_PER_DOCUMENT = 5
PREDICATES = ["P31", "P50", "P57", "P86", "P123", "P136", "P179", "P407", "P577", "P840"]
ENTITIES = 6_900
LIMIT = 4 * 2**30

READ = """
import sys
from pathlib import Path
from metaocl.facts.trex import read_trex
facts = read_trex(int(sys.argv[1]), Path(sys.argv[2]))
print(f"{len(facts):,} facts")
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data, table = Path(folder, "trex"), Path(folder, "triples.parquet")
        data.mkdir()
        for number in range(FILES):
            write_file(data / f"re-nlg_{number}.json", number)
        tabulate = [SCRIPTS / "tabulate_trex.py", "--data", data, "--triples", table]
        peaks = [
            measure("tabulate_trex", *tabulate, "--manifest", Path(folder, "manifest.json"), "--log", os.devnull),
            measure("read_trex", "-c", READ, str(ENTITIES), table),
        ]
        print(f"table: {table.stat().st_size / 2**20:.0f} MiB;", Path(folder, "manifest.json").read_text())
    if max(peaks) > LIMIT:
        sys.exit(f"more than {LIMIT / 2**30:.0f} GiB")


def write_file(path: Path, number: int) -> None:
    """One file in the form of T-REx's, with the fields that have most of its bytes."""
    random.seed(number)
    documents = [
        {
            "docid": f"http://www.wikidata.org/entity/Q{number}{index}",
            "text": "A made-up abstract of an encyclopedia's article. " * 5,
            "words_boundaries": [[6 * word, 6 * word + 5] for word in range(40)],
            "triples": [
                {
                    "subject": entity(f"The Work of Number {number * DOCUMENTS + index}"),
                    "predicate": {"uri": f"http://www.wikidata.org/prop/direct/{predicate}", "surfaceform": None},
                    "object": entity(f"Answer {random.randrange(10**9)} in {random.randrange(1500, 2020)}"),
                }
                for predicate in random.sample(PREDICATES, TRIPLES_PER_DOCUMENT)
            ],
        }
        for index in range(DOCUMENTS)
    ]
    path.write_text(json.dumps(documents), encoding="utf-8")


def entity(text: str) -> dict[str, str]:
    return {"surfaceform": text, "uri": "http://www.wikidata.org/entity/Q1", "annotator": "made up"}


def measure(label: str, *arguments: str | Path) -> int:
    """Run Python with arguments; print its seconds and its peak memory, which is returned, in bytes."""
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, *arguments], env=os.environ | {"PYTHONPATH": str(SCRIPTS)})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{label} failed")
    peak = usage.ru_maxrss * 1024  # Linux counts in KiB
    print(f"{label}: {time.monotonic() - start:.0f} s, {peak / 2**30:.2f} GiB")
    return peak


if __name__ == "__main__":
    main()
