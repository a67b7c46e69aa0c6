"""Groups of prompts: every prompt is in one of them, whole; who shares a beginning, and who may be padded."""

from __future__ import annotations

import pytest

from metaocl.design.test_sets import MAX_NEW_TOKENS
from metaocl.text.prompts import group_prompts

PROMPTS = ["big tag X", "X", "big tag Y green", "red", "big tag X red", "Y"]


def groups_of(model, tokenizer, prompts, tokens_at_once=1000):
    tokens = tokenizer(prompts).input_ids if prompts else []
    return group_prompts(model, tokens, [MAX_NEW_TOKENS] * len(prompts), tokens_at_once)


def rows(padded):
    return zip(padded.tokens, padded.mask, strict=True)


@pytest.mark.parametrize("tokens_at_once", [1, 4, 8, 1000])
@pytest.mark.parametrize("architecture", ["gpt2", "opt", "t5"])
def test_every_prompt_is_in_one_group_with_all_its_tokens(
    build, tokenizer, random_prompts, whole_prompts, architecture, tokens_at_once
):
    prompts = PROMPTS + random_prompts(40, seed=1)
    groups = groups_of(build(architecture, len(tokenizer)), tokenizer, prompts, tokens_at_once)
    found = [item for group in groups for item in whole_prompts(group).items()]
    assert sorted(place for place, _ in found) == list(range(len(prompts)))
    assert all(tokens.tolist() == tokenizer(prompts[place]).input_ids for place, tokens in found)
    assert all(group.rests.tokens.numel() <= tokens_at_once or len(group) == 1 for group in groups)
    assert all(group.rests.mask.any(dim=1).all() for group in groups)


def test_what_prompts_begin_with_alike_is_read_once(model, tokenizer):
    (group,) = groups_of(model, tokenizer, PROMPTS)
    words = [tokenizer.convert_ids_to_tokens(tokens[mask]) for tokens, mask in rows(group.beginnings)]
    shared = {place: words[start] for place, start in zip(group.places.tolist(), group.begins_with, strict=True)}
    # The last token of "big tag X" is not among those that it shares with "big tag X red".
    assert shared == {0: ["big", "tag"], 1: [], 2: ["big", "tag"], 3: [], 4: ["big", "tag", "X"], 5: []}
    assert len(words) == 3


def test_only_what_one_in_fifty_begin_with_is_read_apart(model, tokenizer):
    prompts = ["big tag X"] * 3 + ["Q: Where does X live"] * 2 + ["Y"] * 145
    (group,) = groups_of(model, tokenizer, prompts)
    beginnings = {tuple(tokenizer.convert_ids_to_tokens(tokens[mask])) for tokens, mask in rows(group.beginnings)}
    assert beginnings == {("big", "tag"), ()}


def test_prompts_of_a_group_end_together_but_for_an_encoder(build, tokenizer):
    (group,) = groups_of(build("gpt2", len(tokenizer)), tokenizer, PROMPTS)
    assert group.rests.mask[:, -1].all()
    assert not group.rests.mask.all()
    (group,) = groups_of(build("t5", len(tokenizer)), tokenizer, PROMPTS)
    assert group.rests.mask[:, 0].all()
    assert not group.rests.mask.all()
    assert group.beginnings.tokens.numel() == 0


@pytest.mark.parametrize(
    ("architecture", "config"),
    [
        ("mpt", {}),  # distances count in the row
        ("mistral", {"sliding_window": 10}),  # prompts of 4 tokens, padded to 8, and 8 of an answer
        ("gpt_neo", {"window_size": 10}),
        ("lfm2", {"layer_types": ["conv", "full_attention"]}),  # a running state
    ],
)
def test_a_model_that_allows_no_padding_gets_groups_of_one_length(build_peculiar, tokenizer, architecture, config):
    groups = groups_of(build_peculiar(architecture, len(tokenizer), **config), tokenizer, PROMPTS)
    assert [group.rests.tokens.shape for group in groups] == [(3, 1), (1, 3), (2, 4)]
    assert all(group.rests.mask.all() for group in groups)
    assert all(group.beginnings.tokens.numel() == 0 for group in groups)


@pytest.mark.parametrize("window", [16, None])
def test_a_window_as_wide_as_the_rows_allows_padding(build_peculiar, tokenizer, window):
    model = build_peculiar("mistral", len(tokenizer), sliding_window=window)
    assert len(groups_of(model, tokenizer, PROMPTS)) == 1


def test_no_prompts_make_no_groups(model, tokenizer):
    assert groups_of(model, tokenizer, []) == []
