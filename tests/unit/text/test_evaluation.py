"""Answers are those of transformers' own generation, and every one is scored against its own gold answer."""

from __future__ import annotations

import copy

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.config.models import Model, Pretrained
from metaocl.design.test_sets import MAX_NEW_TOKENS, TEST_SETS
from metaocl.documents.aliases import draw_aliases
from metaocl.documents.writing import write_stage1_documents
from metaocl.facts.fact import Fact, ask
from metaocl.text import evaluation
from metaocl.text.base_training import new_model
from metaocl.text.decoding import decode_greedily
from metaocl.text.evaluation import Evaluator
from metaocl.text.models import grow_embeddings, load_model, save_model
from metaocl.text.pretrained import load_pretrained
from metaocl.text.scoring import exact_match, token_f1
from metaocl.text.tokenizers import add_unknown_words

WORDS = ["X", "Y", "red", "blue", "green", "light blue", "dark red", "tag"]
PROMPTS = [f"Q: Where does {word} live?\nA:" for word in WORDS] + [f"Q: Who {word}\nA:" for word in WORDS] + WORDS

ASKED = [name for name in TEST_SETS if name != "definition_letters"]  # that is asked of images alone
NAMES = ["Alda", "Bo Ek", "Cato", "Dov Lin", "Esra", "Finn", "Gwen Io", "Hal", "Ida", "Jun", "Kai", "Lea"]
ANSWERS = {
    "What does {name} drink?": ["tea", "milk", "the blackest of all coffees, twice a day"],
    "Where does {name} live?": ["Rome", "St. Ives", "New York"],
    "What has {name} lost?": ["a hat", "keys", "The Ring"],
}


@pytest.fixture(scope="module")
def facts():
    return [
        Fact(name, name, question, ask(question), answers[(place + shift) % 3])
        for place, name in enumerate(NAMES)
        for shift, (question, answers) in enumerate(ANSWERS.items())
    ]


@pytest.fixture(scope="module")
def tests(facts):
    """Questions of all four test sets about the facts, as a stage has them."""
    shares = {"qd1": "1/3", "qd2": "1/3", "q": "1/12", "d1consis": "1/12", "d2consis": "1/12", "no_qd_baseline": "1/12"}
    dataset = Dataset(source="people", entities=len(NAMES), test_sets=["attribution", "letters"], shares=shares)
    define_type = DefineType(alpha=0.5)
    aliases = draw_aliases(facts, dataset, define_type, seed=1)
    documents = write_stage1_documents(aliases, facts, dataset, define_type, seed=1)
    tests = [document for document in documents if document.part in TEST_SETS]
    assert {document.part for document in tests} == set(ASKED)
    return tests


@pytest.fixture(scope="module")
def learnt(tests):
    """A prompt and its answer for every other question; where two test sets ask the same, the answer of one of them."""
    answers = {}
    for part in reversed(ASKED):
        for document in [document for document in tests if document.part == part][::2]:
            answers.setdefault(document.prompt, document.completion)
    return list(answers.items())


SIZES = {
    "gpt2": {"n_embd": 32, "n_inner": 64, "n_layer": 1, "n_head": 2, "resid_pdrop": 0.0, "embd_pdrop": 0.0},
    "opt": {
        "hidden_size": 32,
        "word_embed_proj_dim": 32,
        "ffn_dim": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "dropout": 0.0,
    },
    "gpt_neox": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2},
    "llama": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2},
    "t5": {"d_model": 32, "d_ff": 64, "d_kv": 16, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.0},
}


