"""What a model can do is found out by trying it, before training; nothing else about a run changes by that."""

from __future__ import annotations

import json
import sys

import pytest
import torch

import prepare_model
from metaocl.config.models import BaseTraining, Model, Pretrained
from metaocl.config.plans import Stage
from metaocl.documents.records import Document
from metaocl.facts.fact import Fact, ask
from metaocl.text import forward
from metaocl.text.base_training import train_from_scratch, write_corpus
from metaocl.text.examples import Examples
from metaocl.text.forward import findings, output_of
from metaocl.text.models import TRIALS, ModelError, load_model, save_model
from metaocl.text.pretrained import load_pretrained
from metaocl.text.task import make_text_task
from metaocl.text.trials import check_length, check_model, describe_abilities, keeps_texts_apart, pick_reading
from tools.document_models import compare_answers, compare_losses
from tools.tiny_models import tiny_model

STAGE = Stage(documents=["questions"], epochs=1, learning_rate=0.01)
TOKENS = [20, 50, 30, 40, 90]


def document(part, prompt, completion):
    return Document(part, "qd1", "X", "question", prompt, completion)


LONG = document("definitions", "big tag X " * 6, " green\n")
SHORT = document("questions", "Q: Who is X?\nA:", " green\n")


@pytest.mark.parametrize("architecture", ["gpt2", "opt", "gpt_neox", "llama"])
def test_plain_architectures_take_the_short_cut(build, tokenizer, architecture):
    assert output_of(build(architecture, len(tokenizer))).short_cut


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("modernbert-decoder", {}),  # a prediction head
        ("gemma2", {"final_logit_softcapping": 2.0}),
        ("granite", {"logits_scaling": 8.0}),  # divides
        ("hyperclovax", {"logits_scaling": 8.0}),  # multiplies
        ("cohere", {"logit_scale": 0.0625}),
        ("nanochat", {}),  # a cap by another name
    ],
)
def test_what_a_model_does_between_body_and_logits_counts(architecture, settings):
    model = tiny_model(architecture, **settings)
    assert not output_of(model).short_cut
    rows = [TOKENS, TOKENS[::-1], TOKENS[:3]]
    compare_losses(model, Examples([row[:-1] for row in rows], [row[1:] for row in rows], share_rows=False))


def test_a_cap_that_small_logits_do_not_reach_yet_is_seen():
    model = tiny_model("gemma2", final_logit_softcapping=30.0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 0.01
        body, head = model.base_model, model.get_output_embeddings()
        hidden = body(input_ids=torch.tensor([TOKENS])).last_hidden_state
        torch.testing.assert_close(model(input_ids=torch.tensor([TOKENS])).logits, head(hidden))
    assert not output_of(model).short_cut


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("architecture", ["gpt2", "t5"])
def test_trials_leave_the_random_generator_the_mode_and_the_gradients_alone(build, tokenizer, architecture, training):
    dropout = {"resid_pdrop": 0.5} if architecture == "gpt2" else {"dropout_rate": 0.5}
    model = build(architecture, len(tokenizer), **dropout).train(training)
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    generator, settings = torch.get_rng_state(), model.generation_config
    describe_abilities(model)
    assert torch.equal(torch.get_rng_state(), generator)
    assert model.training == training
    assert model.generation_config is settings
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(weight, weights[name]) for name, weight in model.state_dict().items())


def test_dropout_before_the_output_layer_is_seen(build, tokenizer):
    model = build("gpt2", len(tokenizer))
    body = model.base_model.forward

    def forward(*arguments, **settings):
        output = body(*arguments, **settings)
        output.last_hidden_state = torch.nn.functional.dropout(output.last_hidden_state, 0.1, model.training)
        return output

    model.base_model.forward = forward
    assert not output_of(model).short_cut


@pytest.mark.parametrize("architecture", ["llama", "gemma2"])
def test_a_saved_model_is_not_tried_again(architecture, tokenizer, tmp_path, monkeypatch):
    model = tiny_model(architecture)
    first = make_text_task(model, tokenizer, [SHORT], STAGE).model
    output = output_of(first)
    save_model(first, tokenizer, tmp_path)
    loaded, reader = load_model(tmp_path)
    for name in ("_short_cut_agrees", "_last_only_agrees"):
        monkeypatch.setattr(forward, name, None)
    assert output_of(make_text_task(loaded, reader, [SHORT], STAGE).model) == output


def test_a_pretrained_model_s_own_word_for_what_it_can_do_is_not_taken(tokenizer, tmp_path):
    folder = tmp_path / "hostile"
    save_model(tiny_model("xlnet"), tokenizer, folder)
    (folder / TRIALS).write_text('{"reads_texts": true, "short_cut": true, "last_only": true}')
    source = Pretrained(folder=str(folder))
    model, _ = load_pretrained(source)
    with pytest.raises(ModelError, match="xlnet does not read from left to right"):
        describe_abilities(model)


def test_only_texts_longer_than_were_tried_are_tried_again(monkeypatch):
    model, passes = tiny_model("llama"), []
    counted = model.register_forward_hook(lambda *_: passes.append(1))
    assert [keeps_texts_apart(model, TOKENS[:length]) for length in (3, 2, 3)] == [True] * 3
    tried = len(passes)
    assert keeps_texts_apart(model, TOKENS)
    counted.remove()
    assert (tried, len(passes)) == (2, 4)


