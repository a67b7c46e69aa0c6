from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from metaocl.artifacts.tables import write_json, write_rows
from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.config.plans import Stage
from metaocl.documents.aliases import divide_stage2, draw_aliases
from metaocl.documents.counterfactuals import write_counterfactuals
from metaocl.documents.records import Alias, Document
from metaocl.documents.writing import write_stage1_documents, write_stage2_documents
from metaocl.facts.fact import Fact, ask
from metaocl.text.models import save_model
from metaocl.text.tokenizers import build_word_tokenizer

SEED, STAGE2_SEED = 3, 0
SHARES = {"qd1": "0.3", "qd2": "0.3", "q": "0.1", "d1consis": "0.1", "d2consis": "0.1", "d3consis": "0.1"}
LAST = {"documents": ["new_definitions"], "epochs": 2, "batch_size": 4, "optimizer": "adamw", "learning_rate": 1e-2}
LAST |= {"loss_on": "completion", "outputs": "completions"}


@dataclass
class Finished:
    """A last stage that looks finished, though nothing was trained: the folder, and the file of counterfactuals."""

    folder: Path
    counterfactuals: Path
    aliases: list[Alias]
    definitions: list[Document]

    def with_settings(self, stage_number=2, **settings) -> Path:
        """The same stage with other settings."""
        record = {"initial_model": "model", "stage_number": stage_number, "seeds": [SEED, STAGE2_SEED]}
        documents = ["documents.parquet", "new.parquet"]
        if settings.get("tags", "own") != "own":
            documents.append("counterfactuals.parquet")
        stage = Stage(**LAST | settings).model_dump(mode="json")
        write_json({"settings": record | {"documents": documents, "stage": stage}}, self.folder / "run.json")
        return self.folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory, build):
    folder = tmp_path_factory.mktemp("finished")
    facts = [
        Fact(
            f"e{e}",
            f"NAME{e}",
            f"attribute{q}",
            ask(f"What is attribute{q} of {{name}}?"),
            f"answer{(e * (q + 3)) % 7}",
        )
        for e in range(60)
        for q in range(3)
    ]
    dataset = Dataset(source="people", entities=60, shares=SHARES, test_sets=[])
    define_type = DefineType()
    aliases = draw_aliases(facts, dataset, define_type, SEED)
    divided = divide_stage2(aliases, dataset, SEED, STAGE2_SEED)
    earlier = write_stage1_documents(aliases, facts, dataset, define_type, SEED)
    new = write_stage2_documents(divided, facts, dataset, define_type, SEED, STAGE2_SEED)
    counterfactuals = write_counterfactuals(aliases, divided, define_type, SEED, STAGE2_SEED)
    write_rows(earlier, Document, folder / "documents.parquet")
    write_rows(new, Document, folder / "new.parquet")
    write_rows(counterfactuals, Document, folder / "counterfactuals.parquet")
    names = [fact.name for fact in facts]
    tokenizer = build_word_tokenizer([d.prompt + d.completion for d in earlier], units=names)
    torch.manual_seed(0)
    save_model(build("gpt2", len(tokenizer), initializer_range=0.2), tokenizer, folder / "model")
    made = Finished(folder, folder / "counterfactuals.parquet", divided, counterfactuals)
    made.with_settings()
    return made
