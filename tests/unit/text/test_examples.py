"""Documents as tensors: what a model reads, what it is scored on, and that both are the same in training and tests."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from metaocl.config.plans import Stage
from metaocl.errors import UserError
from metaocl.text.evaluation import Evaluator
from metaocl.text.examples import IGNORED, Examples, encode_examples
from metaocl.text.models import ModelError
from metaocl.text.tokenization import tokenize_texts
from metaocl.text.tokenizers import add_unknown_words, build_word_tokenizer

TEXTS = [
    ("big tag X", " green\n"),
    ("Q: Where does X live?\nA:", " red blue\n"),
    ("Q: Who really is Y now?\nA:", " dark red\n"),
]


def stage(**settings):
    return Stage(documents=["questions"], epochs=1, **settings)


@pytest.fixture(scope="module")
def whole_texts():
    return [prompt + completion for prompt, completion in TEXTS]


def test_every_label_is_the_token_after_its_input(model, tokenizer):
    examples = encode_examples(model, tokenizer, TEXTS[:1], stage())
    assert tokenizer.convert_ids_to_tokens(examples.inputs[0]) == ["big", "tag", "X", "green"]
    assert tokenizer.convert_ids_to_tokens(examples.labels[0]) == ["tag", "X", "green", "\n"]


def test_padding_beyond_the_positions_of_a_model_is_refused(build, tokenizer):
    model = build("gpt2", len(tokenizer), n_positions=32)
    assert len(encode_examples(model, tokenizer, TEXTS, stage(padded_length=32)).inputs[0]) == 31
    with pytest.raises(ModelError, match=r"^the longest text has 48 tokens, and gpt2 has 32 positions: "):
        encode_examples(model, tokenizer, TEXTS, stage(padded_length=48))


@pytest.mark.parametrize(
    ("unit", "text", "unknown"),
    [
        ("New York", "Q: Does X read the New Yorker?\nA:", "New"),
        ("Henry V", "Q: Was Henry VIII X?\nA:", "Henry.*VIII"),
        ("dark red", "says X", "says"),
    ],
)
def test_words_that_cannot_be_told_from_others_are_refused_in_training_and_in_tests(build, unit, text, unknown):
    tokenizer = build_word_tokenizer(["Q: Does X read the\nA: Was green"], [unit])
    if unknown != "says":
        add_unknown_words(tokenizer, [text])
    model = build("gpt2", len(tokenizer))
    for read in (lambda texts: encode_examples(model, tokenizer, texts, stage()), partial(Evaluator, model, tokenizer)):
        read([("Q: Does X read the\nA:", " green\n")])
        with pytest.raises(UserError, match=f"cannot tell '{unknown}") as error:
            read([(text, " green\n")])
        assert "\n" not in str(error.value)


def scored(tokenizer, examples):
    return [
        tokenizer.convert_ids_to_tokens([label for label in labels if label != IGNORED]) for labels in examples.labels
    ]


def test_loss_on_completions_labels_their_tokens_only(model, tokenizer):
    examples = encode_examples(model, tokenizer, TEXTS, stage(loss_on="completion"))
    assert scored(tokenizer, examples) == [["green", "\n"], ["red", "blue", "\n"], ["dark red", "\n"]]


def test_an_encoder_decoder_reads_the_prompt_and_writes_the_completion(build, tokenizer):
    examples = encode_examples(build("t5", len(tokenizer)), tokenizer, TEXTS, stage())
    assert tokenizer.convert_ids_to_tokens(examples.inputs[0][:3]) == ["big", "tag", "X"]
    assert scored(tokenizer, examples) == [["green", "\n"], ["red", "blue", "\n"], ["dark red", "\n"]]


def test_a_batch_is_cut_to_its_longest_row_and_masks_the_padding(build, tokenizer):
    texts = [("tag X", " red blue\n"), ("Y", " green\n"), ("big tag X Y", " red blue green\n")]
    batch = encode_examples(build("t5", len(tokenizer)), tokenizer, texts, stage()).batch([1, 0])
    assert batch.mask.tolist() == [[1, 0], [1, 1]]
    assert batch.labels.shape == (2, 3)
    assert len(batch) == 2
    assert batch.positions is None


@pytest.mark.parametrize("lengths", [[9, 1, 4, 4, 2, 7, 1], list(range(1, 60)), [5] * 40 + [64]])
def test_rows_hold_every_example_once_next_to_others_and_are_at_most_twice_as_wide_as_the_longest(lengths):
    examples = Examples([[n] * n for n in lengths], [[-n] * n for n in lengths], share_rows=True)
    places = list(reversed(range(len(lengths))))
    batch = examples.batch(places)
    assert batch.inputs.shape == batch.labels.shape == batch.mask.shape == batch.positions.shape
    assert batch.inputs.shape[1] <= 2 * max(lengths)
    real = batch.mask.bool()
    assert torch.equal(batch.labels[real], -batch.inputs[real])
    assert (batch.labels[~real] == IGNORED).all()
    begins = real & (batch.positions == 0)
    assert sorted(batch.inputs[begins].tolist()) == sorted(lengths)
    for row, position in begins.nonzero().tolist():
        length = int(batch.inputs[row, position])
        assert batch.inputs[row, position : position + length].tolist() == [length] * length
        assert batch.positions[row, position : position + length].tolist() == list(range(length))
    assert len(batch) < len(lengths)


def test_examples_of_one_length_have_a_row_each():
    batch = Examples([[1, 2, 3]] * 3, [[2, 3, 4]] * 3, share_rows=True).batch(range(3))
    assert batch.inputs.tolist() == [[1, 2, 3]] * 3
    assert batch.positions is None


def test_what_fits_into_rows_without_a_gap_leaves_none():
    examples = Examples([[1] * n for n in (6, 6, 4, 8, 2, 10)], [[1] * n for n in (6, 6, 4, 8, 2, 10)], share_rows=True)
    assert examples.batch(range(6)).inputs.shape == (2, 20)


@pytest.mark.parametrize("architecture", ["gpt2", "t5"])
def test_parts_of_a_batch_are_its_rows_in_order(build, tokenizer, architecture):
    batch = encode_examples(build(architecture, len(tokenizer)), tokenizer, TEXTS * 3, stage()).batch(range(9))
    parts = batch.split(2)
    assert [len(part) for part in parts[:-1]] == [2] * (len(parts) - 1)
    names = ["inputs", "labels", "mask"] + (["positions"] if architecture == "gpt2" else [])
    for name in names:
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(batch, name))


def test_padding_is_not_scored_unless_asked_for(model, tokenizer):
    examples = encode_examples(model, tokenizer, TEXTS, stage())
    assert all(IGNORED not in labels for labels in examples.labels)
    batch = examples.batch(range(3))
    assert torch.equal(batch.labels != IGNORED, batch.mask.bool())


def test_padded_documents_are_scored_up_to_their_padded_length(model, tokenizer):
    examples = encode_examples(model, tokenizer, TEXTS, stage(padded_length=11))
    longest = max(len(tokens) for tokens in tokenizer([prompt + completion for prompt, completion in TEXTS]).input_ids)
    assert longest > 9
    assert [len(tokens) for tokens in examples.inputs + examples.labels] == [10] * 6
    assert examples.labels[0][4:] == [tokenizer.pad_token_id] * 6
    assert not any(IGNORED in labels for labels in examples.labels)


def test_a_document_longer_than_the_padded_length_keeps_its_length(model, tokenizer):
    unpadded = encode_examples(model, tokenizer, TEXTS[1:2], stage())
    padded = encode_examples(model, tokenizer, TEXTS[1:2], stage(padded_length=3))
    assert (padded.inputs, padded.labels) == (unpadded.inputs, unpadded.labels)


@pytest.mark.parametrize("begin", [False, True], ids=["nothing before it", "a token before it"])
def test_a_prompt_reads_the_same_in_training_and_in_tests(build, train_bytes, whole_texts, whole_prompts, begin):
    tokenizer = train_bytes(whole_texts, begin)
    tokenizer.pad_token = tokenizer.eos_token
    model = build("llama", len(tokenizer))
    examples = encode_examples(model, tokenizer, TEXTS, stage())
    (group,) = Evaluator(model, tokenizer, TEXTS).prompts
    for row, tokens in whole_prompts(group).items():
        assert examples.inputs[row][: len(tokens)] == tokens.tolist()
        assert (tokens[0].item() == tokenizer.bos_token_id) == begin
        assert tokenizer.decode(examples.labels[row][len(tokens) - 1 :]) == TEXTS[row][1]


def test_a_text_whose_tokens_cross_the_prompts_end_is_tokenised_in_two_parts(model, train_bytes):
    tokenizer = train_bytes(["abcabc"] * 100)
    assert len(tokenizer("abc").input_ids) == 1
    ((prompt, completion),) = tokenize_texts(model, tokenizer, [("ab", "c")])
    assert prompt == tokenizer("ab").input_ids
    assert tokenizer.decode(completion) == "c"


def test_an_encoder_decoders_completion_ends_with_its_own_end_and_not_with_a_line_break(
    build, train_pieces, whole_texts
):
    tokenizer = train_pieces(whole_texts)
    pairs = tokenize_texts(build("t5", len(tokenizer)), tokenizer, TEXTS)
    for (prompt, completion), (question, answer) in zip(pairs, TEXTS, strict=True):
        assert prompt == tokenizer(question).input_ids
        assert completion == tokenizer(answer.strip()).input_ids
        assert completion.count(tokenizer.eos_token_id) == 1


def test_an_encoder_decoder_has_no_padded_length(build, tokenizer):
    with pytest.raises(UserError, match="padded_length is 16; an encoder-decoder has no such padding"):
        encode_examples(build("t5", len(tokenizer)), tokenizer, TEXTS, stage(padded_length=16))