@pytest.mark.parametrize("architecture", ["mamba", "openai-gpt", "rwkv"])
def test_models_without_a_cache_like_others_answer_as_transformers_generates(architecture):
    model = tiny_model(architecture)
    assert not describe_abilities(model)["answers_with_cache"]
    compare_answers(model, ["w1 w2 w3", "w4", "w5 w6 w7 w8"], None)


@pytest.mark.parametrize("architecture", ["gemma3", "gemma3_text", "gemma4", "mistral"])
def test_windows_count_wherever_the_configuration_keeps_them(architecture):
    model = tiny_model(architecture)
    assert model.config.get_text_config().sliding_window == 4
    prompts = [" ".join(f"w{(7 * place + length) % 113}" for place in range(length)) for length in (3, 9, 6, 9, 12, 2)]
    compare_answers(model, prompts + [f"w1 w2 w3 {prompt}" for prompt in prompts], None)


@pytest.mark.parametrize("documents", [[LONG], [SHORT, LONG]], ids=["trained on", "of another stage"])
def test_a_text_longer_than_the_positions_is_refused_before_training(build, tokenizer, documents):
    model = build("gpt2", len(tokenizer), n_positions=12)
    with pytest.raises(ModelError, match=r"^the longest text has 20 tokens, and gpt2 has 12 positions: [^\n]*$"):
        make_text_task(model, tokenizer, documents, STAGE)


def test_an_answer_that_would_end_behind_the_last_position_is_refused_before_training(build, tokenizer):
    task = make_text_task(build("gpt2", len(tokenizer), n_positions=12), tokenizer, [SHORT], STAGE)
    with pytest.raises(ModelError, match="and gpt2 has 12 positions"):
        task.evaluator([SHORT])


def test_a_base_model_with_too_few_positions_is_refused_before_it_is_trained(monkeypatch):
    facts = [Fact("Alda", "Alda", "Where does {name} live?", ask("Where does {name} live?"), "Rome")]
    base = BaseTraining(steps=1, nicknames=1)
    settings = Model(architecture="gpt2", architecture_config={"n_positions": 10, "n_embd": 12}, base_training=base)
    monkeypatch.setattr("metaocl.text.base_training.train_base", lambda *_: pytest.fail("was trained"))
    with pytest.raises(ModelError, match="and gpt2 has 10 positions"):
        train_from_scratch(facts, write_corpus(facts, base), settings, base)


def test_a_model_that_can_count_on_is_told_of_but_not_refused(build, tokenizer, capsys):
    make_text_task(build("llama", len(tokenizer), max_position_embeddings=12), tokenizer, [LONG], STAGE)
    assert "the longest text has 20 tokens, and llama was made for 12" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("architecture", "settings", "reason"),
    [
        ("bert", {"is_decoder": False}, "does not read from left to right.*is_decoder"),
        ("xlnet", {}, "does not read from left to right"),
        ("trocr", {}, "has a loss of its own"),
        ("mbart", {}, "has a loss of its own"),
        ("git", {}, "cannot be trained on text alone"),
    ],
)
def test_a_model_that_cannot_be_trained_on_texts_is_refused(architecture, settings, reason):
    with pytest.raises(ModelError, match=rf"^{architecture} {reason}[^\n]*$"):
        describe_abilities(tiny_model(architecture, **settings))


def test_a_model_that_contradicts_itself_is_not_prepared():
    with pytest.raises(
        ModelError, match=r"^roberta: transformers' generate and its own forward give different logits$"
    ):
        describe_abilities(tiny_model("roberta"))


@pytest.mark.parametrize("architecture", ["gpt2", "t5", "llama"])
def test_the_record_of_a_prepared_model_says_what_it_can_do(build, train_bytes, tmp_path, monkeypatch, architecture):
    tokenizer = train_bytes(["Q: Where does X live?\nA: red blue\n"])
    build(architecture, len(tokenizer)).save_pretrained(tmp_path / "saved")
    tokenizer.save_pretrained(tmp_path / "saved")
    settings = json.dumps({"folder": str(tmp_path / "saved")})
    arguments = ["--pretrained", settings, "--model", str(tmp_path / "model"), "--run", str(tmp_path / "run.json")]
    monkeypatch.setattr(sys, "argv", ["prepare_model.py", *arguments])
    prepare_model.main()
    abilities = json.loads((tmp_path / "run.json").read_text())["measured"]["abilities"]
    names = {"reads_padded", "answers_with_cache"}
    names |= set() if architecture == "t5" else {"short_cut_to_logits", "texts_share_rows"}
    assert abilities == dict.fromkeys(names, True)


def test_texts_share_rows_up_to_the_length_that_was_tried(build_peculiar, tokenizer):
    for architecture, apart in (("mistral", True), ("mpt", False), ("lfm2", False)):
        assert keeps_texts_apart(build_peculiar(architecture, len(tokenizer)), [3, 4, 5, 6, 7]) == apart


@pytest.mark.parametrize(
    "ask",
    [
        output_of,
        check_model,
        describe_abilities,
        lambda model: check_length(model, TOKENS, TOKENS),
        lambda model: keeps_texts_apart(model, TOKENS),
        lambda model: pick_reading(model, tuple(TOKENS), 4),
    ],
    ids=["output", "model", "abilities", "length", "apart", "reading"],
)
def test_a_lack_of_memory_is_not_taken_for_a_property_of_the_model(build, tokenizer, monkeypatch, ask):
    model = build("gpt2", len(tokenizer))

    def forward(*_, **__):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(model, "forward", forward)
    monkeypatch.setattr(model.base_model, "forward", forward)
    with pytest.raises(torch.OutOfMemoryError):
        ask(model)
    assert findings(model) == {}
