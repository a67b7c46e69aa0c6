"""Greedy decoding: the cache changes nothing, and it stops neither too early nor too late."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from metaocl.design.test_sets import MAX_NEW_TOKENS
from metaocl.text.decoding import decode_greedily
from metaocl.text.forward import head_logits
from metaocl.text.groups import Padded, Prompts
from metaocl.text.prompts import group_prompts

PROMPTS = torch.tensor([[3, 4, 5], [6, 3, 3], [8, 9, 10], [11, 12, 13], [5, 5, 17]])


def never(tokens):
    return torch.zeros(tokens, dtype=torch.bool)


def together(tokens, limits=None):
    """Prompts of one length as a group, with no beginnings."""
    nothing = Padded(tokens.new_zeros(1, 0), torch.zeros(1, 0, dtype=torch.bool))
    whole = Padded(tokens, torch.ones(tokens.shape, dtype=torch.bool))
    limits = torch.tensor(limits or [MAX_NEW_TOKENS] * len(tokens))
    return Prompts(torch.arange(len(tokens)), whole, nothing, tokens.new_zeros(len(tokens)), limits)


def next_logits(model, prompts, continuation):
    """The logits of the next token, from a whole new pass."""
    if model.config.is_encoder_decoder:
        start = torch.full((len(prompts), 1), model.config.decoder_start_token_id)
        return model(input_ids=prompts, decoder_input_ids=torch.cat([start, continuation], dim=1)).logits[:, -1]
    return model(input_ids=torch.cat([prompts, continuation], dim=1)).logits[:, -1]


@pytest.mark.parametrize("architecture", ["gpt2", "opt", "gpt_neox", "llama", "t5"])
def test_the_cache_gives_the_tokens_of_passes_without_it(build, tokenizer, architecture):
    large_weights = {"initializer_factor": 5.0} if architecture == "t5" else {}
    model = build(architecture, len(tokenizer), **large_weights).eval()
    with torch.inference_mode():
        decoded, first = decode_greedily(model, together(PROMPTS), None, never(len(tokenizer)))
        expected = PROMPTS[:, :0]
        for _ in range(MAX_NEW_TOKENS):
            best = next_logits(model, PROMPTS, expected).argmax(dim=-1, keepdim=True)
            expected = torch.cat([expected, best], dim=1)
        torch.testing.assert_close(first, next_logits(model, PROMPTS, PROMPTS[:, :0]), rtol=0, atol=1e-4)
    assert torch.equal(decoded, expected)
    assert len(decoded.unique()) > 3


def test_restricted_outputs_give_the_best_of_the_allowed_tokens(model, tokenizer):
    outputs = torch.tensor([2, 5, 7, 11])
    with torch.inference_mode():
        decoded, first = decode_greedily(model.eval(), together(PROMPTS), outputs, never(len(tokenizer)))
        logits = model(input_ids=PROMPTS).logits[:, -1]
    torch.testing.assert_close(first, logits[:, outputs], rtol=0, atol=1e-5)
    assert torch.equal(decoded[:, 0], outputs[logits[:, outputs].argmax(dim=-1)])
    assert torch.isin(decoded, outputs).all()


def decode_plainly(model, prompts, outputs, ends):
    """The answer's tokens for each of the prompts: whole passes over prompts of one length; no cache, no padding."""
    answers = {}
    for length in {len(prompt) for prompt in prompts}:
        places = [place for place, prompt in enumerate(prompts) if len(prompt) == length]
        tokens = torch.tensor([prompts[place] for place in places])
        answer = tokens[:, :0]
        for _ in range(MAX_NEW_TOKENS):
            logits = next_logits(model, tokens, answer)
            best = logits.argmax(dim=-1) if outputs is None else outputs[logits[:, outputs].argmax(dim=-1)]
            answer = torch.cat([answer, best.unsqueeze(1)], dim=1)
        answers |= dict(zip(places, answer.tolist(), strict=True))
    return [up_to_end(answers[place], ends) for place in range(len(prompts))]


def up_to_end(answer, ends):
    ended = [place for place, token in enumerate(answer) if ends[token]]
    return answer[: ended[0] + 1] if ended else answer


