"""A stage on pictures: its loss, its answers, and the same bytes whether it was stopped or not."""

import math

import numpy as np
import pyarrow as pa
import pytest
import torch
from grid_documents import NETWORK, STAGE, grid_documents, grid_run
from PIL import Image
from pydantic import ValidationError
from torch.nn import functional

from metaocl.config.models import ConvNet
from metaocl.documents.metrics import answers_table, mean_by_alias
from metaocl.mechanisms.question_states import states_of_parts
from metaocl.training.checkpoints import Checkpoint
from metaocl.training.loop import train_stage
from metaocl.training.signals import Saver
from metaocl.vision.models import load_network, save_network


class Died(Exception):
    pass


def train(folder, place, die_at=None, stage=STAGE, network=NETWORK):
    """Train from the saved network; its weights, its metrics, and its steps without their seconds.

    die_at: the number of the epoch behind which the process dies, with a checkpoint after every step.
    """
    torch.manual_seed(0)
    run = grid_run(folder, stage=stage, network=network)
    saver = Saver(Checkpoint(place, "same"), seconds=math.inf if die_at is None else 0)

    def measure(epoch):
        if epoch == die_at:
            raise Died
        return mean_by_alias(run.tested, run.evaluator.measure(run.model), epoch)

    metrics, history, _ = train_stage(run.model, run.examples, run.task.loss, stage, 7, measure, saver)
    return run, metrics, history.drop_columns(["seconds"])


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    return train(folder, folder / "checkpoint")


def assert_same(one, other):
    weights, others = one[0].model.state_dict(), other[0].model.state_dict()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    assert one[1:] == other[1:]


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_stage_that_died_goes_on_to_the_same_bytes(straight, tmp_path, epoch, capsys):
    with pytest.raises(Died):
        train(tmp_path, tmp_path / "checkpoint", die_at=epoch)
    assert_same(train(tmp_path, tmp_path / "checkpoint"), straight)
    assert "going on from a checkpoint" in capsys.readouterr().err


def test_the_same_stage_again_gives_the_same_bytes(straight, tmp_path):
    again = train(tmp_path, tmp_path / "checkpoint")
    assert_same(again, straight)
    for folder in ("one", "two"):
        (again if folder == "one" else straight)[0].save(tmp_path / folder)
    files = [path.name for path in (tmp_path / "one").iterdir()]
    assert sorted(files) == ["SHA256SUMS", "config.json", "model.safetensors"]
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files)


def test_a_saved_network_is_loaded_as_it_was(straight, tmp_path):
    model = straight[0].model
    save_network(model, tmp_path / "model")
    loaded = load_network(tmp_path / "model", NETWORK.model_dump())
    assert all(torch.equal(weight, model.state_dict()[name]) for name, weight in loaded.state_dict().items())


def test_the_loss_is_the_mean_over_documents_of_a_definition_over_its_cells(straight):
    run = straight[0]
    places = [0, 1, len(run.examples) // 2]
    assert [document.part for document in (run.trained[place] for place in places)][1:] == ["definitions", "questions"]
    batch = run.examples.batch(places, epoch=1)
    logits = run.model(batch.pictures)
    losses = []
    for row, place in enumerate(places):
        document = run.trained[place]
        cells = range(9) if document.part == "definitions" else [int(document.attribute[-1]) - 1]
        letters = torch.tensor(["abcde".index(letter) for letter in document.completion.strip()])
        losses.append(functional.cross_entropy(logits[row, list(cells)], letters))
    loss, count = run.task.loss(run.model, batch)
    assert count == 3
    torch.testing.assert_close(loss, torch.stack(losses).mean())


def test_parts_of_a_batch_have_its_rows(straight):
    batch = straight[0].examples.batch(range(7), epoch=1)
    parts = batch.split(3)
    assert [len(part) for part in parts] == [3, 3, 1]
    assert torch.equal(torch.cat([part.pictures for part in parts]), batch.pictures)
    assert torch.equal(torch.cat([part.letters for part in parts]), batch.letters)


class Oracle(torch.nn.Module):
    """Answers letter `d` everywhere."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, pictures):
        logits = torch.zeros(len(pictures), 9, 5)
        logits[..., 3] = 1
        return logits


def test_answers_are_compared_cell_by_cell(straight):
    run = straight[0]
    measures = run.evaluator.measure(Oracle())
    assert set(measures["answer"]) == {"d"}
    right = [document.completion == " d\n" for document in run.tested]
    assert measures["exact_match"].tolist() == right
    assert 0 < np.mean(right) < 1
    table = answers_table(run.tested, measures)
    assert table["gold"].to_pylist() == [document.completion.strip() for document in run.tested]


def test_every_letter_of_every_definition_is_asked(straight):
    run = straight[0]
    asked = [document for document in run.tested if document.part == "definition_letters"]
    definitions = [document for document in run.documents if "definitions" in document.part]
    assert len(asked) == 9 * len(definitions)
    assert ["".join(document.completion.strip() for document in asked[:9])] == [definitions[0].completion.strip()]
    metrics = straight[1].to_pandas()
    learnt = metrics[metrics["test_set"] == "definition_letters"].groupby("epoch")["questions"]
    assert learnt.sum().tolist() == [len(asked)] * STAGE.epochs


def test_a_network_learns_definitions_and_questions(tmp_path):
    stage = STAGE.model_copy(update={"epochs": 60, "evaluate": "last"})
    documents = [document for document in grid_documents() if document.subset in ("qd1consis", "q")]
    torch.manual_seed(0)
    run = grid_run(tmp_path, documents, stage)
    saver = Saver(Checkpoint(tmp_path / "checkpoint", "same"), seconds=math.inf)
    _, history, _ = train_stage(
        run.model, run.examples, run.task.loss, stage, 7, lambda epoch: pa.table({"epoch": [epoch]}), saver
    )
    losses = history["loss"].to_numpy()
    assert losses[-5:].mean() < 0.5 * losses[:5].mean()


def test_a_convnext_trains_on_larger_digits_and_is_loaded_as_it_was(tmp_path):
    for digit in range(10):
        (tmp_path / f"own/{digit}").mkdir(parents=True)
        for number in range(2):
            Image.new("L", (28, 28), 20 * digit + number).save(tmp_path / f"own/{digit}/{number}.png")
    sizes = {"depths": (1, 1, 1, 1), "hidden_sizes": (2, 2, 2, 4)}
    own = {"kind": "images", "folder": str(tmp_path / "own")}
    settings = {"letters": 5, "convnextv2": sizes, "handwriting": own}
    with pytest.raises(ValidationError, match="leave out width"):
        ConvNet.model_validate(settings | {"width": 64})
    network = ConvNet.model_validate(settings)
    run, metrics, _ = train(tmp_path, tmp_path / "checkpoint", network=network)
    assert metrics.num_rows > 0
    pictures = run.examples.batch([0, 1], epoch=1).pictures
    run.model.eval()
    save_network(run.model, tmp_path / "saved")
    loaded = load_network(tmp_path / "saved", network.model_dump(mode="json")).eval()
    assert loaded(pictures).shape == (2, 9, 5)
    assert torch.equal(loaded(pictures), run.model(pictures))
    states, logits = states_of_parts(run.model, pictures)
    assert list(states) == ["body", "norm", "heads"]
    assert np.array_equal(states["heads"].reshape(logits.shape), logits)
