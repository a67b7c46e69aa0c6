"""Training a base model from scratch on facts told under many names: the small stand-in for pretraining on text.

Every entity has its name and several invented nicknames. The model reads questions about all of them, statements that
say whom a nickname means, and statements of the same form that link it to anybody, drawn at random. Without those
unrelated relations a statement could only ever mean one thing, and stage 1 would have no reason to treat tags apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from metaocl.config.models import BaseTraining, Model
from metaocl.documents.definitions import write_definition
from metaocl.documents.records import Text
from metaocl.documents.writing import ATTRIBUTION_PROMPTS, write_question
from metaocl.facts.fact import Fact
from metaocl.randomness import random_stream
from metaocl.text.evaluation import Evaluator
from metaocl.text.examples import encode_examples
from metaocl.text.golds import check_golds
from metaocl.text.models import ModelError, build_model, output_tokens
from metaocl.text.task import TextTask, check_texts
from metaocl.text.tokenizers import build_word_tokenizer
from metaocl.training.devices import pick_device
from metaocl.training.loop import train_base

MEANING = "means"


@dataclass(frozen=True)
class Corpus:
    """What a base model reads, as pairs of prompt and completion, and the questions that measure its quality.

    read: training text by kind: `questions` about attributes of names and questioned nicknames, `attribution` of the
    latter, and `statements` about all nicknames; an empty kind is left out.
    tests: questions by what they measure: those about `names` are trained on, those about unquestioned nicknames never
    are; an empty one is left out.
    """

    nicknames: list[str]
    read: dict[str, list[Text]]
    tests: dict[str, list[Text]]

    @property
    def texts(self) -> list[Text]:
        """All training text."""
        return [text for texts in self.read.values() for text in texts]


def write_corpus(facts: Sequence[Fact], settings: BaseTraining) -> Corpus:
    """The corpus of a base model; a function of the facts, the settings and their seed."""
    names = list(dict.fromkeys(fact.name for fact in facts))
    random = random_stream("nicknames", settings.seed)
    taken = {*names, *(fact.answer for fact in facts)}
    nicknames = _draw_nicknames(len(names) * settings.nicknames, taken, random)
    meaning = dict(zip(nicknames, names * settings.nicknames, strict=True))
    unquestioned = set(nicknames[: round(len(nicknames) * settings.unquestioned_share)])

    prompts = ATTRIBUTION_PROMPTS if settings.attribution_share else {}
    who = [Fact(name, name, key, prompt, name) for name in names for key, prompt in prompts.items()]
    statements = [_state(MEANING, nickname, entity) for nickname, entity in meaning.items()]
    for relation in range(1, settings.unrelated_relations + 1):
        partners = random.integers(len(names), size=len(nicknames))
        statements += [_state(f"unrelated{relation}", n, names[p]) for n, p in zip(nicknames, partners, strict=True)]
    asked = {n: e for n, e in meaning.items() if n not in unquestioned}
    never_asked = {n: e for n, e in meaning.items() if n in unquestioned}
    about_names = _ask(facts, {name: name for name in names})
    read = {"questions": about_names + _ask(facts, asked), "attribution": _ask(who, asked), "statements": statements}
    tests = {
        "names": about_names,
        "unquestioned_nicknames": _ask(facts, never_asked),
        "unquestioned_attribution": _ask(who, never_asked),
    }
    return Corpus(nicknames, *({kind: texts for kind, texts in each.items() if texts} for each in (read, tests)))


def new_model(facts: Sequence[Fact], settings: Model, seed: int) -> tuple[Any, Any]:
    """A model with random weights, on the CPU, and a tokenizer with the facts' words; names and answers are units."""
    texts = ["".join(write_question(fact, fact.name)) for fact in facts]
    tokenizer = build_word_tokenizer(texts, {text for fact in facts for text in (fact.name, fact.answer)})
    torch.manual_seed(seed)
    return build_model(settings, len(tokenizer)), tokenizer


