"""What scripts that read the stages of a whole study are told of it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from metaocl.config.studies import Study


def add_study_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --study, --stages, --branches and --results: a study's cells, and all that says where their stages lie."""
    parser.add_argument("--study", type=Study.from_argument, required=True, help="settings, as JSON")
    parser.add_argument("--stages", type=json.loads, required=True, help="number of stages of each plan, as JSON")
    parser.add_argument(
        "--branches", type=json.loads, required=True, help="the plan that a branch has its earlier stages from, as JSON"
    )
    parser.add_argument("--results", type=Path, required=True, help="folder that holds documents/ and stages/")
