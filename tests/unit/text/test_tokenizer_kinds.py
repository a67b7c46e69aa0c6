"""Every kind of tokenizer gives each gold answer back, or it is told that it cannot; what is learnt is scored."""

from __future__ import annotations

import json
import signal
import sys

import numpy as np
import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE, Unigram, WordLevel, WordPiece
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

import train_stage
from metaocl.artifacts.tables import write_rows
from metaocl.config.plans import Stage
from metaocl.documents.records import Document
from metaocl.text.golds import GoldsError, check_golds
from metaocl.text.models import save_model
from metaocl.text.scoring import exact_match
from metaocl.text.task import make_text_task
from metaocl.text.tokenization import stopping_tokens, tokenize_texts
from metaocl.text.tokenizers import build_word_tokenizer
from metaocl.training.loop import Trainer
from metaocl.training.optimizers import linear_schedule

ANSWERS = ["tea", "New York", "S\u00e3o Paulo", "Pe\u0301rez", "St. Ives", "1.5", "x\u00b2", "the blackest of coffees"]
TABLES = ["metrics.parquet", "answers.parquet", "history.parquet"]
QUESTIONS = [
    Document("held_out", "q", "x", "", f"Q: What of {name}?\nA:", f" {answer}\n")
    for name, answer in zip(["Alda", "Bo", "Cato", "Dov", "Esra", "Finn", "Gwen", "Hal"], ANSWERS, strict=True)
]
TEXTS = [question.prompt + question.completion for question in QUESTIONS]
STAGE = Stage(documents=["questions"], epochs=1, loss_on="completion")
END = "<|endoftext|>"


def finish(tokenizer, **special):
    special = special or {"eos_token": END}
    padding = special.get("pad_token", special.get("eos_token"))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special | {"pad_token": padding})


def byte_level(merges=100, prefix=False, normalizer=None, template=None, **special):
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    options = {"special_tokens": [END, "<s>", "<pad>"], "initial_alphabet": alphabet, "show_progress": False}
    tokenizer.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=len(alphabet) + 3 + merges, **options))
    if template:
        tokenizer.post_processor = processors.TemplateProcessing(template, special_tokens=[(END, 0), ("<s>", 1)])
    return finish(tokenizer, **special)


def unigram(normalizer, template=None):
    tokenizer = Tokenizer(Unigram())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    options = {"special_tokens": ["<unk>", END, "<s>"], "unk_token": "<unk>", "show_progress": False}
    tokenizer.train_from_iterator(TEXTS, trainers.UnigramTrainer(vocab_size=120, **options))
    if template:
        tokenizer.post_processor = processors.TemplateProcessing(template, special_tokens=[(END, 1), ("<s>", 2)])
    return finish(tokenizer, eos_token=END, unk_token="<unk>")


