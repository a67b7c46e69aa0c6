"""The summary of a study: a page for people and the same numbers for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from metaocl.design.cells import CELL
from metaocl.design.contrasts import CONTRASTS, HEADLINES, OF_MECHANISMS, ON_PAGE
from metaocl.design.measures import MAIN_MEASURE, MEASURES, UNREACHABLE
from metaocl.design.test_sets import TEST_SET_TITLES

FIELDS = ["mean", "sd", "ci_low", "ci_high", "p_value", "p_sign_flip", "effect_size"]

_COVERS = (
    "All seeds of {} start from the same weights: intervals cover what seeds draw (aliases, tags, subsets, the order of"
    " training), and not what another base model would have shown."
)


def summarize_for_programs(study: str, effects: pd.DataFrame) -> dict[str, Any]:
    """`cells`: one per cell, with its slugs, n_seeds, and the numbers of each contrast; null where unknown.

    Contrasts are in the main measure; those in another one, where a cell has it, lie in the cell under its name.
    n_seeds: the most that a contrast of the cell has; those with fewer have an n_seeds of their own.
    """
    cells = []
    for cell, rows in effects.groupby(CELL, sort=False):
        most = int(rows["n_seeds"].max())
        by_measure = {
            measure: {row["contrast"]: _numbers(row, most) for _, row in part.iterrows()}
            for measure, part in rows.groupby("measure", sort=False)
        }
        summary = dict(zip(CELL, cell, strict=True)) | {"n_seeds": most}
        cells.append(summary | by_measure.pop(MAIN_MEASURE.name, {}) | by_measure)
    return {"study": study, "measure": MAIN_MEASURE.title, "unit": "stage-1 seed", "cells": cells}


def summarize_for_people(
    summary: dict[str, Any],
    metrics: pd.DataFrame,
    one_for_all_seeds: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
) -> str:
    """A Markdown page: first a few lines of findings, then every contrast and the final accuracies.

    one_for_all_seeds: the models whose seeds all start from the same weights, which intervals then do not cover. tags:
    as `notes_on_tags` takes them.
    """
    parts = [f"# Study `{summary['study']}`\n", headlines(summary) + _warnings(metrics)]
    if one_for_all_seeds:
        parts.append(f"\n{_COVERS.format(', '.join(f'`{model}`' for model in one_for_all_seeds))}")
    parts += [f"\n{note}" for note in notes_on_tags(tags or {})]
    parts.append("\n## Contrasts\n")
    for cell in summary["cells"]:
        of_measures = {MAIN_MEASURE.title: cell} | {
            m.title: cell[name] for name, m in MEASURES.items() if m.analysed and name in cell
        }
        parts += [_contrast_table(cell, effects, title) for title, effects in of_measures.items() if _on_page(effects)]
    if any(_of_mechanisms(cell) for cell in summary["cells"]):
        parts += ["## Mechanisms\n", *(_mechanism_table(cell) for cell in summary["cells"] if _of_mechanisms(cell))]
    measured = metrics[metrics["measure"] == MAIN_MEASURE.name]
    for test_set, tests in measured.groupby("test_set", sort=False, observed=True):
        title = f"{MAIN_MEASURE.title.capitalize()} at the end of each stage: {TEST_SET_TITLES[test_set]}"
        parts += [f"## {title}\n", _final_table(tests)]
    return "\n".join([*parts, _NOTES])


def notes_on_tags(tags: Mapping[str, str]) -> list[str]:
    """A sentence for each plan whose new definitions have other tags than those drawn, by which subsets are named.

    tags: of each plan those of its last stage, as `metaocl.config.plans.Stage` has them.
    """
    return [
        f"The new definitions of plan `{plan}` have other tags ({given.replace('_', ' ')}): D5, D6 and D̃ are named by"
        " the tags that were drawn."
        for plan, given in tags.items()
        if given != "own"
    ]


def headlines(summary: dict[str, Any]) -> str:
    """One line per cell and phenomenon: the gap, its interval, both tests and the number of seeds."""
    nothing = f"no {' and no '.join(CONTRASTS[name].short for name in HEADLINES)} in {MAIN_MEASURE.title}"
    lines = []
    for cell in summary["cells"]:
        found = [f"{CONTRASTS[name].short} {_sentence(cell[name])}" for name in HEADLINES if name in cell]
        lines.append(f"- **{_cell_name(cell)}**, {_seeds(cell)}: {'; '.join(found) or nothing}")
    return "\n".join(lines)


def _warnings(metrics: pd.DataFrame) -> str:
    """A line per cell and test set with questions that no model can be right about; nothing where there are none."""
    lost = metrics[metrics["measure"] == UNREACHABLE].astype(dict.fromkeys([*CELL, "test_set"], str))
    shares = lost.groupby([*CELL, "test_set"], sort=False)["value"].mean()
    return "".join(
        f"\n- **warning, {' × '.join(cell)}**: {_percent(share)} of the {TEST_SET_TITLES[test_set]} score 0 whatever"
        " is learnt, as the model's tokenizer cannot give their answers back (see the stages' logs)"
        for (*cell, test_set), share in shares.items()
    )


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "less than 0.1%"


def _on_page(effects: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The effects of the contrasts that the page shows in each measure, by their titles."""
    return {contrast.title: effects[contrast.name] for contrast in ON_PAGE if contrast.name in effects}