def check_against_plain_passes(model, tokenizer, prompts, outputs=None):
    """Decode in groups that have padding and beginnings, where the model allows them, and in plain passes."""
    ends = never(len(tokenizer))
    ends[tokenizer.convert_tokens_to_ids(["\n", "red", "tag", "X"])] = True
    found = {}
    with torch.inference_mode():
        limits = [MAX_NEW_TOKENS] * len(prompts)
        for group in group_prompts(model, tokenizer(prompts).input_ids, limits, tokens_at_once=200):
            tokens, first = decode_greedily(model, group, outputs, ends)
            assert first.shape == (len(group), len(tokenizer) if outputs is None else len(outputs))
            found |= dict(zip(group.places.tolist(), tokens.tolist(), strict=True))
        expected = decode_plainly(model, tokenizer(prompts).input_ids, outputs, ends)
    assert [up_to_end(found[place], ends) for place in range(len(prompts))] == expected
    assert all(set(answer) == {answer[-1]} for answer in (found[p][len(e) - 1 :] for p, e in enumerate(expected)))
    return {len(answer) for answer in expected}


@pytest.mark.parametrize("allowed", [None, ["X", "green", "blue", "dark red", "big", "?"]])
@pytest.mark.parametrize("architecture", ["gpt2", "opt", "gpt_neox", "llama", "t5"])
def test_padding_and_shared_beginnings_change_no_answer(build, tokenizer, random_prompts, architecture, allowed):
    large_weights = {"initializer_factor": 5.0} if architecture == "t5" else {}
    model = build(architecture, len(tokenizer), **large_weights).eval()
    outputs = None if allowed is None else torch.tensor(sorted(tokenizer.convert_tokens_to_ids(allowed)))
    lengths = check_against_plain_passes(model, tokenizer, random_prompts(500, seed=2), outputs)
    assert len(lengths) > 1


@pytest.mark.parametrize(
    ("architecture", "config"),
    [
        ("bloom", {}),
        ("mpt", {}),
        ("mistral", {"sliding_window": 4}),
        ("mistral", {"sliding_window": 64}),
        ("gpt_neo", {"window_size": 4}),
        ("gpt_neo", {"window_size": 64}),
        ("lfm2", {}),
        ("bart", {}),
    ],
)
def test_peculiar_architectures_answer_the_same_too(build_peculiar, tokenizer, random_prompts, architecture, config):
    model = build_peculiar(architecture, len(tokenizer), **config)
    lengths = check_against_plain_passes(model, tokenizer, random_prompts(60, seed=3))
    assert len(lengths) > 1


def test_the_first_logits_are_those_of_all_prompts_in_order(model, tokenizer, random_prompts):
    model.eval()
    prompts = random_prompts(60, seed=4)
    ends = torch.arange(len(tokenizer)) % 2 == 0
    with torch.inference_mode():
        limits = [MAX_NEW_TOKENS] * len(prompts)
        for group in group_prompts(model, tokenizer(prompts).input_ids, limits, tokens_at_once=100):
            _, first = decode_greedily(model, group, None, ends)
            for place, logits in zip(group.places, first, strict=True):
                expected = model(**tokenizer(prompts[place], return_tensors="pt")).logits[0, -1]
                torch.testing.assert_close(logits, expected, rtol=0, atol=1e-4)


def test_decoding_goes_on_until_the_last_answer_has_ended(scripted_model):
    model = scripted_model({3: 4, 4: 5, 5: 2, 6: 2}, tokens=8)
    ends = never(8)
    ends[2] = True
    decoded, _ = decode_greedily(model, together(torch.tensor([[3], [6]])), None, ends)
    assert decoded.shape == (2, 3)
    assert decoded[0].tolist() == [4, 5, 2]
    assert decoded[1, 0] == 2


def test_an_answer_that_never_ends_goes_to_its_own_limit(scripted_model):
    model, prompts = scripted_model({3: 4, 4: 3}, tokens=8), torch.tensor([[3], [4], [3]])
    decoded, _ = decode_greedily(model, together(prompts, limits=[8, 3, 11]), None, never(8))
    assert decoded.shape == (3, 11)
    assert decoded[0, :8].tolist() == [4, 3] * 4
    assert decoded[1, :3].tolist() == [3, 4, 3]
    assert decoded[2].tolist() == [4, 3] * 5 + [4]


@pytest.mark.parametrize("outputs", [None, torch.tensor([1, 3, 4])], ids=["whole vocabulary", "some tokens"])
@pytest.mark.parametrize("bias", [False, True])
def test_logits_are_those_of_the_output_layer_with_its_bias(outputs, bias):
    torch.manual_seed(0)
    head = torch.nn.Linear(4, 6, bias=bias)
    hidden = torch.randn(5, 4)
    logits = head_logits(SimpleNamespace(get_output_embeddings=lambda: head, config=SimpleNamespace()), hidden, outputs)
    expected = head(hidden) if outputs is None else head(hidden)[:, outputs]
    torch.testing.assert_close(logits, expected)
