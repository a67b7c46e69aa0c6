"""The plain baseline of `make benchmark` does the same work as the workflow's training jobs."""

from __future__ import annotations

import json
import re
import signal
import sys

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

pytest.importorskip("accelerate", reason="needs what make benchmark installs")

import plain

import train_stage
from metaocl.artifacts.tables import write_rows
from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.config.models import Model
from metaocl.config.plans import Plan
from metaocl.config.sources import SetInclusion
from metaocl.documents.aliases import divide_stage2, draw_aliases
from metaocl.documents.records import Document
from metaocl.documents.writing import write_stage1_documents, write_stage2_documents
from metaocl.facts.set_inclusion import draw_set_inclusion
from metaocl.text.base_training import new_model
from metaocl.text.models import save_model

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
NEOX = Model(architecture="gpt_neox", architecture_config=SIZES)
ROW = ["stage", "epoch", "part", "subset"]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder with a first model and a seed's documents."""
    folder = tmp_path_factory.mktemp("inputs")
    source = SetInclusion(numbers=12, list_length=3, intersection=1, questions=4)
    shares = {"qd1": 0.3, "qd2": 0.3, "d1consis": 0.2, "d2consis": 0.2}
    dataset = Dataset(source=source, entities=24, test_sets=[], shares=shares)
    define_type = DefineType()
    facts = draw_set_inclusion(24, source)
    aliases = draw_aliases(facts, dataset, define_type, 0)
    divided = divide_stage2(aliases, dataset, 0, 1)
    write_rows(write_stage1_documents(aliases, facts, dataset, define_type, 0), Document, folder / "first.parquet")
    write_rows(write_stage2_documents(divided, facts, dataset, define_type, 0, 1), Document, folder / "second.parquet")
    save_model(*new_model(facts, NEOX, seed=0), folder / "model")
    return folder


@pytest.fixture
def call(monkeypatch):
    """Calls a script's main function with arguments; puts back the signals that it takes."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)}

    def call(main, **options):
        arguments = []
        for name, value in options.items():
            values = value if isinstance(value, list) else [value]
            arguments += [f"--{name.replace('_', '-')}", *map(str, values)]
        monkeypatch.setattr(sys, "argv", ["script", *arguments])
        main()

    yield call
    for number, handler in kept.items():
        signal.signal(number, handler)


def run_ours(call, inputs, folder, plan):
    """The stages as the workflow's jobs run them; the last folder, and metrics as the baseline writes them."""
    model, documents, tables = inputs / "model", [inputs / "first.parquet"], []
    for number, stage in enumerate(plan.stages, start=1):
        last = number == len(plan.stages)
        place = folder / f"stage{number}"
        call(
            train_stage.main,
            initial_model=model,
            documents=documents + [inputs / "second.parquet"] * last,
            stage=stage.model_dump_json(),
            stage_number=number,
            seeds=[0, 1] if last else [0],
            threads=1,
            checkpoint=place / "checkpoint",
            checkpoint_minutes=10,
            model=place / "model",
            **{name: place / f"{name}.parquet" for name in ("metrics", "answers", "history")},
            run=place / "run.json",
        )
        model = place / "model"
        tables.append(pd.read_parquet(place / "metrics.parquet").assign(stage=number))
    table = pd.concat(tables).rename(columns={"test_set": "part"}).astype({"part": str, "subset": str})
    table["exact_match"] *= table["questions"]
    sums = table.groupby(ROW, as_index=False)[["questions", "exact_match"]].sum()
    return place / "model", sums.assign(exact_match=sums["exact_match"] / sums["questions"])


def weights(folder):
    """A model's weights without the embeddings, which grow, and without a bias that follows nothing but rounding.

    Moving all keys alike leaves attention as it is.
    """
    tensors = load_file(folder / "model.safetensors")
    return torch.cat(
        [tensors[name].flatten() for name in sorted(tensors) if not re.search("embed|key_value.bias", name)]
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adamw", "learning_rate": 0.01, "warmup_steps": 3, "loss_on": "completion"},
        {"optimizer": "adafactor", "learning_rate": 0.01, "gradient_clipping": 0.5},
    ],
    ids=["adamw", "adafactor"],
)
def test_it_ends_with_the_workflows_weights_and_metrics(call, inputs, tmp_path, settings):
    plan = Plan(
        stages=[
            {"documents": ["definitions", "questions"], "epochs": 10, "evaluate": [3, 7], "batch_size": 16, **settings},
            {"documents": ["new_definitions"], "epochs": 2, "batch_size": 2, **settings},
        ]
    )
    model, expected = run_ours(call, inputs, tmp_path / "ours", plan)
    call(
        plain.main,
        initial_model=inputs / "model",
        documents=inputs / "first.parquet",
        new_documents=inputs / "second.parquet",
        plan=plan.model_dump_json(),
        seeds=[0, 1],
        threads=1,
        length=16,
        folder=tmp_path / "plain",
    )
    found = pd.read_csv(tmp_path / "plain/metrics.csv").sort_values(ROW, ignore_index=True)
    pd.testing.assert_frame_equal(found[[*ROW, "questions"]], expected[[*ROW, "questions"]], check_dtype=False)
    right, differently = (
        (measure * expected["questions"]).sum()
        for measure in (expected["exact_match"], (found["exact_match"] - expected["exact_match"]).abs())
    )
    # Rounding may tip a close choice.
    assert differently <= 0.01 * expected["questions"].sum() < right

    ours, theirs, random = (weights(place) for place in (model, tmp_path / "plain/model", inputs / "model"))
    assert torch.linalg.norm(theirs - ours) < 0.05 * torch.linalg.norm(random - ours)

    run = json.loads((tmp_path / "plain/run.json").read_text())
    assert [stage["steps"] for stage in run["stages"]] == [50, 10]