def _contrast_table(cell: dict[str, Any], effects: dict[str, Any], measure: str) -> str:
    """effects: those of the cell in the measure of that title, by contrast."""
    lines = [
        f"**{_cell_name(cell)}** ({_seeds(cell)}), {measure}\n",
        "| contrast | mean | SD | 95 % CI | p (t) | p (sign flip) | d |",
        "|---|---|---|---|---|---|---|",
    ]
    found = _on_page(effects)
    for title, e in found.items():
        shown = [
            _show(e["mean"]),
            _show(e["sd"]),
            "–" if _no_interval(e) else _interval(e),
            _show_p(e["p_value"]),
            _show_p(e["p_sign_flip"]),
            _show(e["effect_size"], 2),
        ]
        lines.append(f"| {title}{_fewer_seeds(e)} | {' | '.join(shown)} |")
    reasons = {reason for e in found.values() if (reason := _no_interval(e))}
    return "\n".join([*lines, *(f"\n–: no interval, as {reason}." for reason in sorted(reasons))]) + "\n"


def _of_mechanisms(cell: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The contrasts between tags on the same aliases, and those of what was measured of models, by their titles."""
    found = {c.title: cell if c.measure is None else cell.get(c.measure, {}) for c in OF_MECHANISMS}
    names = {c.title: c.name for c in OF_MECHANISMS}
    return {title: effects[names[title]] for title, effects in found.items() if names[title] in effects}


def _mechanism_table(cell: dict[str, Any]) -> str:
    lines = [
        f"**{_cell_name(cell)}** ({_seeds(cell)})\n",
        "| contrast | mean | SD | 95 % CI | d |",
        "|---|---|---|---|---|",
    ]
    for title, effect in _of_mechanisms(cell).items():
        interval = "–" if _no_interval(effect) else _interval(effect)
        shown = [_show(effect["mean"]), _show(effect["sd"]), interval, _show(effect["effect_size"], 2)]
        lines.append(f"| {title}{_fewer_seeds(effect)} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def _final_table(metrics: pd.DataFrame) -> str:
    """Mean ± SD over stage-1 seeds of one measure, one row per cell and stage, one column per subset."""
    last = metrics.groupby([*CELL, "stage"], observed=True)["epoch"].transform("max")
    at_end = metrics[metrics["epoch"] == last].astype(dict.fromkeys([*CELL, "subset"], str))
    per_seed = at_end.groupby([*CELL, "stage", "subset", "seed"], sort=False)["value"].mean()
    by_subset = per_seed.groupby([*CELL, "stage", "subset"], sort=False).agg(["mean", "std"])
    subsets = list(dict.fromkeys(at_end["subset"]))
    lines = [f"| cell | stage | {' | '.join(subsets)} |", "|---|---|" + "---|" * len(subsets)]
    for (*cell, stage), rows in by_subset.groupby([*CELL, "stage"], sort=False):
        rows = rows.droplevel([*CELL, "stage"])
        shown = [
            f"{_show(rows['mean'].get(s))} ± {_show(rows['std'].get(s))}" if s in rows.index else "–" for s in subsets
        ]
        lines.append(f"| {' × '.join(cell)} | {stage} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def _cell_name(cell: dict[str, Any]) -> str:
    return " × ".join(cell[key] for key in CELL)


def _seeds(cell: dict[str, Any]) -> str:
    return f"{cell['n_seeds']} seed{'s' if cell['n_seeds'] > 1 else ''}"


def _fewer_seeds(effect: dict[str, Any]) -> str:
    """How many seeds an effect has, where other contrasts of its cell have more."""
    return f" ({_seeds(effect)})" if "n_seeds" in effect else ""


def _sentence(effect: dict[str, Any]) -> str:
    p_values = f"p = {_show_p(effect['p_value'])} (t), {_show_p(effect['p_sign_flip'])} (sign flip)"
    reason = _no_interval(effect)
    interval = f"(no interval: {reason})" if reason else _interval(effect)
    return f"{_show(effect['mean'])} {interval}{_fewer_seeds(effect)}, {p_values}"


def _no_interval(effect: dict[str, Any]) -> str | None:
    """Why an effect has no interval; None where it has one."""
    if effect["ci_low"] is not None:
        return None
    return "there is a single seed" if effect["sd"] is None else "all seeds are equal and their spread is unknown"


def _interval(effect: dict[str, float | None]) -> str:
    return f"[{_show(effect['ci_low'])}, {_show(effect['ci_high'])}]"


def _show(value: float | None, digits: int = 3) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:z.{digits}f}"


def _show_p(value: float | None) -> str:
    return "–" if value is None else f"{value:.1e}" if value < 0.001 else f"{value:.3f}"


def _numbers(effect: pd.Series, most: int) -> dict[str, Any]:
    """The fields of an effect, and its number of seeds where that is not the most."""
    numbers = {field: _number(effect[field]) for field in FIELDS}
    return numbers if effect["n_seeds"] == most else numbers | {"n_seeds": int(effect["n_seeds"])}


def _number(value: Any) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


_NOTES = """
Each mean is over stage-1 seeds: questions are pooled inside a run and stage-2 seeds averaged inside a stage-1 seed.
CI: 95 % by Student's t over stage-1 seeds, as in the figures. Tests are one-sided for a gap above 0: paired t and exact
sign flip. d: mean / SD of the per-seed gaps. Where all runs of a cell start from one model, trained or pretrained, the
spread over such models is not in these numbers; models with random weights have their own for every seed.
"""
