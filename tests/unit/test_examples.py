"""Documents as tensors: what a model reads, what it is scored on, and that both are the same in training and tests."""

from __future__ import annotations

import pytest
import torch

from metaocl.config import Stage
from metaocl.errors import UserError
from metaocl.examples import IGNORED, encode_examples, tokenize_texts
from metaocl.prompts import encode_prompts

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


def test_loss_on_completions_labels_their_tokens_only(model, tokenizer):
    examples = encode_examples(model, tokenizer, TEXTS, stage(loss_on="completion"))
    labelled = [tokenizer.convert_ids_to_tokens(row[row != IGNORED]) for row in examples.labels]
    assert labelled == [["green", "\n"], ["red", "blue", "\n"], ["dark red", "\n"]]


def test_an_encoder_decoder_reads_the_prompt_and_writes_the_completion(build, tokenizer):
    examples = encode_examples(build("t5", len(tokenizer)), tokenizer, TEXTS, stage())
    assert tokenizer.convert_ids_to_tokens(examples.inputs[0][:3]) == ["big", "tag", "X"]
    written = [tokenizer.convert_ids_to_tokens(row[row != IGNORED]) for row in examples.labels]
    assert written == [["green", "\n"], ["red", "blue", "\n"], ["dark red", "\n"]]


def test_a_batch_is_cut_to_its_longest_row_and_masks_the_padding(build, tokenizer):
    texts = [("tag X", " red blue\n"), ("Y", " green\n"), ("big tag X Y", " red blue green\n")]
    batch = encode_examples(build("t5", len(tokenizer)), tokenizer, texts, stage()).batch(torch.tensor([1, 0]))
    assert batch.mask.tolist() == [[True, False], [True, True]]
    assert batch.labels.shape == (2, 3)
    assert len(batch) == 2
    assert (batch.inputs[~batch.mask] == tokenizer.pad_token_id).all()


def test_parts_of_a_batch_are_its_rows_in_order(model, tokenizer):
    batch = encode_examples(model, tokenizer, TEXTS, stage()).batch(torch.arange(3))
    parts = batch.split(2)
    assert [len(part) for part in parts] == [2, 1]
    for name in ("inputs", "labels", "mask"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(batch, name))


def test_padding_is_not_scored_unless_asked_for(model, tokenizer):
    examples = encode_examples(model, tokenizer, TEXTS, stage())
    assert examples.lengths.tolist() == [(row != IGNORED).sum() for row in examples.labels]


def test_padded_documents_are_scored_up_to_their_padded_length(model, tokenizer):
    examples = encode_examples(model, tokenizer, TEXTS, stage(padded_length=11))
    longest = max(len(tokens) for tokens in tokenizer([prompt + completion for prompt, completion in TEXTS]).input_ids)
    assert longest > 9
    assert examples.inputs.shape == examples.labels.shape == (3, 10)
    assert (examples.labels[0, 4:] == tokenizer.pad_token_id).all()
    assert not (examples.labels == IGNORED).any()


def test_a_document_longer_than_the_padded_length_keeps_its_length(model, tokenizer):
    unpadded = encode_examples(model, tokenizer, TEXTS[1:2], stage())
    padded = encode_examples(model, tokenizer, TEXTS[1:2], stage(padded_length=3))
    assert torch.equal(padded.inputs, unpadded.inputs)
    assert torch.equal(padded.labels, unpadded.labels)


@pytest.mark.parametrize("begin", [False, True], ids=["nothing before it", "a token before it"])
def test_a_prompt_reads_the_same_in_training_and_in_tests(build, train_bytes, whole_texts, whole_prompts, begin):
    tokenizer = train_bytes(whole_texts, begin)
    tokenizer.pad_token = tokenizer.eos_token
    model = build("llama", len(tokenizer))
    examples = encode_examples(model, tokenizer, TEXTS, stage())
    (group,) = encode_prompts(model, tokenizer, [prompt for prompt, _ in TEXTS], tokens_at_once=1000)
    for row, tokens in whole_prompts(group).items():
        assert torch.equal(examples.inputs[row, : len(tokens)], tokens)
        assert (tokens[0].item() == tokenizer.bos_token_id) == begin
        completion = examples.labels[row, len(tokens) - 1 : examples.lengths[row]]
        assert tokenizer.decode(completion) == TEXTS[row][1]


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
