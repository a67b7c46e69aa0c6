"""Compare a tiny model of every architecture with transformers itself, and write docs/architectures.md."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

sys.path.insert(0, str(Path(__file__).parents[1]))

from transformers.utils.logging import set_verbosity_error

from metaocl.config.plans import Stage
from metaocl.design.test_sets import MAX_NEW_TOKENS
from metaocl.randomness import random_stream
from metaocl.text.decoding import decode_greedily
from metaocl.text.examples import Examples, encode_examples
from metaocl.text.forward import without_cache
from metaocl.text.loss import completion_loss
from metaocl.text.models import ModelError
from metaocl.text.prompts import group_prompts
from metaocl.text.task import check_texts
from metaocl.text.tokenizers import build_word_tokenizer
from metaocl.text.trials import describe_abilities
from tools.tiny_models import ARCHITECTURES, VOCABULARY, tiny_model

PAGE = Path(__file__).parents[2] / "docs" / "architectures.md"
INTRODUCTION = """# Which pretrained models work

`models.<name>.pretrained` takes any causal language model or encoder-decoder of transformers. What a model can do is
not looked up by its architecture, but tried on the model itself when it is prepared: whether its logits are its output
layer of its last hidden states and no more, whether it reads padded prompts and goes on from its cache, whether texts
can share a row. Where it cannot, a slower way is taken that gives the same; `abilities` in the prepared model's
`run.json` tells, and what depends on no text is kept in its folder (`trials.json`), so that no later job tries it
again. A model that cannot be trained on texts is refused in one line before training, and so is one that has no
positions for the longest text.

This page is made by `scripts/tools/document_models.py`, which builds a tiny model with random weights of every
architecture in the registry of transformers {version}, and compares loss, gradients and answers with what
transformers computes.

## They agree

{agreeing}

## Refused

{refused}

## Not tried

No tiny model could be built, mostly as the architecture reads more than text or is no causal language model. A real
model of these is tried like any other when it is prepared.

{unbuilt}
"""
STAGE = Stage(documents=["questions"], epochs=1, learning_rate=0.01)
WORDS = [f"w{number}" for number in range(VOCABULARY - 7)]  # the tokenizer has seven tokens of its own
TOKENIZER = build_word_tokenizer([" ".join(WORDS)], [])
ENDS = ["\n", *WORDS[::6]]  # tokens that end an answer: enough for some answers to be short


@dataclass(frozen=True)
class Verdict:
    """What became of an architecture: `agrees`, `refused` before training, or `unbuilt`; and how, or why."""

    outcome: str
    detail: str


def judge(architecture: str) -> Verdict:
    """Compare a tiny model's loss, gradients and answers with transformers'. Raises AssertionError if they differ."""
    try:
        model = tiny_model(architecture)
    # transformers' configurations raise almost anything for sizes that do not fit each other.
    except Exception as error:
        said = str(error).strip() or "without a word"
        return Verdict("unbuilt", f"{type(error).__name__}: {said.splitlines()[0]}")
    random = random_stream("texts for tiny models")
    prompts = [" ".join(random.choice(WORDS, size=length)) for length in (5, 2, 9, 5)]
    prompts += [f"{' '.join(WORDS[:3])} {prompt}" for prompt in prompts[:2]]
    texts = [(prompt, " ".join(random.choice(WORDS, size=2))) for prompt in prompts]
    try:
        check_texts(model, TOKENIZER, texts)
        abilities = describe_abilities(model)
    except ModelError as error:
        return Verdict("refused", str(error))
    compare_answers(model, prompts, None)
    compare_answers(model, prompts[:2], torch.arange(2, VOCABULARY, 2))
    compare_losses(model, encode_examples(model, TOKENIZER, texts, STAGE))
    return Verdict("agrees", ", ".join(ability for ability, has in abilities.items() if has))


def compare_losses(model: Any, examples: Examples) -> None:
    """Our loss of a batch and transformers' own losses of its texts, one by one; then the gradients of both."""
    ours, _ = completion_loss(model, examples.batch(range(len(examples))), None)
    own, scored = torch.zeros(()), 0
    for read, written in zip(examples.inputs, examples.labels, strict=True):
        if not model.config.is_encoder_decoder:
            read = written = read[:1] + written
        count = len(written) - (not model.config.is_encoder_decoder)
        texts = {"input_ids": torch.tensor([read]), "labels": torch.tensor([written])}
        own += model(**texts, **without_cache(model)).loss * count
        scored += count
    torch.testing.assert_close(ours, own / scored, rtol=1e-5, atol=1e-5)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    found, expected = (torch.autograd.grad(loss, parameters, allow_unused=True) for loss in (ours, own / scored))
    largest = max(float(gradient.abs().max()) for gradient in expected if gradient is not None)
    for one, other in zip(found, expected, strict=True):
        zero = torch.zeros(())
        torch.testing.assert_close(
            *torch.broadcast_tensors(zero if one is None else one, zero if other is None else other),
            rtol=1e-3,
            atol=1e-4 * largest,
        )


