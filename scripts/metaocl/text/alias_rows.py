"""Embedding rows of new aliases, where each has one of its own: what is read of them, and interventions on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from metaocl.documents.records import Document
from metaocl.errors import UserError
from metaocl.randomness import random_stream
from metaocl.text.runs import Run
from metaocl.text.task import TextTask
from metaocl.training.interventions import (
    NONE,
    Intervention,
    keep_from_directions,
    train_all_but_rows,
    train_rows_only,
)


def alias_rows(tokenizer: Any, aliases: Iterable[str]) -> dict[str, int] | None:
    """The row of token embeddings that is an alias's own, by alias; None where some alias has several tokens."""
    unique = list(dict.fromkeys(aliases))
    tokens = tokenizer(unique, add_special_tokens=False)["input_ids"] if unique else []
    if any(len(each) != 1 for each in tokens):
        return None
    return {alias: each[0] for alias, each in zip(unique, tokens, strict=True)}


def stage_intervention(run: Run, seeds: Sequence[int]) -> Intervention:
    """What the settings of a stage ask to be done in each step; the model must be as the stage begins.

    Raises UserError where it is about alias rows and aliases have several tokens.
    """
    stage = run.stage
    if stage.trained == "all" and stage.project_rows is None:
        return NONE
    rows = alias_rows(run.tokenizer, [each.alias for each in run.trained if each.part == "new_definitions"])
    if rows is None:
        raise UserError("trained and project_rows are about the embedding rows of aliases; these have several tokens")
    matrix = run.model.get_input_embeddings().weight
    places = torch.tensor(sorted(rows.values()), device=matrix.device)
    match stage.trained:
        case "aliases":
            chosen = train_rows_only(run.model, matrix, places)
        case "all_but_aliases":
            chosen = train_all_but_rows(matrix, places)
        case _:
            chosen = NONE
    if stage.project_rows is None:
        return chosen
    directions = _directions(run, rows, random_stream("removed directions", *seeds)).to(matrix)
    return Intervention(chosen.before_step, keep_from_directions(matrix, places, directions).after_step)


def second_moments(
    task: TextTask, documents: Sequence[Document], rows: dict[str, int], random: np.random.Generator
) -> torch.Tensor:
    """G Gᵀ (width, width), float64, of the gradients with respect to each document's alias's row, in eval mode.

    Of the loss towards a random completion, from those that documents of the same attribute have: what is read of a row
    whatever is right.
    """
    task.model.eval()
    matrix = task.model.get_input_embeddings().weight
    pools: defaultdict[str, list[str]] = defaultdict(list)
    for document in documents:
        pools[document.attribute].append(document.completion)
    completions = [pool[int(random.integers(len(pool)))] for pool in (pools[each.attribute] for each in documents)]
    examples = task.examples([replace(d, completion=c) for d, c in zip(documents, completions, strict=True)])
    gradients = []
    for place, document in enumerate(documents):
        loss, _ = task.loss(task.model, examples.batch([place]))
        (gradient,) = torch.autograd.grad(loss, matrix)
        gradients.append(gradient[rows[document.alias]].clone())  # not a view, which would keep the whole matrix
    stacked = torch.stack(gradients).double()
    return stacked.T @ stacked


def leading_directions(moments: torch.Tensor, count: int) -> torch.Tensor:
    """The `count` directions (count, width), orthonormal, that have most of the second moments (width, width)."""
    _, vectors = torch.linalg.eigh(moments)
    return vectors[:, -count:].T


def _directions(run: Run, rows: dict[str, int], random: np.random.Generator) -> torch.Tensor:
    """The directions (k, width) that the stage's settings name."""
    width = run.model.get_input_embeddings().weight.shape[1]
    projection = run.stage.project_rows
    if projection is None or projection.remove >= width:
        raise UserError(f"project_rows.remove is {projection and projection.remove}; rows have {width} numbers")
    if projection.directions == "random":
        directions, _ = np.linalg.qr(random.standard_normal((width, projection.remove)))
        return torch.from_numpy(directions.T.copy())
    questions = [d for d in run.tested if d.part == "held_out" and d.subset != "d2incons" and d.alias in rows]
    return leading_directions(second_moments(run.task, questions, rows, random), projection.remove)
