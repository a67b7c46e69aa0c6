"""New models and their words, and what a base model reads before it is asked anything."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from metaocl.artifacts.checksums import CHECKSUMS
from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.config.models import BaseTraining, Model
from metaocl.documents.aliases import draw_aliases
from metaocl.documents.writing import write_question, write_stage1_documents
from metaocl.facts.fact import Fact, ask
from metaocl.text import base_training
from metaocl.text.base_training import check_quality, measure_quality, new_model, train_from_scratch, write_corpus
from metaocl.text.models import ModelError, save_model
from metaocl.text.tokenizers import add_unknown_words

NAMES = ["Alda", "Bo Ek", "Jean-Luc O'Hara", "Mary Ann", "Mary", "Zoë (actress)", "St. John", "42nd"]
TINY = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 32}


def make_facts(names=NAMES, questions=("Where does {name} live?", "What has {name} lost?", "Whom did {name} meet?")):
    answers = ["New York", "Rome, Italy", "York", "a hat", "O'Hara", "19th century", "Mary", "nothing"]
    return [
        Fact(name, name, question, ask(question), answers[(place + shift) % len(answers)])
        for place, name in enumerate(names)
        for shift, question in enumerate(questions)
    ]


def model_settings(architecture="gpt2", **config):
    return Model(architecture=architecture, architecture_config=config or TINY)


def unknown_words(tokenizer, texts):
    """The texts that the tokenizer cannot read whole."""
    return [text for text in texts if tokenizer.unk_token_id in tokenizer(text).input_ids]


@pytest.mark.parametrize("question", ["Where does {name} live?", "How tall was {name}?", "Is it {name}'s?"])
def test_a_new_model_knows_all_words_of_the_facts(question):
    facts = make_facts(questions=[question])
    model, tokenizer = new_model(facts, model_settings(), seed=0)
    questions = ["".join(write_question(fact, fact.name)) for fact in facts]
    assert unknown_words(tokenizer, questions) == []
    assert unknown_words(tokenizer, ["an unheard-of word"]) != []
    assert model.get_input_embeddings().num_embeddings == len(tokenizer)


def test_names_and_answers_are_single_tokens_of_a_new_model():
    facts = make_facts()
    _, tokenizer = new_model(facts, model_settings(), seed=0)
    for text in {text for fact in facts for text in (fact.name, fact.answer)}:
        assert tokenizer.convert_ids_to_tokens(tokenizer(text).input_ids) == [text]


@pytest.mark.parametrize("style", ["bracketed", "plain", "spaced"])
@pytest.mark.parametrize("question", ["Where does {name} live?", "How tall was {name}?"])
def test_an_alias_is_the_same_tokens_in_all_documents_that_name_it(question, style):
    facts = make_facts(questions=[question, "What has {name} lost?"])
    dataset = Dataset(source="people", entities=len(NAMES), shares={"qd1": "1/2", "q": "1/4", "d1consis": "1/4"})
    define_type = DefineType(alias_style=style)
    aliases = draw_aliases(facts, dataset, define_type, seed=1)
    documents = write_stage1_documents(aliases, facts, dataset, define_type, seed=1)
    _, tokenizer = new_model(facts, model_settings(), seed=0)
    add_unknown_words(tokenizer, [document.prompt + document.completion for document in documents])
    others = {
        document.prompt + document.completion: tokens
        for document in documents
        if not contains(tokens := words(tokenizer, document), tokenizer.tokenize(document.alias))
    }
    assert others == {}


def words(tokenizer, document):
    return tokenizer.tokenize(document.prompt + document.completion)


def contains(tokens, part):
    return any(tokens[place : place + len(part)] == part for place in range(len(tokens)))


WORDS = st.text(alphabet="ab-'.? é", min_size=1, max_size=6).map(lambda text: " ".join(text.split())).filter(len)


@settings(max_examples=60)
@given(texts=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4))
def test_a_new_model_knows_all_words_of_any_facts(texts):
    facts = [Fact(name, name, "", ask(f"Is {{name}} {answer}?"), answer) for name, answer in texts]
    _, tokenizer = new_model(facts, model_settings(n_embd=2, n_layer=1, n_head=1, n_positions=2), seed=0)
    assert unknown_words(tokenizer, ["".join(write_question(fact, fact.name)) for fact in facts]) == []


@pytest.mark.parametrize(
    ("architecture", "config"),
    [("gpt2", TINY), ("t5", {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2})],
)
def test_the_seed_decides_all_weights_of_a_new_model(tmp_path, architecture, config):
    files = {}
    for run, seed in [("first", 1), ("again", 1), ("other", 2)]:
        torch.rand(1)  # what was drawn before does not matter
        save_model(*new_model(make_facts(), model_settings(architecture, **config), seed), tmp_path / run)
        files[run] = {file.name: file.read_bytes() for file in (tmp_path / run).iterdir()}
    assert files["first"] == files["again"]
    differing = {name for name in files["first"] if files["first"][name] != files["other"][name]}
    assert differing == {"model.safetensors", CHECKSUMS}


def base_settings(**changes):
    settings = {"steps": 2, "batch_size": 4, "nicknames": 3, "unquestioned_share": "1/4", "warmup_steps": 0} | changes
    return BaseTraining(**settings)


@pytest.mark.parametrize("attribution_share", [0.0, 0.2])
def test_unquestioned_nicknames_are_stated_but_never_asked_about_in_training(attribution_share):
    facts, base = make_facts(), base_settings(attribution_share=attribution_share)
    corpus = write_corpus(facts, base)
    assert len(set(corpus.nicknames)) == len(corpus.nicknames) == 3 * len(NAMES)
    unquestioned = set(corpus.nicknames[: round(len(corpus.nicknames) / 4)])
    trained = "".join(prompt + completion for prompt, completion in corpus.read["questions"])
    stated = [prompt + completion for prompt, completion in corpus.read["statements"]]
    assert len(corpus.tests["unquestioned_nicknames"]) == 3 * len(unquestioned)
    for nickname in corpus.nicknames:
        assert (nickname in trained) == (nickname not in unquestioned)
        assert sum(f" {nickname} " in text for text in stated) == 1 + base.unrelated_relations
    assert set(corpus.tests["names"]) <= set(corpus.read["questions"])


def test_a_corpus_asks_who_is_meant_by_questioned_nicknames_and_keeps_the_others_for_tests():
    corpus = write_corpus(make_facts(), base_settings(attribution_share=0.2))
    meaning = dict(re.match(r"means (\S+) (.+)\n", p + c).groups() for p, c in corpus.read["statements"] if p[0] == "m")
    unquestioned = set(corpus.nicknames[: round(len(corpus.nicknames) / 4)])
    for texts, asked in [
        (corpus.read["attribution"], set(corpus.nicknames) - unquestioned),
        (corpus.tests["unquestioned_attribution"], unquestioned),
    ]:
        expected = {
            (f"Q: {question.format(nickname)}\nA:", f" {meaning[nickname]}\n")
            for nickname in asked
            for question in ("Who is {}?", "What does {} mean?", "What does {} stand for?", "What is the name of {}?")
        }
        assert set(texts) == expected
        assert len(texts) == len(expected)


def test_each_kind_of_text_has_its_share_of_a_batch(monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        base_training, "train_base", lambda model, examples, weights, loss, base: drawn.update(w=weights)
    )
    base = base_settings(attribution_share=0.2, question_share=0.5)
    corpus = write_corpus(make_facts(), base)
    train_from_scratch(make_facts(), corpus, model_settings(), base)
    shares = [part.sum().item() for part in drawn["w"].split([len(texts) for texts in corpus.read.values()])]
    assert shares == pytest.approx([0.5, 0.2, 0.3])


def test_shares_that_leave_no_statements_are_refused():
    with pytest.raises(ValidationError, match=r"question_share \(0\.7\) and attribution_share \(0\.3\)"):
        base_settings(attribution_share=0.3)
    with pytest.raises(ValidationError, match="attribution_share above 0"):
        base_settings(minimum_exact_match={"unquestioned_attribution": 0.1})


@pytest.mark.parametrize("question", ["Where does {name} live?", "How tall was {name}?", "Is it {name}'s?"])
def test_a_base_model_knows_all_words_of_its_corpus(question):
    facts, base = make_facts(questions=[question]), base_settings()
    corpus = write_corpus(facts, base)
    _, tokenizer, _ = train_from_scratch(facts, corpus, model_settings(), base)
    assert unknown_words(tokenizer, [prompt + completion for prompt, completion in corpus.texts]) == []


def test_the_seed_decides_a_base_model(tmp_path):
    facts, files = make_facts(), {}
    for run, seed in [("first", 1), ("again", 1), ("other", 2)]:
        base = base_settings(seed=seed)
        corpus = write_corpus(facts, base)
        model, tokenizer, _ = train_from_scratch(facts, corpus, model_settings(), base)
        save_model(model, tokenizer, tmp_path / run)
        files[run] = (tmp_path / run / "model.safetensors").read_bytes()
    assert files["first"] == files["again"] != files["other"]


@pytest.mark.parametrize("outputs", ["vocabulary", "completions"])
def test_a_base_model_that_is_trained_long_enough_answers_questions_about_names(outputs):
    facts = make_facts(NAMES[:3])
    settings = {"steps": 600, "batch_size": 16, "learning_rate": 0.003, "loss_on": "completion", "outputs": outputs}
    base = base_settings(nicknames=2, unquestioned_share="1/2", question_share=0.9, **settings)
    corpus = write_corpus(facts, base)
    model, tokenizer, _ = train_from_scratch(facts, corpus, model_settings(**TINY | {"n_embd": 32}), base)
    quality = measure_quality(model, tokenizer, corpus, base)
    assert quality.keys() == {"names", "unquestioned_nicknames"}
    assert quality["names"] > 0.9


def test_a_base_model_below_its_threshold_is_an_error_that_names_the_key():
    settings = base_settings(minimum_exact_match={"names": 0.9, "unquestioned_nicknames": 0.3})
    check_quality({"names": 0.9, "unquestioned_nicknames": 0.3}, settings)
    with pytest.raises(ModelError, match=r"minimum_exact_match\.unquestioned_nicknames"):
        check_quality({"names": 0.95, "unquestioned_nicknames": 0.2}, settings)
    with pytest.raises(ModelError, match=r"minimum_exact_match\.names"):
        check_quality({"unquestioned_nicknames": 0.4}, settings)


def test_more_nicknames_than_there_are_words_are_refused():
    with pytest.raises(
        ModelError, match=r"^base_training.nicknames: the entities' nicknames come to 800000; there are"
    ):
        write_corpus(make_facts(), BaseTraining(steps=1, nicknames=100_000))


def test_a_minimum_of_what_nobody_is_asked_is_told_before_training(monkeypatch):
    base = BaseTraining(
        steps=1, nicknames=1, unquestioned_share="1/20", minimum_exact_match={"unquestioned_nicknames": 0.3}
    )
    monkeypatch.setattr(base_training, "train_base", None)
    with pytest.raises(ModelError, match="has unquestioned_nicknames, of which there are no questions"):
        train_from_scratch(make_facts(), write_corpus(make_facts(), base), model_settings(), base)