def word_piece(lowercase):
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer.train_from_iterator(
        TEXTS, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def words():
    tokenizer = Tokenizer(WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.train_from_iterator(TEXTS, trainers.WordLevelTrainer(special_tokens=["[UNK]", END], show_progress=False))
    return finish(tokenizer, eos_token=END, unk_token="[UNK]")


def no_end():
    """Neither a line break nor an end: the padding is all that can end an answer."""
    return byte_level(normalizer=blanks(), pad_token="<pad>")


def blanks():
    return normalizers.Replace(Regex(r"\s+"), " ")


def longer_breaks():
    """Tokens that hold a line break and more."""
    tokenizer = byte_level()
    tokenizer.add_tokens(["\n\n", ".\n", "x\u00b2\n", "\nA"])
    return tokenizer


def unregistered_end():
    """As files have it that name their end only in the configuration of the tokenizer."""
    tokenizer = byte_level(normalizer=blanks(), template=f"$A {END}", pad_token="<pad>")
    assert tokenizer.eos_token is None
    return tokenizer


KINDS = {
    "byte-level BPE": byte_level,
    "BPE with prefix space": lambda: byte_level(prefix=True),
    "Unigram with line breaks": lambda: unigram(normalizers.NFC()),
    "Unigram without": lambda: unigram(blanks(), f"<s> $A {END}"),
    "WordPiece": lambda: word_piece(lowercase=False),
    "WordPiece, uncased": lambda: word_piece(lowercase=True),
    "bytes": lambda: byte_level(merges=0),
    "words": words,
    "our words": lambda: build_word_tokenizer(TEXTS, ANSWERS),
    "with BOS": lambda: byte_level(template="<s> $A", bos_token="<s>", eos_token=END),
    "with EOS": lambda: byte_level(template=f"$A {END}"),
    "with both": lambda: byte_level(template=f"<s> $A {END}", bos_token="<s>", eos_token=END),
    "BOS is EOS": lambda: byte_level(template=f"{END} $A", bos_token=END, eos_token=END),
    "NFC": lambda: byte_level(normalizer=normalizers.NFC()),
    "NFD": lambda: byte_level(normalizer=normalizers.NFD()),
    "NFKC": lambda: byte_level(normalizer=normalizers.NFKC()),
    "no end but padding": no_end,
    "an end that only the template names": unregistered_end,
    "stripped": lambda: byte_level(normalizer=normalizers.Strip()),
    "longer line breaks": longer_breaks,
}
OUT_OF_REACH = {
    "WordPiece": {"1.5"},
    "WordPiece, uncased": {"1.5", "S\u00e3o Paulo", "Pe\u0301rez"},
    "NFKC": {"x\u00b2"},
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


def make_task(tokenizer):
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 128}
    dropout = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    torch.manual_seed(0)
    ends = {"bos_token_id": None, "eos_token_id": None}
    model = GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), **sizes, **dropout, **ends))
    return make_text_task(model, tokenizer, QUESTIONS, STAGE)


@pytest.fixture(scope="module")
def task(kind):
    return make_task(KINDS[kind]())


def test_golds_come_back_from_their_own_tokens_or_are_told(task, kind, capfd):
    evaluator = task.evaluator(QUESTIONS)
    lost = {gold for gold, _, reached in evaluator.read_golds() if not reached}
    assert lost == OUT_OF_REACH.get(kind, set())
    for gold, text, reached in evaluator.read_golds():
        assert exact_match(text, gold) == reached
    share = len(lost) / len(QUESTIONS)
    counts = {"questions": len(QUESTIONS), "unreachable": len(lost), "share": share}
    assert check_golds(evaluator, ["held_out"] * len(QUESTIONS)) == {"held_out": counts}
    told = capfd.readouterr().err
    assert bool(told) == bool(lost)
    assert not lost or f"{len(lost)} of {len(QUESTIONS)} in held_out; " in told
    assert told.count("\n") == bool(lost)


def test_completions_end_in_one_token_that_stops_and_nothing_stands_behind_a_prompt(task):
    tokenizer = task.tokenizer
    closing, breaks = stopping_tokens(task.model, tokenizer)
    texts = [(question.prompt, question.completion) for question in QUESTIONS]
    for (prompt, completion), (question, _) in zip(tokenize_texts(task.model, tokenizer, texts), texts, strict=True):
        assert [token in closing | breaks for token in completion] == [False] * (len(completion) - 1) + [True]
        bare = tokenizer(question, add_special_tokens=False).input_ids
        assert prompt[len(prompt) - len(bare) :] == bare
        # What stands before it is what the tokenizer puts there.
        assert tokenizer(question).input_ids[: len(prompt)] == prompt


def test_what_is_learnt_by_heart_is_answered_rightly(task, kind):
    examples, evaluator = task.examples(QUESTIONS), task.evaluator(QUESTIONS)
    batch = examples.batch(range(len(examples)))
    optimizer = torch.optim.AdamW(task.model.parameters(), lr=0.005)
    trainer = Trainer(task.model, task.loss, optimizer, linear_schedule(optimizer, 1000, 10), 1.0, len(examples))
    task.model.train()
    while task.loss(task.model, batch)[0] > 0.01:
        trainer.step(batch, range(len(examples)))
    right = evaluator.measure(task.model)["exact_match"]
    lost = OUT_OF_REACH.get(kind, set())
    np.testing.assert_array_equal(right, [float(answer not in lost) for answer in ANSWERS])