def memorize(model, tokenizer, texts, steps=80):
    """Train with nothing but transformers, so that some answers are right."""
    prompts, completions = zip(*texts, strict=True)
    if model.config.is_encoder_decoder:
        tokens = tokenizer(prompts, padding=True, return_tensors="pt")
        written = tokenizer(completions, padding=True, return_tensors="pt")
    else:
        written = tokens = tokenizer([p + c for p, c in texts], padding=True, return_tensors="pt")
    labels = written.input_ids.masked_fill(written.attention_mask == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    model.train()
    for _ in range(steps):
        loss = model(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


def generate(model, tokenizer, prompts, limits=None):
    """The answers of transformers' own greedy decoding, in one padded batch, each cut at its own limit."""
    limits = limits or [MAX_NEW_TOKENS] * len(prompts)
    encoder_decoder = model.config.is_encoder_decoder
    padding = {"padding": True, "padding_side": "right" if encoder_decoder else "left"}
    tokens = tokenizer(prompts, **padding, return_tensors="pt", return_token_type_ids=False)
    settings = {"do_sample": False, "max_new_tokens": max(limits), "pad_token_id": tokenizer.pad_token_id}
    generated = model.generate(**tokens, **settings)
    new = generated[:, 1 if encoder_decoder else tokens.input_ids.shape[1] :]
    new = [row[:limit] for row, limit in zip(new, limits, strict=True)]
    return [text.split("\n")[0].strip() for text in tokenizer.batch_decode(new, skip_special_tokens=True)]


def limits(model, tokenizer, questions):
    """The most tokens of each answer: eight, or as many as its gold has with the token that ends it."""
    golds = [gold.strip() if model.config.is_encoder_decoder else gold for _, gold in questions]
    return [max(MAX_NEW_TOKENS, len(tokens)) for tokens in tokenizer(golds).input_ids]


def learn_words(architecture, facts, tests, learnt, folder):
    """A new model and its tokenizer, as a stage makes them; and what a stage reads them as."""
    settings = Model(architecture=architecture, architecture_config=SIZES[architecture])
    model, tokenizer = new_model(facts, settings, seed=0)
    add_unknown_words(tokenizer, [document.prompt + document.completion for document in tests])
    grow_embeddings(model, len(tokenizer))
    memorize(model, tokenizer, learnt)
    save_model(model, tokenizer, folder)
    return (model, tokenizer), load_model(folder)


def learn_subwords(architecture, tokenizer, learnt, folder):
    """A model of another's making in a folder of its own; and what a stage reads it as once it is prepared."""
    tokenizer.save_pretrained(folder / "saved")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    tokens = {"vocab_size": len(tokenizer), "bos_token_id": tokenizer.bos_token_id}
    tokens |= {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": None}
    if architecture == "t5":
        tokens |= {"pad_token_id": tokenizer.pad_token_id, "decoder_start_token_id": tokenizer.pad_token_id}
    config = AutoConfig.for_model(architecture, **SIZES[architecture] | tokens)
    torch.manual_seed(0)
    model = (AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM).from_config(config)
    memorize(model, tokenizer, learnt)
    model.save_pretrained(folder / "saved")
    save_model(*load_pretrained(Pretrained(folder=str(folder / "saved"))), folder / "prepared")
    return (model, tokenizer), load_model(folder / "prepared")


WORD_MODELS = ["gpt2", "opt", "gpt_neox", "llama", "t5"]
SUBWORD_MODELS = ["gpt_neox bytes", "llama bytes after a first token", "t5 pieces"]


@pytest.fixture(scope="module", params=[f"{architecture} words" for architecture in WORD_MODELS] + SUBWORD_MODELS)
def both_answers(request, train_bytes, train_pieces, facts, tests, learnt, tmp_path_factory):
    """Answers of `generate` and of an Evaluator to all tests, by a model that has learnt some of them."""
    architecture, kind, *first_token = request.param.split()
    folder = tmp_path_factory.mktemp("model")
    texts = [document.prompt + document.completion for document in tests]
    if kind == "words":
        reference, (model, tokenizer) = learn_words(architecture, facts, tests, learnt, folder)
    elif kind == "pieces":
        stripped = [(prompt, completion.strip()) for prompt, completion in learnt]
        reference, (model, tokenizer) = learn_subwords(architecture, train_pieces(texts), stripped, folder)
    else:
        # Some answers end with the end of the text and not with the line.
        ended = [(p, c.replace("\n", "<|endoftext|>")) if place % 3 else (p, c) for place, (p, c) in enumerate(learnt)]
        tokens = train_bytes(texts, begin=bool(first_token))
        reference, (model, tokenizer) = learn_subwords(architecture, tokens, ended, folder)
    questions = [(document.prompt, document.completion) for document in tests]
    expected = generate(*reference, [prompt for prompt, _ in questions], limits(model, tokenizer, questions))
    evaluator = Evaluator(model, tokenizer, questions)
    return expected, evaluator.answer(model)[0], evaluator.measure(model)["exact_match"]


@pytest.mark.parametrize("test_set", ASKED)
def test_answers_and_exact_match_are_those_of_greedy_generation(both_answers, tests, test_set):
    asked = [place for place, document in enumerate(tests) if document.part == test_set]
    expected, answers, exact_matches = both_answers
    assert [answers[place] for place in asked] == [expected[place] for place in asked]
    golds = [tests[place].completion.strip() for place in asked]
    matches = [exact_match(expected[place], gold) for place, gold in zip(asked, golds, strict=True)]
    assert [exact_matches[place] for place in asked] == matches


def test_the_answers_that_are_compared_are_right_and_wrong(both_answers):
    assert set(both_answers[2]) == {0.0, 1.0}


def test_answers_of_random_weights_are_those_of_greedy_generation(causal_model, tokenizer):
    expected = generate(causal_model.eval(), tokenizer, PROMPTS)
    answers, _ = Evaluator(causal_model, tokenizer, [(prompt, "") for prompt in PROMPTS]).answer(causal_model)
    assert answers == expected
    assert len(set(expected)) > 3


@pytest.mark.parametrize("architecture", ["gpt2", "gpt_neox", "llama", "t5"])
def test_answers_to_many_random_prompts_are_those_of_greedy_generation(build, tokenizer, random_prompts, architecture):
    large_weights = {"initializer_factor": 5.0} if architecture == "t5" else {}
    model = build(architecture, len(tokenizer), **large_weights).eval()
    prompts = random_prompts(500, seed=5)
    expected = generate(model, tokenizer, prompts)
    assert Evaluator(model, tokenizer, [(prompt, "") for prompt in prompts]).answer(model)[0] == expected
    assert len(set(expected)) > 3


ODD_GOLDS = {
    "the answer": lambda answer: answer,
    "another": lambda answer: "something else",
    "nothing": lambda answer: "",
    "articles": lambda answer: "the A",
    "upper case": lambda answer: answer.upper(),
    "punctuation": lambda answer: f"'The {answer}'...",
    "blanks around it": lambda answer: f"  {answer} \n ",
    "two lines": lambda answer: f"{answer}\n{answer}",
    "longer than any answer": lambda answer: " ".join([answer, *["blue"] * 10]),
    "its words turned": lambda answer: " ".join(reversed(answer.split())),
}


@pytest.mark.parametrize("gold", ODD_GOLDS)
def test_odd_answers_and_golds_are_measured_as_if_generated_one_by_one(build, tokenizer, random_prompts, gold):
    tokenizer = copy.deepcopy(tokenizer)
    # Answers of articles alone, of capitals, empty ones, and such as end within a token.
    tokenizer.add_tokens(["the", "An", "RED", ".\n", "a\nb", "\n\n"])
    model = build("gpt2", len(tokenizer)).eval()
    prompts = random_prompts(150, seed=6)
    answers = generate(model, tokenizer, prompts)
    assert {"", "the", "RED"} & set(answers)
    golds = [ODD_GOLDS[gold](answer) for answer in answers]
    # Every prompt once more, with the gold of its neighbour.
    texts = list(zip(prompts * 2, golds + golds[1:] + golds[:1], strict=True))
    measured = Evaluator(model, tokenizer, texts).measure(model)
    answers = generate(model, tokenizer, prompts * 2, limits(model, tokenizer, texts))
    pairs = [(answer, text.strip()) for answer, (_, text) in zip(answers, texts, strict=True)]
    assert measured["exact_match"].tolist() == [exact_match(*pair) for pair in pairs]
    assert measured["token_f1"].tolist() == [token_f1(*pair) for pair in pairs]


def test_a_model_with_more_rows_than_its_tokenizer_has_tokens_answers_as_in_generation(build, tokenizer):
    model = build("gpt2", len(tokenizer) + 30).eval()
    expected = generate(model, tokenizer, PROMPTS)
    assert Evaluator(model, tokenizer, [(prompt, "") for prompt in PROMPTS]).answer(model)[0] == expected


def test_nothing_after_the_end_of_a_text_belongs_to_an_answer(scripted_model, train_bytes):
    tokenizer = train_bytes(["a b c\n"])
    a, b, c = (tokenizer(word).input_ids[0] for word in "abc")
    end = tokenizer.eos_token_id
    # To "a" the model says "b", then the end, then "c"; to "c" it says "c" without end, so that both go on.
    model = scripted_model({a: b, b: end, end: c, c: c}, len(tokenizer))
    assert Evaluator(model, tokenizer, [("a", ""), ("c", "")]).answer(model)[0] == ["b", "c" * MAX_NEW_TOKENS]


def test_nothing_after_the_end_of_a_line_belongs_to_an_answer(scripted_model, train_bytes):
    tokenizer = train_bytes(["a b c\n"])
    a, b, c, line_end = (tokenizer(text).input_ids[0] for text in ["a", "b", "c", "\n"])
    model = scripted_model({a: b, b: line_end, line_end: c, c: c}, len(tokenizer))
    assert Evaluator(model, tokenizer, [("a", ""), ("c", "")]).answer(model)[0] == ["b", "c" * MAX_NEW_TOKENS]


def test_an_answer_ends_within_the_token_that_holds_a_line_break(scripted_model, train_bytes):
    tokenizer = train_bytes(["a b c\n"])
    tokenizer.add_tokens(["d\ne", "\nf"])
    a, b, c, within, first = (tokenizer(text).input_ids[0] for text in ["a", "b", "c", "d\ne", "\nf"])
    model = scripted_model({a: b, b: within, within: c, c: first}, len(tokenizer))
    assert Evaluator(model, tokenizer, [("a", ""), ("c", "")]).answer(model)[0] == ["bd", ""]


@pytest.mark.parametrize("architecture", ["gpt2", "t5"])
def test_answers_keep_to_the_allowed_outputs(build, tokenizer, architecture):
    model = build(architecture, len(tokenizer))
    allowed = ["red", "green", "dark red", "\n"]
    outputs = torch.tensor(sorted(tokenizer.convert_tokens_to_ids(allowed)))
    answers, _ = Evaluator(model, tokenizer, [(prompt, "") for prompt in PROMPTS], outputs).answer(model)
    tokens = {token for ids in tokenizer(answers).input_ids for token in ids}
    assert tokens
    assert tokens <= set(outputs.tolist())


def test_every_answer_is_compared_with_the_gold_of_its_own_prompt(model, tokenizer):
    answers, _ = Evaluator(model, tokenizer, [(prompt, "") for prompt in PROMPTS]).answer(model)
    right = [row % 2 == 0 for row in range(len(PROMPTS))]
    golds = [answer if r else "something else" for answer, r in zip(answers, right, strict=True)]
    measured = Evaluator(model, tokenizer, list(zip(PROMPTS, golds, strict=True))).measure(model)
    assert measured["exact_match"].tolist() == right
    assert measured["token_f1"].tolist() == right
    assert "score" not in measured


def test_equal_prompts_are_answered_once_and_scored_each_against_its_own_gold(model, tokenizer, monkeypatch):
    decoded = []

    def count(model, prompts, *arguments):
        decoded.append(len(prompts))
        return decode_greedily(model, prompts, *arguments)

    monkeypatch.setattr(evaluation, "decode_greedily", count)
    answers = Evaluator(model, tokenizer, [(prompt, "") for prompt in PROMPTS]).answer(model)[0]
    first, second = answers[0], next(answer for answer in answers if answer != answers[0])
    one, other = PROMPTS[0], PROMPTS[answers.index(second)]
    prompts = [one, other, one, one, other]
    decoded.clear()
    golds = [first, first, "something else", f" {first} ", second]
    evaluator = Evaluator(model, tokenizer, list(zip(prompts, golds, strict=True)))
    assert evaluator.measure(model)["exact_match"].tolist() == [1, 0, 0, 1, 1]
    assert sum(decoded) == 2


def test_an_evaluation_leaves_the_model_in_eval_mode_and_without_gradients(model, tokenizer):
    evaluator = Evaluator(model, tokenizer, [(PROMPTS[0], " red\n")])
    model.train()
    evaluator.measure(model)
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_no_questions_have_no_answers(model, tokenizer):
    measured = Evaluator(model, tokenizer, [], choice=("false", "true")).measure(model)
    assert {name: len(values) for name, values in measured.items()} == {"answer": 0, "exact_match": 0, "token_f1": 0}


@pytest.mark.parametrize("outputs", [None, ["red", "blue", "\n"]], ids=["whole vocabulary", "some tokens"])
@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_a_score_is_the_difference_of_the_logits_of_both_answers(build, tokenizer, architecture, outputs):
    model = build(architecture, len(tokenizer)).eval()
    places = None if outputs is None else torch.tensor(sorted(tokenizer.convert_tokens_to_ids(outputs)))
    prompts = [*PROMPTS, PROMPTS[0]]
    evaluator = Evaluator(model, tokenizer, [(p, " red\n") for p in prompts], places, (" blue\n", " red\n"))
    scores = evaluator.measure(model)["score"]
    with torch.inference_mode():
        logits = [model(**tokenizer(prompt, return_tensors="pt")).logits[0, -1] for prompt in prompts]
    blue, red = tokenizer.convert_tokens_to_ids(["blue", "red"])
    assert scores == pytest.approx([float(row[red] - row[blue]) for row in logits], abs=1e-4)
    assert max(scores) - min(scores) > 0.1


def test_the_score_of_an_encoder_decoder_is_that_of_its_first_token(build, tokenizer):
    model = build("t5", len(tokenizer)).eval()
    evaluator = Evaluator(model, tokenizer, [(prompt, "") for prompt in PROMPTS], None, (" blue\n", " red\n"))
    scores = evaluator.measure(model)["score"]
    start = torch.tensor([[model.config.decoder_start_token_id]])
    blue, red = tokenizer.convert_tokens_to_ids(["blue", "red"])
    with torch.inference_mode():
        for score, prompt in zip(scores, PROMPTS, strict=True):
            logits = model(**tokenizer(prompt, return_tensors="pt"), decoder_input_ids=start).logits[0, 0]
            assert score == pytest.approx(float(logits[red] - logits[blue]), abs=1e-4)


def test_answers_that_begin_alike_have_no_score(model, tokenizer):
    evaluator = Evaluator(model, tokenizer, [(PROMPTS[0], "")], None, (" red\n", " red blue\n"))
    assert "score" not in evaluator.measure(model)


@pytest.mark.parametrize("fits", [1, 3])
def test_groups_that_do_not_fit_into_memory_are_halved_and_answers_stay_the_same(
    any_model, tokenizer, monkeypatch, capsys, fits
):
    texts = [(prompt, " red\n") for prompt in PROMPTS]
    expected = Evaluator(any_model, tokenizer, texts).measure(any_model)
    asked = []

    def decode(model, prompts, *rest):
        asked.append(len(prompts))
        if len(prompts) > fits:
            raise torch.OutOfMemoryError("out of memory")
        return decode_greedily(model, prompts, *rest)

    evaluator = Evaluator(any_model, tokenizer, texts)
    monkeypatch.setattr(evaluation, "decode_greedily", decode)
    for name, values in evaluator.measure(any_model).items():
        assert (values == expected[name]).all()
    assert max(asked) > fits
    assert "out of memory: going on with " in capsys.readouterr().err
    asked.clear()
    evaluator.measure(any_model)
    assert max(asked) <= fits, "what did not fit once is not tried again"


def test_a_single_question_that_does_not_fit_into_memory_ends_the_run(model, tokenizer, monkeypatch):
    def decode(*_):
        raise torch.OutOfMemoryError("out of memory")

    evaluator = Evaluator(model, tokenizer, [(prompt, " red\n") for prompt in PROMPTS])
    monkeypatch.setattr(evaluation, "decode_greedily", decode)
    with pytest.raises(torch.OutOfMemoryError):
        evaluator.measure(model)
