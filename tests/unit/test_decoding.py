"""Greedy decoding: the cache changes nothing, and it stops neither too early nor too late."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from metaocl.decoding import MAX_NEW_TOKENS, decode_greedily, output_logits

PROMPTS = torch.tensor([[3, 4, 5], [6, 3, 3], [8, 9, 10], [11, 12, 13], [5, 5, 17]])


def never(tokens):
    return torch.zeros(tokens, dtype=torch.bool)


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
        decoded, first = decode_greedily(model, PROMPTS, None, never(len(tokenizer)))
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
        decoded, first = decode_greedily(model.eval(), PROMPTS, outputs, never(len(tokenizer)))
        logits = model(input_ids=PROMPTS).logits[:, -1]
    torch.testing.assert_close(first, logits[:, outputs], rtol=0, atol=1e-5)
    assert torch.equal(decoded[:, 0], outputs[logits[:, outputs].argmax(dim=-1)])
    assert torch.isin(decoded, outputs).all()


def test_decoding_goes_on_until_the_last_answer_has_ended(scripted_model):
    model = scripted_model({3: 4, 4: 5, 5: 2, 6: 2}, tokens=8)
    ends = never(8)
    ends[2] = True
    decoded, _ = decode_greedily(model, torch.tensor([[3], [6]]), None, ends)
    assert decoded.shape == (2, 3)
    assert decoded[0].tolist() == [4, 5, 2]
    assert decoded[1, 0] == 2


def test_an_answer_that_never_ends_is_cut_after_eight_tokens(scripted_model):
    decoded, _ = decode_greedily(scripted_model({3: 4, 4: 3}, tokens=8), torch.tensor([[3]]), None, never(8))
    assert decoded.tolist() == [[4, 3] * 4]


@pytest.mark.parametrize("outputs", [None, torch.tensor([1, 3, 4])], ids=["whole vocabulary", "some tokens"])
@pytest.mark.parametrize("bias", [False, True])
def test_logits_are_those_of_the_output_layer_with_its_bias(outputs, bias):
    torch.manual_seed(0)
    head = torch.nn.Linear(4, 6, bias=bias)
    hidden = torch.randn(5, 4)
    logits = output_logits(
        SimpleNamespace(get_output_embeddings=lambda: head, config=SimpleNamespace()), hidden, outputs
    )
    expected = head(hidden) if outputs is None else head(hidden)[:, outputs]
    torch.testing.assert_close(logits, expected)
