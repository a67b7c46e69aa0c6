"""What a loaded model can do, found by trials of the model itself, as what says so differs between architectures.

A trial takes a few short texts and milliseconds; nothing is drawn from the global random generators.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch.nn import functional
from transformers import GenerationConfig

from metaocl.design.test_sets import MAX_NEW_TOKENS
from metaocl.text.decoding import first_tokens, open_reader
from metaocl.text.forward import agree, findings, output_of, text, trial, without_cache
from metaocl.text.groups import READINGS, Prompt, Prompts, Reading, pad, padding_side
from metaocl.text.models import ModelError

FOLLOWING = 2  # tokens of an answer that are tried
_APART: WeakKeyDictionary[Any, int] = WeakKeyDictionary()  # the longest texts that a model was seen to keep apart


def describe_abilities(model: Any) -> dict[str, bool]:
    """What trials say about a model, for a record of it. Raises ModelError for one that cannot be trained and tested.

    More is tried than in every training job: transformers' own loss and its way to write answers, too.
    """
    check_model(model)
    _check_loss(model, text(model, 8))
    tokens = tuple(text(model, min(16, max(2, (_positions(model) or 24) - MAX_NEW_TOKENS)))[0].tolist())
    reading = pick_reading(model, tokens, MAX_NEW_TOKENS)
    _check_generation(model, text(model, 4), reading.cached)
    abilities = {"reads_padded": reading.padded, "answers_with_cache": reading.cached}
    if model.config.is_encoder_decoder:
        return abilities
    short_cut, apart = output_of(model).short_cut, keeps_texts_apart(model, tokens)
    return abilities | {"short_cut_to_logits": short_cut, "texts_share_rows": apart}


def check_model(model: Any) -> None:
    """Raises ModelError for a model that does not read texts, or sees the end of one before it has to write it."""
    if findings(model).get("reads_texts"):
        return
    name = model.config.model_type
    try:
        tokens, embeddings = text(model, 8), model.get_input_embeddings().weight
        with trial(model, training=True), torch.enable_grad():
            torch.autograd.grad(_whole_logits(model, tokens, tokens).sum(), embeddings)
        with trial(model):
            whole, begun = _whole_logits(model, tokens, tokens), _whole_logits(model, tokens, tokens[:, :5])
    except torch.OutOfMemoryError:
        raise  # says nothing about the model
    # An architecture that wants more than text may raise anything.
    except Exception as error:
        raise ModelError(f"{name} cannot be trained on text alone: {_in_one_line(error)}") from None
    if not torch.isfinite(whole).all():
        raise ModelError(f"{name} gives logits that are not finite")
    if not agree(begun, whole[:, :5]):
        raise ModelError(
            f"{name} does not read from left to right: its logits for a text depend on what follows; architectures "
            "that can do both have is_decoder in their config.json"
        )
    findings(model)["reads_texts"] = True


def _check_loss(model: Any, tokens: torch.Tensor) -> None:
    """Raises ModelError unless a model's own loss of a text is the mean cross-entropy of its next tokens.

    An encoder-decoder reads the text and writes it.
    """
    name, written = model.config.model_type, tokens
    try:
        with trial(model):
            own = model(input_ids=tokens, labels=tokens, **without_cache(model)).loss
            if model.config.is_encoder_decoder:
                start = torch.full_like(tokens[:, :1], model.config.decoder_start_token_id)
                written = torch.cat([start, tokens], dim=1)
            logits = _whole_logits(model, tokens, written[:, :-1])
    except torch.OutOfMemoryError:
        raise  # says nothing about the model
    except Exception as error:
        raise ModelError(f"{name} cannot be trained on text alone: {_in_one_line(error)}") from None
    if not agree(functional.cross_entropy(logits[0], written[0, 1:]), own):
        raise ModelError(f"{name} has a loss of its own, and not that of each text's next tokens")


def _check_generation(model: Any, tokens: torch.Tensor, cached: bool) -> None:
    """Raises ModelError where transformers' `generate` gives other logits than the model's forward: one must be wrong.

    A model that `generate` cannot use passes.
    """
    before, model.generation_config = model.generation_config, GenerationConfig(pad_token_id=0)
    settings = {"do_sample": False, "max_new_tokens": 3, "return_dict_in_generate": True, "output_logits": True}
    start = {"decoder_start_token_id": model.config.decoder_start_token_id} if model.config.is_encoder_decoder else {}
    try:
        with trial(model):
            written = model.generate(tokens, use_cache=cached, **settings, **start)
            own = _whole_logits(model, tokens, written.sequences[:, :-1])[:, -3:]
    except torch.OutOfMemoryError:
        raise  # says nothing about the model
    except Exception:
        return
    finally:
        model.generation_config = before
    # Not so near: some write with other algorithms than they read with.
    if not agree(torch.stack(written.logits, dim=1), own, rounding=1e-3):
        raise ModelError(f"{model.config.model_type}: transformers' generate and its own forward give different logits")


def check_length(model: Any, prompt: Sequence[int], completion: Sequence[int]) -> None:
    """Raises ModelError for a model that has no positions for a text of so many tokens.

    One that can count on, but was not made to, gets a message on standard error.
    """
    written = completion if model.config.is_encoder_decoder else [*prompt, *completion]
    name, length = model.config.model_type, max(len(prompt), len(written))
    positions = _positions(model)
    rows = [torch.tensor([list(tokens)], device=model.device) for tokens in (prompt, written)]
    try:
        with trial(model):
            _whole_logits(model, *rows).sum().item()
    except torch.OutOfMemoryError:
        raise  # says nothing about the model
    except Exception as error:
        has = f"has {positions} positions" if positions else "cannot read so many"
        raise ModelError(f"the longest text has {length} tokens, and {name} {has}: {_in_one_line(error)}") from None
    if positions and length > positions:
        print(f"the longest text has {length} tokens, and {name} was made for {positions}", file=sys.stderr)


def _positions(model: Any) -> int | None:
    """How many positions a model's configuration names, if it does; only a trial says whether there are no more."""
    return getattr(model.config.get_text_config(), "max_position_embeddings", None)


