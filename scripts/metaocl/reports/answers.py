"""Every answer of a study's stages, packed for the study's page: what comes again and again is there once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaocl.artifacts.tables import read_rows, read_table
from metaocl.config.studies import Study
from metaocl.design.cells import Cell
from metaocl.design.subsets import STAGE2_POOL, SWAPPED
from metaocl.documents.records import Alias
from metaocl.planning.cells import study_cells
from metaocl.planning.places import aliases_folder, stage_folders

MOST_BYTES = 10_000_000  # of the answers in a page: about 300,000, which a browser still searches while one types

# A text; an alias as its text, the name that it stands for and the one that it is defined as; a question in pieces.
Thing = str | None | tuple[str | None, ...]


@dataclass(frozen=True)
class StageOfCell:
    """A finished stage of one of a study's cells.

    number: 1, 2, …, counted in the plan. folder: that of its run.json. aliases: the folder of the cell's stage-2
    aliases; those of stage 1 lie in the folder above.
    """

    cell: Cell
    number: int
    folder: Path
    aliases: Path


def stages_of(study: Study, stages: Mapping[str, int], branches: Mapping[str, str], results: Path) -> list[StageOfCell]:
    """All stages of all cells of a study, those of a first seed in every cell first.

    A stage that stage-2 seeds share comes once for each of them, as in the study's tables. stages, branches: as
    `metaocl.statistics.study_tables.collect_metrics` takes them. results: the folder that holds documents/ and stages/.
    """
    found = [
        StageOfCell(cell, number, results / folder, results / aliases_folder(cell))
        for cell in study_cells(study)
        for number, folder in enumerate(stage_folders(cell, stages[cell.plan], branches.get(cell.plan)), start=1)
    ]
    return sorted(
        found, key=lambda stage: (study.seeds.index(stage.cell.seed), study.stage2_seeds.index(stage.cell.stage2_seed))
    )


def pack_answers(stages: Iterable[StageOfCell], most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """The answers of stages as JSON can hold them, in as many bytes at most, and what was left out for it.

    `things`: texts, and lists of texts. `stages`: for each stage its slugs and numbers, and of each answer, as numbers
    in `things`: test_set, subset, alias, question, answer and gold; `right` is a text of zeros and ones. An alias is
    the list of its text, the name it stands for and the name in its definition, null without one; a question that of
    its pieces, between which the alias stands. `left_out`: the files of the first stage that would have been too much,
    and of all behind it. Raises ArtifactError for a table that is missing or unreadable.
    """
    numbers: dict[Thing, int] = {}
    packed: list[dict[str, Any]] = []
    left_out: list[str] = []
    size = 0
    for stage in stages:
        if not left_out:
            known = len(numbers)
            answers = _pack(stage, numbers)
            size += len(as_json([answers, list(numbers)[known:]]).encode())
            if size <= most_bytes:
                packed.append(answers)
                continue
            for thing in list(numbers)[known:]:
                del numbers[thing]
        left_out.append(str(stage.folder / "answers.parquet"))
    return {"things": list(numbers), "stages": packed, "left_out": list(dict.fromkeys(left_out))}


def as_json(content: Any) -> str:
    """JSON in which no character opens or ends anything of HTML: it can stand inside a `<script>`."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _pack(stage: StageOfCell, numbers: dict[Thing, int]) -> dict[str, Any]:
    """A stage's answers; what `numbers` lacks is added to it."""
    table = read_table(stage.folder / "answers.parquet").to_pydict()
    aliases = _aliases(stage)
    pairs = list(_pairs(table, "alias", "subset"))
    columns: dict[str, Iterable[Thing]] = {
        "test_set": table["test_set"],
        "subset": [aliases[name].subset if subset == STAGE2_POOL else subset for name, subset in pairs],
        # A swapped alias is asked about as if it stood for another's entity, which it does not.
        "alias": [_described(name, None if subset == SWAPPED else aliases.get(name)) for name, subset in pairs],
        "question": [_in_pieces(prompt, name) for prompt, name in _pairs(table, "prompt", "alias")],
        "answer": table["answer"],
        "gold": table["gold"],
    }
    coded = {name: [numbers.setdefault(t, len(numbers)) for t in things] for name, things in columns.items()}
    right = "".join("1" if match == 1 else "0" for match in table["exact_match"])
    return {**vars(stage.cell), "stage": stage.number, **coded, "right": right}


def _pairs(table: Mapping[str, list[Any]], one: str, other: str) -> Iterable[tuple[str, str]]:
    return zip(table[one], table[other], strict=True)


def _aliases(stage: StageOfCell) -> dict[str, Alias]:
    """The aliases of a cell by their texts; those of stage 2 as they are divided there, which stage 1 does not know."""
    folders = (stage.aliases.parent, stage.aliases)
    return {alias.alias: alias for folder in folders for alias in read_rows(folder / "aliases.parquet", Alias)}


def _described(text: str, alias: Alias | None) -> tuple[str | None, ...]:
    return (text, alias.name, alias.defined_as) if alias else (text, None, None)


def _in_pieces(prompt: str, alias: str) -> tuple[str, ...]:
    """The parts of a question around its alias: those of many aliases are the same."""
    return tuple(prompt.split(alias)) if alias else (prompt,)
