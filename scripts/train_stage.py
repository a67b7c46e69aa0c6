"""Train one stage of a cell with a language model, and put every test question to it after each epoch.

A run that was stopped goes on from its checkpoint when the same command is given again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metaocl.commands import run_command
from metaocl.config.plans import Stage
from metaocl.stage_command import train_one_stage
from metaocl.text.alias_rows import stage_intervention
from metaocl.text.lora import add_adapters
from metaocl.text.runs import Run, prepare_run
from metaocl.training.interventions import Intervention


def main() -> None:
    train_one_stage(__doc__, Path(__file__), prepare)


def prepare(model: Path, documents: Sequence[Path], stage: Stage, seeds: Sequence[int]) -> tuple[Run, Intervention]:
    run = prepare_run(model, documents, stage)
    if stage.lora:
        add_adapters(run.model, run.tokenizer, stage.lora)
    return run, stage_intervention(run, seeds)


if __name__ == "__main__":
    run_command(main)
