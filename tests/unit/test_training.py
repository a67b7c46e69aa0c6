from __future__ import annotations

import copy

import pytest
import torch

from metaocl.config import Stage
from metaocl.examples import IGNORED, encode_examples
from metaocl.models import output_tokens
from metaocl.training import completion_loss, linear_schedule, train_stage

SAME_LENGTH = [("big tag X", " green\n"), ("Q: Where does", " red\n"), ("Q: Who is", " blue\n")]
MIXED = [*SAME_LENGTH, ("Q: Where does X live?\nA:", " red blue\n"), ("tag", " dark red\n"), ("Y", " green\n")]


def transformers_loss(model, tokenizer, texts):
    tokens = tokenizer([prompt + completion for prompt, completion in texts], padding=True, return_tensors="pt")
    labels = tokens.input_ids.masked_fill(tokens.attention_mask == 0, IGNORED)
    return model(input_ids=tokens.input_ids.to(model.device), labels=labels.to(model.device)).loss


@pytest.mark.parametrize("texts", [SAME_LENGTH, MIXED], ids=["equal lengths", "padded"])
def test_whole_sequence_loss_is_that_of_transformers(any_model, tokenizer, texts):
    examples = encode_examples(tokenizer, texts, "sequence", any_model.device)
    loss = completion_loss(any_model, examples.inputs, examples.labels, None)
    torch.testing.assert_close(loss, transformers_loss(any_model, tokenizer, texts), rtol=0, atol=1e-5)


def test_a_batch_cut_to_its_longest_row_has_the_same_loss(model, tokenizer):
    examples = encode_examples(tokenizer, MIXED, "sequence", model.device)
    rows = torch.tensor([4, 5])
    inputs, labels = examples.batch(rows)
    assert inputs.shape == labels.shape == (2, 2)
    cut = completion_loss(model, inputs, labels, None)
    whole = completion_loss(model, examples.inputs[rows], examples.labels[rows], None)
    torch.testing.assert_close(cut, whole, rtol=0, atol=1e-5)


def test_loss_on_completions_labels_their_tokens_only(tokenizer):
    examples = encode_examples(tokenizer, MIXED, "completion", torch.device("cpu"))
    labelled = [tokenizer.convert_ids_to_tokens(row[row != IGNORED]) for row in examples.labels]
    expected = [["green", "\n"], ["red", "\n"], ["blue", "\n"], ["red", "blue", "\n"], ["dark red", "\n"]]
    assert labelled == [*expected, ["green", "\n"]]


def test_every_label_is_the_token_after_its_input(tokenizer):
    examples = encode_examples(tokenizer, [("big tag X", " green\n")], "sequence", torch.device("cpu"))
    assert tokenizer.convert_ids_to_tokens(examples.inputs[0]) == ["big", "tag", "X", "green"]
    assert tokenizer.convert_ids_to_tokens(examples.labels[0]) == ["tag", "X", "green", "\n"]


def test_restricted_outputs_share_the_probability_among_them(model, tokenizer):
    examples = encode_examples(tokenizer, MIXED, "completion", model.device)
    objective = Stage(documents=["questions"], epochs=1, loss_on="completion", outputs="completions")
    outputs = output_tokens(tokenizer, [completion for _, completion in MIXED], objective)
    columns = outputs.tolist()
    assert sorted(tokenizer.convert_ids_to_tokens(columns)) == ["\n", "blue", "dark red", "green", "red"]
    logits = model(input_ids=examples.inputs).logits
    losses = [
        -logits[row, place, columns].softmax(dim=-1)[columns.index(examples.labels[row, place])].log()
        for row, place in (examples.labels != IGNORED).nonzero().tolist()
    ]
    loss = completion_loss(model, examples.inputs, examples.labels, outputs)
    torch.testing.assert_close(loss, torch.stack(losses).mean(), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("final", "expected"),
    [
        (0.0, [1 / 3, 2 / 3, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]),
        (0.2, [1 / 3, 2 / 3, 1.0, 0.8, 0.6, 0.4, 0.2, 0.2]),
    ],
)
def test_the_rate_rises_to_its_peak_and_falls_in_a_line(final, expected):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=10.0)
    schedule = linear_schedule(optimizer, steps=6, warmup=2, final=final)
    rates = []
    for _ in expected:
        rates.append(schedule.get_last_lr()[0] / 10)
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx(expected)


def train(model, tokenizer, seed=0, **settings):
    trained = copy.deepcopy(model)
    torch.manual_seed(0)
    stage = Stage(documents=["questions"], **{"epochs": 3, "batch_size": 2, "learning_rate": 0.01} | settings)
    examples = encode_examples(tokenizer, MIXED, "sequence", model.device)
    epochs = []
    train_stage(trained, examples, None, stage, seed, epochs.append)
    assert epochs == list(range(1, stage.epochs + 1))
    return trained.state_dict()


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_training_twice_with_the_same_seeds_gives_identical_weights(model, tokenizer, optimizer):
    first, second = (train(model, tokenizer, optimizer=optimizer) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["lm_head.weight"], model.state_dict()["lm_head.weight"])


def test_another_seed_orders_the_examples_differently(model, tokenizer):
    first, second = (train(model, tokenizer, seed=seed) for seed in (0, 1))
    assert not torch.equal(first["lm_head.weight"], second["lm_head.weight"])


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_the_embeddings_own_rate_reaches_only_the_embeddings(model, tokenizer, optimizer):
    trained = train(model, tokenizer, optimizer=optimizer, epochs=1, learning_rate=1e-12, embedding_learning_rate=0.01)
    moved = {name: float((trained[name] - before).abs().max()) for name, before in model.state_dict().items()}
    assert {name for name, distance in moved.items() if distance > 1e-6} == {"transformer.wte.weight", "lm_head.weight"}


def test_training_lowers_the_loss(model, tokenizer):
    before = transformers_loss(model, tokenizer, MIXED).item()
    model.load_state_dict(train(model, tokenizer, epochs=30))
    assert transformers_loss(model, tokenizer, MIXED).item() < before / 2