def train_from_scratch(
    facts: Sequence[Fact], corpus: Corpus, settings: Model, base: BaseTraining
) -> tuple[Any, Any, float]:
    """A model of the given architecture trained on the corpus: model, tokenizer, and the seconds that training took.

    Raises ModelError, before training, for one that has no positions for the longest text or prompt and for a minimum
    of what is not tested, GoldsError for one that can get no answer right, and NotFiniteError.
    """
    if untested := base.minimum_exact_match.keys() - corpus.tests.keys():
        raise ModelError(
            f"base_training.minimum_exact_match has {', '.join(sorted(untested))}, of which there are no questions: "
            f"unquestioned_share ({float(base.unquestioned_share):g}) of {len(corpus.nicknames)} nicknames is none"
        )
    units = {text for fact in facts for text in (fact.name, fact.answer)} | set(corpus.nicknames)
    texts = corpus.texts
    tokenizer = build_word_tokenizer([prompt + completion for prompt, completion in texts], units)
    torch.manual_seed(base.seed)
    model = build_model(settings, len(tokenizer)).to(pick_device())
    check_texts(model, tokenizer, texts)
    for name, evaluator in _quality_tests(model, tokenizer, corpus, base).items():
        check_golds(evaluator, [name] * len(evaluator.golds))
    examples = encode_examples(model, tokenizer, texts, base)
    weights = _weights(corpus, base)
    outputs = output_tokens(tokenizer, [completion for _, completion in texts], base)
    task = TextTask(model, tokenizer, base, outputs)
    return model, tokenizer, train_base(model, examples, weights, task.loss, base)


def _weights(corpus: Corpus, base: BaseTraining) -> torch.Tensor:
    """The chance of each text to be drawn into a batch."""
    asked = {"questions": base.question_share, "attribution": base.attribution_share}
    shares = asked | {"statements": 1 - sum(asked.values())}
    return torch.cat([torch.full((len(texts),), shares[kind] / len(texts)) for kind, texts in corpus.read.items()])


def measure_quality(model: Any, tokenizer: Any, corpus: Corpus, settings: BaseTraining) -> dict[str, float]:
    """Exact match on each of the corpus's tests."""
    tests = _quality_tests(model, tokenizer, corpus, settings)
    return {name: float(evaluator.measure(model)["exact_match"].mean()) for name, evaluator in tests.items()}


def check_quality(quality: Mapping[str, float], settings: BaseTraining) -> None:
    """Raises ModelError where a base model is worse than its settings demand: what follows would show nothing."""
    for name, minimum in settings.minimum_exact_match.items():
        if quality.get(name, 0.0) < minimum:
            raise ModelError(
                f"the base model answers {quality.get(name, 0.0):.3f} of the questions about {name.replace('_', ' ')}; "
                f"base_training.minimum_exact_match.{name} asks for {minimum:g}: train it longer or lower the threshold"
            )


def _quality_tests(model: Any, tokenizer: Any, corpus: Corpus, settings: BaseTraining) -> dict[str, Evaluator]:
    outputs = output_tokens(tokenizer, [completion for _, completion in corpus.texts], settings)
    return {name: Evaluator(model, tokenizer, texts, outputs) for name, texts in corpus.tests.items()}


def _ask(facts: Sequence[Fact], meaning: Mapping[str, str]) -> list[Text]:
    """The facts' questions about each name that stands for their entity."""
    known_as: dict[str, list[str]] = {}
    for name, entity in meaning.items():
        known_as.setdefault(entity, []).append(name)
    return [write_question(fact, name) for fact in facts for name in known_as.get(fact.name, [])]


def _state(relation: str, nickname: str, entity: str) -> Text:
    """A statement about a nickname; it has the form of a definition, with the relation in the tag's place."""
    return write_definition("{tag} {variable} {entity}", tag=relation, variable=nickname, entity=entity)


def _draw_nicknames(count: int, taken: set[str], random: np.random.Generator) -> list[str]:
    """`count` different invented words of three syllables, none of them in `taken`.

    Raises ModelError for more than there are.
    """
    syllables = [consonant + vowel for consonant in "bdfghjklmnprstvwz" for vowel in "aeiou"]
    if count > (most := len(syllables) ** 3 - len(taken)):
        raise ModelError(f"base_training.nicknames: the entities' nicknames come to {count}; there are {most} words")
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        word = "".join(random.choice(syllables, size=3)).capitalize()
        if word not in taken:
            drawn[word] = None
    return list(drawn)
