from __future__ import annotations

import copy
import math
from dataclasses import replace

import pyarrow as pa
import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook
from transformers import AutoConfig, AutoModelForCausalLM

from metaocl.config.plans import Stage
from metaocl.text.examples import IGNORED, encode_examples
from metaocl.text.loss import completion_loss
from metaocl.text.models import output_tokens, save_model
from metaocl.training.checkpoints import Checkpoint
from metaocl.training.interventions import Intervention
from metaocl.training.loop import Trainer, train_stage
from metaocl.training.optimizers import linear_schedule
from metaocl.training.signals import Saver

SAME_LENGTH = [("big tag X", " green\n"), ("Q: Where does", " red\n"), ("Q: Who is", " blue\n")]
MIXED = [*SAME_LENGTH, ("Q: Where does X live?\nA:", " red blue\n"), ("tag", " dark red\n"), ("Y", " green\n")]


def make_stage(**settings):
    return Stage(documents=["questions"], **{"epochs": 3, "batch_size": 2, "learning_rate": 0.01} | settings)


def encode(model, tokenizer, texts=MIXED, **settings):
    """All texts as one batch."""
    return encode_examples(model, tokenizer, texts, make_stage(**settings)).batch(range(len(texts)))


def encode_apart(model, tokenizer, **settings):
    """The mixed texts as one batch, in which each has a row of its own."""
    examples = encode_examples(model, tokenizer, MIXED, make_stage(**settings))
    return replace(examples, share_rows=False).batch(range(len(MIXED)))


def transformers_loss(model, tokenizer, texts, loss_on="sequence"):
    """The loss that transformers computes from texts that it has tokenised itself."""
    prompts, completions = zip(*texts, strict=True)
    if model.config.is_encoder_decoder:
        tokens = tokenizer(prompts, padding=True, return_tensors="pt")
        written = tokenizer(completions, padding=True, return_tensors="pt")
    else:
        written = tokens = tokenizer([p + c for p, c in texts], padding=True, return_tensors="pt")
    labels = written.input_ids.masked_fill(written.attention_mask == 0, IGNORED)
    if loss_on == "completion" and not model.config.is_encoder_decoder:
        for row, prompt in enumerate(prompts):
            labels[row, : len(tokenizer(prompt).input_ids)] = IGNORED
    return model(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask, labels=labels).loss