def test_golds_of_which_none_can_be_reached_are_an_error():
    tokenizer = word_piece(lowercase=True)
    questions = [Document("held_out", "q", "x", "", q.prompt, " S\u00e3o Paulo\n") for q in QUESTIONS]
    evaluator = make_task(tokenizer).evaluator(questions)
    with pytest.raises(GoldsError, match="none of the 1 gold answers: 'S\u00e3o Paulo' is read back as 'sao paulo'"):
        check_golds(evaluator, ["held_out"] * len(questions))


@pytest.mark.parametrize("gold", ["two\nlines", "\nbelow", "a</s>b"])
def test_golds_that_no_answer_can_be_are_told(gold, capfd):
    tokenizer = byte_level()
    tokenizer.add_special_tokens({"additional_special_tokens": ["</s>"]})
    questions = [*QUESTIONS, Document("letters", "q", "x", "", QUESTIONS[0].prompt, f" {gold}\n")]
    counts = check_golds(make_task(tokenizer).evaluator(questions), [question.part for question in questions])
    assert counts["letters"] == {"questions": 1, "unreachable": 1, "share": 1.0}
    assert counts["held_out"]["unreachable"] == 0
    assert "1 of 1 in letters" in capfd.readouterr().err


def test_an_answer_depends_on_no_other_questions_gold():
    task = make_task(byte_level(merges=0))
    short, long = (Document("held_out", "q", "x", "", "Q: a?\nA:", f" {gold}\n") for gold in ("tea", "b" * 30))
    alone = [task.evaluator([question]).answer(task.model)[0][0] for question in (short, long)]
    assert task.evaluator([short, long]).answer(task.model)[0] == alone
    assert len(alone[0]) < len(alone[1])


@pytest.fixture
def train(monkeypatch, tmp_path):
    """Runs the stage's job on a tiny model with a WordPiece tokenizer that strips accents."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)}

    def train(tested):
        task = make_task(word_piece(lowercase=True))
        save_model(task.model, task.tokenizer, tmp_path / "initial")
        trained = [Document("questions", "q", "x", "", q.prompt, q.completion) for q in QUESTIONS]
        write_rows([*trained, *tested], Document, tmp_path / "documents.parquet")
        places = {name: tmp_path / name for name in ("checkpoint", "model", *TABLES, "run.json")}
        options = {f"--{name.split('.')[0]}": place for name, place in places.items()}
        options |= {"--initial-model": tmp_path / "initial", "--documents": tmp_path / "documents.parquet"}
        options |= {"--stage": STAGE.model_dump_json(), "--stage-number": 1, "--seeds": 0, "--threads": 1}
        options |= {"--checkpoint-minutes": 10}
        monkeypatch.setattr(sys, "argv", ["train_stage.py", *(str(word) for pair in options.items() for word in pair)])
        train_stage.main()
        return json.loads((tmp_path / "run.json").read_text())["measured"]

    yield train
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_a_stage_records_how_many_golds_are_out_of_reach(train, capfd):
    measured = train(QUESTIONS)
    assert measured["unreachable_golds"] == {"held_out": {"questions": 8, "unreachable": 3, "share": 3 / 8}}
    assert "3 of 8 in held_out; 'S\u00e3o Paulo' is read back as 'sao paulo'" in capfd.readouterr().err


def test_a_stage_that_can_get_no_answer_right_is_not_trained(train, tmp_path):
    with pytest.raises(GoldsError):
        train([QUESTIONS[2], QUESTIONS[3]])
    assert not (tmp_path / "model").exists()