def compare_answers(model: Any, prompts: list[str], outputs: torch.Tensor | None) -> None:
    """Our answers in groups, and those of transformers' `generate`, prompt by prompt, each up to its end."""
    ends = torch.zeros(VOCABULARY, dtype=torch.bool)
    ends[TOKENIZER.convert_tokens_to_ids(ENDS)] = True
    answers: dict[int, list[int]] = {}
    tokens, limits = TOKENIZER(prompts).input_ids, [MAX_NEW_TOKENS] * len(prompts)
    with torch.inference_mode():
        for group in group_prompts(model, tokens, limits, tokens_at_once=40):
            written, _ = decode_greedily(model, group, outputs, ends)
            answers |= dict(zip(group.places.tolist(), written.tolist(), strict=True))
        for place, prompt in enumerate(prompts):
            expected = _generate(model, TOKENIZER(prompt).input_ids, outputs, ends, group.reading.cached)
            found, after = answers[place][: len(expected)], answers[place][len(expected) :]
            if found != expected or {*after, expected[-1]} != {expected[-1]}:
                raise AssertionError(f"{prompt}: {answers[place]}, not {expected} and its end")


def _generate(
    model: Any, prompt: list[int], outputs: torch.Tensor | None, ends: torch.Tensor, cached: bool
) -> list[int]:
    """The answer of transformers' own greedy decoding, with our stop rule."""
    allowed = None if outputs is None else (lambda *_: outputs.tolist())
    written = model.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
        do_sample=False,
        use_cache=cached,
        num_beams=1,
        max_new_tokens=MAX_NEW_TOKENS,
        eos_token_id=ends.nonzero().flatten().tolist(),
        pad_token_id=0,
        forced_bos_token_id=None,
        forced_eos_token_id=None,
        prefix_allowed_tokens_fn=allowed,
    )
    return written[0, 1 if model.config.is_encoder_decoder else len(prompt) :].tolist()


def write_page(verdicts: dict[str, Verdict]) -> str:
    """docs/architectures.md, from the verdict on each architecture."""
    agreeing = ", ".join(f"`{name}`" for name, verdict in verdicts.items() if verdict.outcome == "agrees")
    return INTRODUCTION.format(
        version=transformers.__version__,
        agreeing=agreeing,
        refused=_table("refused", "why", verdicts),
        unbuilt=_table("unbuilt", "what transformers says", verdicts),
    )


def _table(outcome: str, why: str, verdicts: dict[str, Verdict]) -> str:
    rows = [_row(name, verdict) for name, verdict in verdicts.items() if verdict.outcome == outcome]
    return "\n".join([f"| architecture | {why} |", "|---|---|", *rows])


def _row(name: str, verdict: Verdict) -> str:
    detail = verdict.detail.replace("|", "\\|")
    return f"| `{name}` | {detail if len(detail) <= 150 else detail[:149] + '…'} |"


def main() -> None:
    set_verbosity_error()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    PAGE.write_text(write_page({name: judge(name) for name in ARCHITECTURES}), encoding="utf-8")


if __name__ == "__main__":
    main()