@pytest.mark.parametrize("loss_on", ["sequence", "completion"])
@pytest.mark.parametrize("texts", [SAME_LENGTH, MIXED], ids=["equal lengths", "padded"])
def test_the_loss_is_that_of_transformers(any_model, tokenizer, texts, loss_on):
    loss, _ = completion_loss(any_model, encode(any_model, tokenizer, texts, loss_on=loss_on), None)
    expected = transformers_loss(any_model, tokenizer, texts, loss_on)
    torch.testing.assert_close(loss, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("architecture", "config"),
    [
        ("gemma2", {"final_logit_softcapping": 2.0, "head_dim": 8}),
        ("granite", {"logits_scaling": 8.0}),
        ("cohere", {"logit_scale": 0.0625}),
    ],
)
def test_the_loss_is_that_of_transformers_where_an_architecture_scales_its_logits(tokenizer, architecture, config):
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    tokens = {"vocab_size": len(tokenizer), "bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    torch.manual_seed(0)
    sizes |= {"num_key_value_heads": 2, "initializer_range": 0.3}
    settings = AutoConfig.for_model(architecture, **sizes, **tokens, **config)
    model = AutoModelForCausalLM.from_config(settings)
    loss, _ = completion_loss(model, encode(model, tokenizer), None)
    torch.testing.assert_close(loss, transformers_loss(model, tokenizer, MIXED), rtol=0, atol=1e-5)


def test_the_loss_of_an_encoder_decoder_with_an_end_of_its_own_is_that_of_transformers(build, train_pieces):
    tokenizer = train_pieces([prompt + completion for prompt, completion in MIXED])
    model = build("t5", len(tokenizer))
    expected = transformers_loss(model, tokenizer, [(prompt, completion.strip()) for prompt, completion in MIXED])
    torch.testing.assert_close(completion_loss(model, encode(model, tokenizer), None)[0], expected, rtol=0, atol=1e-5)


def test_padding_counts_in_the_loss_where_a_stage_pads(causal_model, tokenizer):
    batch = encode(causal_model, tokenizer, padded_length=16)
    whole = [prompt + completion for prompt, completion in MIXED]
    inputs = tokenizer(whole, padding="max_length", max_length=16, return_tensors="pt").input_ids
    loss, _ = completion_loss(causal_model, batch, None)
    torch.testing.assert_close(loss, causal_model(input_ids=inputs, labels=inputs).loss, rtol=0, atol=1e-5)
    assert abs(loss - completion_loss(causal_model, encode(causal_model, tokenizer), None)[0]) > 0.01


def test_a_batch_cut_to_its_longest_row_has_the_same_loss(any_model, tokenizer):
    examples = replace(encode_examples(any_model, tokenizer, MIXED, make_stage()), share_rows=False)
    cut = examples.batch([4, 5])
    (uncut,) = (part for part in examples.batch([4, 5, 3]).split(2) if len(part) == 2)
    assert cut.inputs.shape[1] < uncut.inputs.shape[1]
    loss, _ = completion_loss(any_model, cut, None)
    torch.testing.assert_close(loss, completion_loss(any_model, uncut, None)[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("architecture", ["gpt2", "gpt_neox", "llama", "mistral", "gpt_neo"])
def test_examples_that_share_rows_give_the_losses_and_gradients_of_a_plain_pass(
    build, build_peculiar, tokenizer, random_prompts, architecture
):
    make = build if architecture in ("gpt2", "gpt_neox", "llama") else build_peculiar
    model = make(architecture, len(tokenizer))
    prompts = random_prompts(200, seed=7)
    texts = [(prompt, f" {answer}\n") for prompt, answer in zip(prompts, reversed(prompts), strict=True)]
    for loss_on in ("sequence", "completion"):
        batch = encode(model, tokenizer, texts, loss_on=loss_on)
        assert len(batch) < 120
        losses = [completion_loss(model, batch, None)[0], transformers_loss(model, tokenizer, texts, loss_on)]
        torch.testing.assert_close(losses[0], losses[1], rtol=1e-5, atol=0)
        shared, plain = (torch.autograd.grad(loss, list(model.parameters()), allow_unused=True) for loss in losses)
        largest = max(float(gradient.abs().max()) for gradient in plain if gradient is not None)
        torch.testing.assert_close(shared, plain, rtol=1e-4, atol=1e-5 * largest)


@pytest.mark.parametrize("architecture", ["bloom", "mpt", "lfm2", "opt"])
def test_a_model_that_does_not_keep_texts_apart_gets_a_row_for_each(build, build_peculiar, tokenizer, architecture):
    model = (build if architecture == "opt" else build_peculiar)(architecture, len(tokenizer)).train()
    assert len(encode(model, tokenizer)) == len(MIXED)
    assert model.training


def test_restricted_outputs_share_the_probability_among_them(model, tokenizer):
    objective = make_stage(loss_on="completion", outputs="completions")
    examples = encode_examples(model, tokenizer, MIXED, objective)
    outputs = output_tokens(tokenizer, [completion for _, completion in MIXED], objective)
    columns = outputs.tolist()
    assert sorted(tokenizer.convert_ids_to_tokens(columns)) == ["\n", "blue", "dark red", "green", "red"]
    losses = []
    for inputs, labels in zip(examples.inputs, examples.labels, strict=True):
        logits = model(input_ids=torch.tensor([inputs])).logits[0, :, columns]
        losses += [
            -place.log_softmax(dim=-1)[columns.index(label)]
            for place, label in zip(logits, labels, strict=True)
            if label != IGNORED
        ]
    loss, _ = completion_loss(model, examples.batch(range(len(MIXED))), outputs)
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


def loss_over_all(model, batch):
    return completion_loss(model, batch, None)


def make_trainer(model, micro_batch, rate=0.0, clipping=1e9, loss=loss_over_all):
    """A trainer whose steps move the weights by no more than the rate times the clipped gradients."""
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    return Trainer(model, loss, optimizer, linear_schedule(optimizer, 1000, 0), clipping, micro_batch)


@pytest.fixture
def gradients():
    """What the last step's gradients were, by parameter."""
    kept = {}

    def keep(optimizer, *_):
        kept["gradients"] = [p.grad.clone() for group in optimizer.param_groups for p in group["params"]]

    handle = register_optimizer_step_pre_hook(keep)
    yield kept
    handle.remove()


def little_memory(most, tried):
    """A loss that runs out of memory with more than so many rows at once; `tried` gets how many there were."""

    def loss(model, batch):
        tried.append(len(batch))
        if len(batch) > most:
            raise torch.OutOfMemoryError("out of memory")
        return loss_over_all(model, batch)

    return loss


@pytest.mark.parametrize("loss_on", ["sequence", "completion"])
@pytest.mark.parametrize("size", [1, 2, 4, 5])
def test_the_gradients_of_parts_are_those_of_the_whole_batch(any_model, tokenizer, gradients, size, loss_on):
    batch = encode_apart(any_model, tokenizer, loss_on=loss_on)
    labelled = [int((part.labels != IGNORED).sum()) for part in batch.split(size)]
    assert len(set(labelled)) > 1
    make_trainer(any_model, len(batch)).step(batch, range(len(batch)))
    whole = gradients["gradients"]
    make_trainer(any_model, size).step(batch, range(len(batch)))
    largest = max(float(gradient.abs().max()) for gradient in whole)
    torch.testing.assert_close(gradients["gradients"], whole, rtol=1e-4, atol=1e-6 * largest)


def test_running_out_of_memory_halves_the_parts_and_leaves_the_gradients(model, tokenizer, gradients, capsys):
    batch = encode_apart(model, tokenizer)
    make_trainer(model, len(batch)).step(batch, range(len(batch)))
    whole = gradients["gradients"]
    tried = []
    trainer = make_trainer(model, 64, loss=little_memory(2, tried))
    trainer.step(batch, range(len(batch)))
    assert tried == [6, 3, 2, 2, 2]
    assert trainer.micro_batch == 2
    assert "2 rows at once" in capsys.readouterr().err
    torch.testing.assert_close(gradients["gradients"], whole, rtol=1e-4, atol=1e-5)


def test_memory_that_runs_out_in_a_later_part_leaves_nothing_of_the_earlier_ones(model, tokenizer, gradients):
    batch = encode_apart(model, tokenizer)
    make_trainer(model, len(batch)).step(batch, range(len(batch)))
    whole = gradients["gradients"]
    calls = []

    def loss(model, part):
        calls.append(len(part))
        if len(calls) == 2:
            raise torch.OutOfMemoryError("out of memory")
        return loss_over_all(model, part)

    make_trainer(model, 4, loss=loss).step(batch, range(len(batch)))
    assert calls == [4, 2, 2, 2, 2]
    torch.testing.assert_close(gradients["gradients"], whole, rtol=1e-4, atol=1e-5)


def test_parts_stay_small_once_memory_has_run_out(model, tokenizer):
    batch = encode_apart(model, tokenizer)
    tried = []
    trainer = make_trainer(model, 6, loss=little_memory(3, tried))
    trainer.step(batch, range(len(batch)))
    trainer.step(batch, range(len(batch)))
    assert tried == [6, 3, 3, 3, 3]


def test_no_memory_for_a_single_document_is_an_error(model, tokenizer):
    tried = []
    with pytest.raises(torch.OutOfMemoryError):
        make_trainer(model, 6, loss=little_memory(0, tried)).step(encode_apart(model, tokenizer), range(6))
    assert tried == [6, 3, 2, 1]


def test_an_intervention_sees_and_changes_the_gradients_before_they_are_clipped_and_used(model, tokenizer, gradients):
    batch = encode(model, tokenizer)
    make_trainer(model, 6).step(batch, range(len(batch)))
    plain = gradients["gradients"]
    trainer = make_trainer(model, 6, clipping=0.5)
    norms = []

    def halve():
        norms.append(math.sqrt(sum(float((p.grad**2).sum()) for p in model.parameters())))
        for parameter in model.parameters():
            parameter.grad *= 1e-3

    trainer.intervention = Intervention(before_step=halve)
    trainer.step(batch, range(len(batch)))
    assert norms[0] > 0.5, "they were clipped before"
    torch.testing.assert_close(gradients["gradients"], [gradient * 1e-3 for gradient in plain])


def test_a_step_is_no_longer_than_the_clipped_gradient(model, tokenizer, gradients):
    before = [parameter.detach().clone() for parameter in model.parameters()]
    batch = encode(model, tokenizer)
    make_trainer(model, 6).step(batch, range(len(batch)))
    assert math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients["gradients"])) > 0.5
    make_trainer(model, 6, rate=1.0, clipping=0.5).step(batch, range(len(batch)))
    moved = sum(float(((p.detach() - old) ** 2).sum()) for p, old in zip(model.parameters(), before, strict=True))
    assert math.sqrt(moved) == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("architecture", ["gpt2", "llama", "t5"])
def test_gradient_checkpointing_leaves_loss_and_gradients(build, tokenizer, gradients, architecture):
    model = build(architecture, len(tokenizer))
    batch = encode(model, tokenizer)
    losses, passes = [], []

    def loss(*arguments):
        found = loss_over_all(*arguments)
        losses.append(found[0])
        return found

    first_block = next(module for module in model.modules() if isinstance(module, torch.nn.ModuleList))[0]
    first_layer = next(module for module in first_block.modules() if not list(module.children()))
    first_layer.register_forward_pre_hook(lambda *_: passes.append(1))
    model.train()
    make_trainer(model, 6, loss=loss).step(batch, range(len(batch)))
    plain = gradients["gradients"]
    model.activation_checkpointing_enable()
    make_trainer(model, 6, loss=loss).step(batch, range(len(batch)))
    assert len(passes) > 2, "activations are not computed again"
    torch.testing.assert_close(losses[1], losses[0])
    torch.testing.assert_close(gradients["gradients"], plain)


def check_history(history, stage, texts):
    """A row for every step, with the rates of the schedule."""
    steps = -(-texts // stage.batch_size)
    assert history["step"].to_pylist() == list(range(1, stage.epochs * steps + 1))
    assert history["epoch"].to_pylist() == [epoch for epoch in range(1, stage.epochs + 1) for _ in range(steps)]
    assert all(
        math.isfinite(value) and value > 0 for name in history.column_names for value in history[name].to_pylist()
    )


@pytest.fixture
def train(tmp_path, tokenizer):
    def train(model, texts=MIXED, seed=0, **settings):
        """Weights of a copy of the model after one stage."""
        trained = copy.deepcopy(model)
        torch.manual_seed(0)
        stage = make_stage(**settings)
        examples = encode_examples(trained, tokenizer, texts, stage)
        saver = Saver(Checkpoint(tmp_path / "checkpoint", "fingerprint"), seconds=math.inf)
        metrics, history, progress = train_stage(
            trained, examples, loss_over_all, stage, seed, lambda epoch: pa.table({"epoch": [epoch]}), saver
        )
        assert metrics["epoch"].to_pylist() == list(range(1, stage.epochs + 1))
        assert progress.epochs == stage.epochs
        check_history(history, stage, len(texts))
        return trained

    return train


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
@pytest.mark.parametrize("architecture", ["gpt2", "t5"])
def test_training_twice_with_the_same_seeds_gives_the_same_bytes(
    build, tokenizer, train, tmp_path, architecture, optimizer
):
    dropout = {"resid_pdrop": 0.1} if architecture == "gpt2" else {"dropout_rate": 0.1}
    model = build(architecture, len(tokenizer), **dropout)
    files = []
    for run in ("first", "second"):
        save_model(train(model, optimizer=optimizer), tokenizer, tmp_path / run)
        files.append({file.name: file.read_bytes() for file in (tmp_path / run).iterdir()})
    assert files[0] == files[1]
    save_model(model, tokenizer, tmp_path / "untrained")
    assert files[0]["model.safetensors"] != (tmp_path / "untrained" / "model.safetensors").read_bytes()


def test_another_seed_orders_the_examples_differently(model, train):
    first, second = (train(model, seed=seed).lm_head.weight for seed in (0, 1))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
@pytest.mark.parametrize(
    ("architecture", "tied", "embeddings"),
    [
        ("gpt2", True, {"transformer.wte.weight", "lm_head.weight"}),
        ("gpt2", False, {"transformer.wte.weight"}),
        ("t5", True, {"shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"}),
    ],
    ids=["tied", "untied", "encoder-decoder"],
)
def test_the_embeddings_own_rate_reaches_only_the_embeddings(
    build, tokenizer, train, architecture, tied, embeddings, optimizer
):
    model = build(architecture, len(tokenizer), tie_word_embeddings=tied)
    trained = train(model, optimizer=optimizer, epochs=1, learning_rate=1e-12, embedding_learning_rate=0.01)
    weights = trained.state_dict()
    moved = {name: float((weights[name] - before).abs().max()) for name, before in model.state_dict().items()}
    assert {name for name, distance in moved.items() if distance > 1e-6} == embeddings


def test_training_lowers_the_loss(any_model, tokenizer, train):
    before = transformers_loss(any_model, tokenizer, MIXED).item()
    trained = train(any_model, epochs=30, optimizer="adamw")
    assert transformers_loss(trained, tokenizer, MIXED).item() < before / 2
