"""Documents about grids of letters, as the workflow writes them, and what trains on them."""

from __future__ import annotations

from metaocl.artifacts.tables import write_rows
from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.config.models import ConvNet
from metaocl.config.plans import Stage
from metaocl.config.sources import Grids
from metaocl.documents.aliases import divide_stage2, draw_aliases
from metaocl.documents.records import Document
from metaocl.documents.writing import write_stage1_documents, write_stage2_documents
from metaocl.facts.grids import draw_grids
from metaocl.vision.models import new_network, save_network
from metaocl.vision.runs import prepare_vision_run

SHARES = {
    "qd1": 0.25,
    "qd2": 0.25,
    "q": 0.1,
    "d1consis": 0.1,
    "d2consis": 0.1,
    "d3consis": 0.1,
    "no_qd_baseline": 0.1,
}
DATASET = Dataset(source="grids", entities=40, held_out_share="1/3", test_sets=[], shares=SHARES)
DEFINE_TYPE = DefineType(alias_style="digits", alias_letters=9)
NETWORK = ConvNet(letters=5, channels=4, width=16)
STAGE = Stage(
    documents=["definitions", "questions", "new_definitions"],
    epochs=3,
    batch_size=32,
    optimizer="adamw",
    learning_rate=0.01,
)


def grid_documents(dataset: Dataset = DATASET, define_type: DefineType = DEFINE_TYPE, seed: int = 0) -> list[Document]:
    """The documents of both stages."""
    facts = draw_grids(dataset.entities, Grids())
    aliases = draw_aliases(facts, dataset, define_type, seed)
    divided = divide_stage2(aliases, dataset, seed, 0)
    return [
        *write_stage1_documents(aliases, facts, dataset, define_type, seed),
        *write_stage2_documents(divided, facts, dataset, define_type, seed, 0),
    ]


def grid_run(folder, documents=None, stage=STAGE, network=NETWORK, seeds=(0, 0)):
    """A stage that is ready to be trained, with its files in `folder`."""
    path = folder / "documents.parquet"
    write_rows(grid_documents() if documents is None else documents, Document, path)
    save_network(new_network(network, seed=0), folder / "model")
    return prepare_vision_run(folder / "model", network.model_dump(), [path], stage, seeds)
