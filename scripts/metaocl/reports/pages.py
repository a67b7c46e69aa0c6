"""A study's page for a browser: one file with its answers, history, effects, verdicts, settings and environment.

The file needs no server and no network, and says so to the browser: its policy lets nothing be loaded, and no script or
style be used but the two that are written here. All that the study holds is data to them, which becomes text and never
HTML.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from metaocl.artifacts.publishing import ArtifactError
from metaocl.claims.verdicts import judge
from metaocl.config.claims import Claim
from metaocl.design.cells import CELL
from metaocl.design.contrasts import CONTRASTS, HEADLINES
from metaocl.design.measures import MEASURES
from metaocl.design.subsets import SUBSET_TITLES
from metaocl.design.test_sets import TEST_SET_TITLES
from metaocl.reports.answers import StageOfCell, as_json, pack_answers
from metaocl.reports.histories import cell_histories
from metaocl.reports.summaries import notes_on_tags

TEMPLATE, STYLE, SCRIPT, CHARTS = (
    Path(__file__).with_name(name) for name in ("page.html", "page.css", "page.js", "page_charts.js")
)
NUMBERS = ["n_seeds", "mean", "ci_low", "ci_high", "p_value", "p_sign_flip", "effect_size"]


@dataclass(frozen=True)
class Tables:
    """A study's tables, as `estimate_effects` and `collect_metrics` write them."""

    metrics: pd.DataFrame
    effects: pd.DataFrame
    gaps: pd.DataFrame


def page_content(
    study: str,
    settings: Mapping[str, Any],
    stages: Sequence[StageOfCell],
    tables: Tables,
    claims: Sequence[Claim],
    axis: Mapping[str, float | str],
) -> dict[str, Any]:
    """All that a study's page shows, as JSON can hold it.

    settings: of the study and its entries. claims: all that there are; those that this study tests are judged. axis: as
    `metaocl.claims.verdicts.judge` takes it. `shared` in what is given back: whether a stage comes several times, as
    stage-2 seeds or plans share it; its answers are then counted as often. Raises ArtifactError for a file of a stage
    that is missing or unreadable, ConfigError for a claim that needs a number which is not there.
    """
    plans = settings["plans"]
    tags = {plan: plans[plan]["stages"][-1]["tags"] for plan in settings["study"]["plans"]}
    return {
        "study": study,
        "settings": settings,
        "notes": notes_on_tags(tags),
        "titles": {"subset": SUBSET_TITLES, "test_set": TEST_SET_TITLES},
        "effects": effect_groups(tables.effects),
        "histories": cell_histories(tables.metrics, stages),
        "verdicts": [_judged(claim, tables.gaps, axis) for claim in claims if claim.study == study],
        "environments": environments(stages),
        "answers": pack_answers(stages),
        "shared": len({stage.folder for stage in stages}) < len(stages),
    }


def render_page(content: Mapping[str, Any]) -> str:
    """The page as HTML."""
    style, *scripts = (path.read_text(encoding="utf-8") for path in (STYLE, CHARTS, SCRIPT))
    # One script, as strict as its first line says; what draws comes before what begins to draw.
    script = "\n".join(scripts)
    parts = {
        "title": html.escape(f"Study {content['study']}"),
        "policy": f"style-src '{_digest(style)}'; script-src '{_digest(script)}'",
        "style": style,
        "script": script,
        "content": as_json(content),
    }
    # In one go, as a text of the content may look like a place to be filled in.
    return re.sub("@([a-z]+)@", lambda place: parts[place[1]], TEMPLATE.read_text(encoding="utf-8"))


def effect_groups(effects: pd.DataFrame) -> list[dict[str, Any]]:
    """The effects by measure and contrast, the headlines first: `title`, `measure`, `headline`, and a row per cell."""
    groups = []
    for (name, measure), rows in effects.groupby(["contrast", "measure"], sort=False, observed=True):
        shown = [{"cell": [row[key] for key in CELL]} | _numbers(row) for row in rows.to_dict("records")]
        groups.append(
            {"title": CONTRASTS[name].title, "measure": MEASURES[measure].title, "headline": name in HEADLINES}
            | {"rows": shown}
        )
    return sorted(groups, key=lambda group: not group["headline"])


def environments(stages: Iterable[StageOfCell]) -> list[dict[str, Any]]:
    """On what stages were made: packages, Python, machine and code of their run.json, and which `stages` these made.

    Raises ArtifactError for a run.json that is missing or unreadable.
    """
    found: dict[str, dict[str, Any]] = {}
    for folder in dict.fromkeys(stage.folder for stage in stages):
        record = folder / "run.json"
        try:
            content = json.loads(record.read_text(encoding="utf-8"))
            made_on = {key: content[key] for key in ("code", "machine", "python", "packages")}
        except (OSError, LookupError, TypeError, ValueError) as error:
            raise ArtifactError(f"{record}: tells of no finished stage: {type(error).__name__}: {error}") from None
        found.setdefault(json.dumps(made_on, sort_keys=True), made_on | {"stages": []})["stages"].append(str(folder))
    return list(found.values())


def _judged(claim: Claim, gaps: pd.DataFrame, axis: Mapping[str, float | str]) -> dict[str, Any]:
    verdict = judge(claim, gaps, axis)
    said = {"verdict": verdict.verdict, "reason": verdict.reason, "seeds_needed": verdict.seeds_needed}
    return {"claim": claim.id, "statement": claim.statement} | said


def _numbers(row: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: None if pd.isna(row[name]) or math.isinf(row[name]) else float(row[name]) for name in NUMBERS}


def _digest(text: str) -> str:
    """How a page's policy names a script or a style that it allows."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