def keeps_texts_apart(model: Any, longest: Sequence[int]) -> bool:
    """Whether texts of at most this length that share a row do not see each other; for most, positions part them."""
    if len(longest) > _APART.get(model, 0) and _sees_no_neighbour(model, longest):
        _APART[model] = len(longest)
    return len(longest) <= _APART.get(model, 0)


def _sees_no_neighbour(model: Any, longest: Sequence[int]) -> bool:
    """Whether the logits of a text in a row are the same behind another text as alone."""
    tokens = torch.tensor([list(longest)], device=model.device)
    row = {
        "input_ids": torch.cat([tokens, tokens.flip(1)], dim=1),
        "position_ids": torch.arange(len(longest), device=model.device).repeat(2).unsqueeze(0),
    }
    try:
        with trial(model):
            alone = model(input_ids=tokens.flip(1), **without_cache(model)).logits
            beside = model(**row, **without_cache(model)).logits
    except torch.OutOfMemoryError:
        raise  # says nothing about the model
    # A model that cannot be told positions.
    except Exception:
        return False
    return agree(beside[:, len(longest) :], alone)


def pick_reading(model: Any, longest: Prompt, limit: int) -> Reading:
    """The fastest way to answer prompts of at most this length that gives what whole passes over each give.

    limit: the most tokens of an answer.

    A cache, padding or shared beginnings may not be there, or change what is seen: where a layer keeps a running state,
    or where a window or a distance is counted in the row and not in the text. Raises ModelError for a model that has no
    positions for the longest prompt and its answer.
    """
    check_length(model, longest, longest[:1] * limit)
    return next(reading for reading in READINGS if not reading.cached or _answers_alike(model, longest, limit, reading))


def _answers_alike(model: Any, longest: Prompt, limit: int, reading: Reading) -> bool:
    """Whether two prompts and what follows are read as whole passes do, in rows as wide as any group's."""
    prompts = _two_prompts(model, longest, limit, reading)
    wholes = torch.tensor([longest, longest[::-1]], device=model.device)
    begin, steps = first_tokens(model, prompts), wholes[:, :1].repeat(1, FOLLOWING)
    try:
        with trial(model):
            reader = open_reader(model, prompts, None)
            found = [reader.read(begin)]
            reader.keep(swapped := torch.tensor([1, 0], device=model.device))
            found += [reader.read(step)[swapped] for step in steps[swapped].split(1, dim=1)]
            start = begin if model.config.is_encoder_decoder else wholes
            logits = _whole_logits(model, wholes, torch.cat([start, steps], dim=1))
    except torch.OutOfMemoryError:
        raise  # says nothing about the model
    # A model without a cache, or with one of its own kind, or that cannot be told positions.
    except Exception:
        return False
    return agree(torch.stack(found, dim=1), logits[:, -len(found) :])


def _two_prompts(model: Any, longest: Prompt, limit: int, reading: Reading) -> Prompts:
    """The longest prompt and its reverse, in rows as wide as any can be if padded.

    The reverse is then all beginning but for its last token, so that the gap before it is as wide as any can be.
    """
    device, backwards, width, begins = model.device, longest[::-1], 0, 0
    if reading.padded:
        width = len(longest) + limit - FOLLOWING
        begins = 0 if model.config.is_encoder_decoder else len(longest) - 1
    rests = pad([longest, backwards[begins:]], padding_side(model), device, width)
    beginnings = pad([(), backwards[:begins]], "left", device, begins and len(longest))
    places = torch.arange(2)
    limits = torch.full((2,), limit, device=device)
    return Prompts(places, rests, beginnings, places.to(device), limits, reading)


def _whole_logits(model: Any, prompts: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """The model's own logits (rows, length, vocabulary) of tokens (rows, length), with no cache.

    prompts: what an encoder reads, (rows, any length).
    """
    if model.config.is_encoder_decoder:
        return model(input_ids=prompts, decoder_input_ids=tokens, **without_cache(model)).logits
    return model(input_ids=tokens, **without_cache(model)).logits


def _in_one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
