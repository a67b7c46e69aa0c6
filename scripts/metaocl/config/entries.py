"""The typed configuration: every key, its meaning, its default and its limits, in one place.

`config/README.md` and `workflow/schemas/config.schema.json` are generated from these classes, and a test keeps them
in step. Nothing here imports torch or pandas: the Snakefile reads this module again in every submitted job.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from math import prod
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, ClassVar, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from metaocl.design.axes import AxisName
from metaocl.design.subsets import MAIN_SHARES, Subset
from metaocl.errors import UserError

# Slugs become folder names and appear in commands, so they may hold nothing that a shell or a path reads specially.
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=64)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
DecayRate = Annotated[float, Field(ge=0, lt=1)]
Accuracy = Annotated[float, Field(ge=0, le=1)]
# 0.33 in YAML means 33/100, not the nearest binary number, so that shares can sum to exactly 1; 1/3 may be written.
Share = Annotated[Fraction, BeforeValidator(lambda value: str(value) if isinstance(value, float) else value)]


# Texts that enter documents: a line break would end the document.
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\n\r]*$")]
Placeholder = Annotated[str, Field(pattern=r"^[a-z_]+$")]


class ConfigError(UserError):
    """A configuration that cannot be run; the message names the file, the key, the value and what was expected."""


class Entry(BaseModel):
    """Base of all config entries: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # Keys that no job's result depends on.
    cosmetic: ClassVar[frozenset[str]] = frozenset()


class People(Entry):
    """Baseball players from the Baseball Databank, six questions each; the data come with a Python package."""

    kind: Literal["people"] = Field(default="people", description="Says which source this is.")


class Cities(Entry):
    """Cities from GeoNames, the most populous first, six questions each; the data come with a Python package."""

    kind: Literal["cities"] = Field(default="cities", description="Says which source this is.")


class Download(Entry):
    """A public file that the user names: one that is there, or one to fetch."""

    # Snakemake fills in what stands in braces, and a script would take a leading hyphen for an option.
    path: str | None = Field(
        default=None,
        pattern=r"^[^-{}\n\r][^{}\n\r]*$",
        description="The file, from the folder in which Snakemake runs. No braces, and no hyphen in front.",
    )
    url: str | None = Field(
        default=None, pattern=r"^https?://[^\s{}]+$", description="Where to fetch it, in place of `path`."
    )
    sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="The file's SHA-256; another content is an error."
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give either path (a file that is there) or url (a file to fetch)")
        return self


class Cvdb(Download):
    """Notable people from the cross-verified database (CSV, plain or .gz), half men, half women, six questions each."""

    kind: Literal["cvdb"] = Field(default="cvdb", description="Says which source this is.")


class Trex(Download):
    """Creative works from T-REx (JSON files in a folder or a zip), four questions or more each."""

    kind: Literal["trex"] = Field(default="trex", description="Says which source this is.")


class SetInclusion(Entry):
    """Numbers from 0, and questions whether lists hold them; every entity is one variable with questions of its own."""

    kind: Literal["set_inclusion"] = Field(default="set_inclusion", description="Says which source this is.")
    numbers: int = Field(default=99, ge=3, description="How many different numbers there are, from 0.")
    list_length: int = Field(default=8, ge=1, description="Numbers in the list of a question.")
    intersection: int = Field(
        default=2, ge=1, description="Numbers that all true lists of a variable's training questions share."
    )
    questions: int = Field(
        default=12, ge=4, multiple_of=2, description="Training questions of a variable, half true; as many test it."
    )
    seed: Seed = Field(default=0, description="Seed of the numbers and lists.")

    @model_validator(mode="after")
    def _lists_can_be_drawn(self) -> SetInclusion:
        if self.intersection >= self.list_length:
            raise ValueError(f"intersection is {self.intersection}; it must be below list_length ({self.list_length})")
        if self.list_length + self.intersection > self.numbers:
            raise ValueError(
                f"numbers is {self.numbers}; lists of {self.list_length} beside an intersection of {self.intersection} "
                f"need {self.list_length + self.intersection}"
            )
        return self


class Modular(Entry):
    """Numbers, and their remainders modulo some primes."""

    kind: Literal["modular"] = Field(default="modular", description="Says which source this is.")
    numbers: int = Field(default=32_768, ge=2, description="Numbers are drawn from 0 up to below this.")
    primes: list[int] = Field(default=[2, 3, 5, 7, 11, 13], min_length=2, description="The moduli asked about.")
    seed: Seed = Field(default=0, description="Seed of the numbers.")

    @model_validator(mode="after")
    def _moduli_are_primes(self) -> Modular:
        if wrong := [p for p in self.primes if p < 2 or any(p % d == 0 for d in range(2, int(p**0.5) + 1))]:
            raise ValueError(f"primes holds {', '.join(map(str, wrong))}, no prime")
        if len(set(self.primes)) != len(self.primes):
            raise ValueError("primes holds a number twice")
        return self


Source = Annotated[
    Annotated[People | Cities | Cvdb | Trex | SetInclusion | Modular, Field(discriminator="kind")],
    BeforeValidator(lambda value: {"kind": value} if isinstance(value, str) else value),
]


class Dataset(Entry):
    """Where the facts come from and how its entities are divided into subsets."""

    source: Source = Field(
        description="Source of facts: `people`, `cities`, `cvdb`, `trex`, `set_inclusion` or `modular`; or a table "
        "with that `kind` and the keys of the source, below."
    )
    entities: int = Field(ge=2, description="How many entities to take, the best known first.")
    variables: int | None = Field(
        default=None,
        ge=2,
        description="How many aliases to define. By default each entity gets exactly one, as in the paper; with a "
        "number each alias stands for a random entity, so several may share one.",
    )
    held_out_share: Share = Field(
        default=Fraction(1, 6),
        gt=0,
        lt=1,
        description="Share of the questions about an alias of stage 1 kept for testing (rounded, at least one).",
    )
    test_sets: list[Literal["attribution", "letters"]] = Field(
        default=["attribution"],
        description="Test sets beside the held-out questions: `attribution` (who is meant, in four phrasings; for "
        "inconsistent definitions also scored against the entity that they name) and `letters` (first, second and last "
        "letter of the name).",
    )
    shares: dict[Subset, Share] = Field(
        default=MAIN_SHARES,
        validate_default=True,
        description="Share of the aliases in each subset; they sum to 1. Defaults to the paper's main experiment.",
    )

    def held_out(self, questions: int) -> int:
        """How many of an alias's `questions` (2 or more) are kept for testing: at least one, and not all."""
        return min(questions - 1, max(1, round(questions * self.held_out_share)))

    @model_validator(mode="after")
    def _remainders_do_not_identify(self) -> Dataset:
        if not isinstance(self.source, Modular):
            return self
        if self.entities > self.source.numbers:
            raise ValueError(f"entities is {self.entities}; there are {self.source.numbers} numbers to draw from")
        # Numbers agree in some remainders if they differ by a multiple of the primes' product, so every number shares
        # its remainders with another one as soon as there are twice as many.
        primes = sorted(self.source.primes)
        trained = primes[self.held_out(len(primes)) :]
        if 2 * prod(trained) > self.source.numbers:
            raise ValueError(
                f"numbers is {self.source.numbers}; training on remainders modulo {', '.join(map(str, trained))} would "
                f"tell which number a variable is: take {2 * prod(trained)} numbers or more, or hold out more questions"
            )
        return self

    @model_validator(mode="after")
    def _shares_are_usable(self) -> Dataset:
        if negative := [f"{name} ({float(share):g})" for name, share in self.shares.items() if share < 0]:
            raise ValueError(f"shares of {', '.join(negative)} are negative; each must be between 0 and 1")
        if (total := sum(self.shares.values())) != 1:
            raise ValueError(f"shares sum to {float(total):g}; they must sum to 1")
        if self.variables is not None and self.shares.get("q_no_replacement_baseline", 0) > 0:
            raise ValueError(
                "the subset q_no_replacement_baseline uses the entities' own names, so it needs one alias per entity; "
                f"variables is {self.variables}: leave out `variables` or set that share to 0"
            )
        return self


class Tags(Entry):
    """Texts of the define tags; a definition takes one of its tag's texts at random."""

    reliable: list[Line] = Field(min_length=1, description="Tag 1: comes with consistent definitions.")
    unreliable: list[Line] = Field(min_length=1, description="Tag 2: comes with inconsistent definitions.")
    unseen: list[Line] = Field(min_length=1, description="Tag 3: appears in stage 2 only.")


class DefineType(Entry):
    """How an alias is defined, and how much its tag says about the definition's truth."""

    order: Literal["tve", "tev", "vte", "vet", "etv", "evt"] | None = Field(
        default=None, description="Order of tag (t), variable (v) and entity (e) in a definition; by default `tve`."
    )
    templates: list[Line] | None = Field(
        default=None,
        min_length=1,
        description="Sentences in place of `order`, with {variable}, {entity}, at most one {tag} and the placeholders "
        "of `words`; a definition takes one at random. Its completion begins with the last of the first three.",
    )
    words: dict[Placeholder, Annotated[list[Line], Field(min_length=1)]] = Field(
        default={}, description="Further placeholders of the templates, each with texts to take at random."
    )
    tags: Tags | None = Field(
        default=None, description="Texts of the tags; by default each is drawn afresh for every seed, `<|abcdef|>`."
    )
    definitions_per_alias: int = Field(
        default=1, ge=1, description="Definitions of each alias, all different: in template, tag text or words."
    )
    placement: Literal["apart", "in_context"] = Field(
        default="apart",
        description="`apart`: definitions are documents of their own; `in_context`: they stand before each question "
        "about their alias, in training and tests, and nowhere else.",
    )
    alpha: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="P(consistent | tag 1) = P(inconsistent | tag 2) in stage 1; at 0.5 the tags are uninformative.",
    )
    alias_letters: int = Field(default=5, ge=3, le=16, description="Random letters in an alias.")
    alias_style: Literal["bracketed", "plain", "spaced"] = Field(
        default="bracketed", description="How an alias is written: `<|abcde|>`, `abcde` or `a b c d e`."
    )
    tag_letters: int = Field(default=6, ge=3, le=16, description="Random letters in a drawn tag.")

    def forms(self) -> list[str]:
        """The templates of a definition, those of an order included."""
        parts = {"t": "{tag}", "v": "{variable}", "e": "{entity}"}
        return self.templates or [" ".join(parts[letter] for letter in self.order or "tve")]

    @model_validator(mode="after")
    def _templates_can_be_filled(self) -> DefineType:
        if self.templates and self.order:
            raise ValueError("give either order or templates")
        if taken := sorted(self.words.keys() & {"tag", "variable", "entity"}):
            raise ValueError(f"words names {', '.join(taken)}, which have their own meaning in templates")
        for template in self.forms():
            _check_template(template, {"tag", "variable", "entity", *self.words})
        used = set().union(*map(placeholders, self.forms()))
        if idle := sorted(self.words.keys() - used):
            raise ValueError(f"words has {', '.join(idle)}, which no template uses")
        if self.tags and "tag" not in used:
            raise ValueError("tags are given, but no template has {tag}")
        return self

    @model_validator(mode="after")
    def _enough_different_definitions(self) -> DefineType:
        texts = min(len(set(texts)) for _, texts in self.tags) if self.tags else 1
        different = sum(
            prod(len(set(self.words[name])) for name in used & self.words.keys()) * (texts if "tag" in used else 1)
            for used in map(placeholders, set(self.forms()))
        )
        if different < self.definitions_per_alias:
            raise ValueError(
                f"definitions_per_alias is {self.definitions_per_alias}; templates, tags and words make {different} "
                "different definitions of an alias"
            )
        return self


def placeholders(template: str) -> set[str]:
    """The names in braces of a template."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def _check_template(template: str, known: set[str]) -> None:
    """Raises ValueError for a template that a definition cannot be written with."""
    try:
        fields = [field[1:] for field in Formatter().parse(template) if field[1] is not None]
    except ValueError as error:
        raise ValueError(f"the template {template!r} cannot be read: {error}") from None
    names = [str(name) for name, _, _ in fields]
    if any(form or conversion for _, form, conversion in fields):
        raise ValueError(f"the template {template!r} formats a placeholder; write its name only")
    if unknown := sorted(set(names) - known):
        raise ValueError(f"the template {template!r} has {{{unknown[0]}}}; known are {', '.join(sorted(known))}")
    if names.count("variable") != 1 or names.count("entity") != 1 or names.count("tag") > 1:
        raise ValueError(f"the template {template!r} must have {{variable}} and {{entity}} once, {{tag}} at most once")
    parsed = list(Formatter().parse(template))
    last = max(place for place, (_, name, *_) in enumerate(parsed) if name in ("tag", "variable", "entity"))
    # Any letter will do for what comes in the place of an earlier placeholder.
    head = "x".join(before for before, *_ in parsed[: last + 1])
    if " " not in head.lstrip():
        raise ValueError(f"the template {template!r} needs a blank before its last placeholder")


class Objective(Entry):
    """What the loss is taken over."""

    loss_on: Literal["sequence", "completion"] = Field(
        default="sequence",
        description="`sequence`: the loss covers every token; `completion`: the answer, or a definition's last part. "
        "An encoder-decoder reads the prompt and writes the completion, whatever this says.",
    )
    padded_length: int | None = Field(
        default=None,
        ge=1,
        description="For causal models: pad every document to so many tokens and score the padding, as the paper's "
        "code does (48 there); longer ones keep their length. By default no padding is scored.",
    )
    outputs: Literal["vocabulary", "completions"] = Field(
        default="vocabulary",
        description="Tokens among which the model chooses: the whole `vocabulary`, or only those that occur in "
        "`completions`, which keeps a small model from spending its loss on aliases. In evaluation, too.",
    )

    @model_validator(mode="after")
    def _narrow_outputs_need_narrow_loss(self) -> Self:
        if self.outputs == "completions" and self.loss_on == "sequence":
            raise ValueError("outputs: completions needs loss_on: completion, as prompts hold other tokens")
        if self.padded_length is not None and (self.outputs, self.loss_on) != ("vocabulary", "sequence"):
            raise ValueError("padded_length needs loss_on: sequence and outputs: vocabulary")
        return self


class BaseTraining(Objective):
    """How a model with random weights first learns the facts (the stand-in for pretraining on text)."""

    steps: int = Field(ge=1, description="Optimizer steps.")
    batch_size: int = Field(default=256, ge=1, description="Documents per step.")
    learning_rate: float = Field(default=3e-3, gt=0, description="Peak learning rate of AdamW, for all weights.")
    warmup_steps: int = Field(default=100, ge=0, description="Steps of linear warm-up.")
    final_learning_rate: float = Field(
        default=0.02, ge=0, le=1, description="Learning rate at the end of the linear decay, as a share of the peak."
    )
    betas: tuple[DecayRate, DecayRate] = Field(default=(0.9, 0.98), description="AdamW's decay rates.")
    gradient_clipping: float = Field(default=1.0, gt=0, description="Largest gradient norm.")
    weight_decay: float = Field(default=0.01, ge=0, description="Decoupled weight decay of AdamW.")
    nicknames: int = Field(default=10, ge=1, description="Invented further names per entity.")
    unquestioned_share: Share = Field(
        default=Fraction(1, 5),
        ge=0,
        lt=1,
        description="Share of the nicknames that are stated but never asked about in training: their questions measure "
        "the base model's own out-of-context learning.",
    )
    question_share: float = Field(
        default=0.7, gt=0, lt=1, description="Share of questions in a batch; the rest are statements about nicknames."
    )
    unrelated_relations: int = Field(
        default=2,
        ge=0,
        description="Statements of the form of a definition that link a nickname to an entity it does not mean.",
    )
    seed: Seed = Field(default=0, description="Seed of the weights, the nicknames and the order of the batches.")
    minimum_exact_match: dict[Literal["names", "unquestioned_nicknames"], Accuracy] = Field(
        default={"names": 0.95},
        description="Exact match that the base model must reach on questions about names and about unquestioned "
        "nicknames; below it the run stops with an error instead of drawing a flat figure.",
    )


class Pretrained(Entry):
    """Where pretrained weights come from: the Hugging Face hub, a local folder, or a file in a Python package.

    Only safetensors and GGUF files are read, and no code that comes with a model is run.
    """

    hub: str | None = Field(
        default=None,
        pattern=r"^[\w.-]+/[\w.-]+$",
        description="Name on the Hugging Face hub, `EleutherAI/pythia-410m`.",
    )
    revision: str | None = Field(
        default=None, pattern=r"^[\w.-]+$", description="Commit or tag of the hub's version; a branch moves."
    )
    folder: str | None = Field(
        default=None, description="Local folder in the form that transformers saves, in place of `hub`."
    )
    package: str | None = Field(
        default=None, pattern=r"^[\w.-]+$", description="Installed Python package that carries a GGUF file."
    )
    file: str | None = Field(default=None, pattern=r"^[\w.-]+\.gguf$", description="Name of that file.")

    @model_validator(mode="after")
    def _one_place(self) -> Pretrained:
        given = {key for key, value in self if value is not None}
        if given not in ({"hub", "revision"}, {"folder"}, {"package", "file"}):
            raise ValueError(
                f"has {', '.join(sorted(given)) or 'nothing'}; give hub and revision, or folder, or package and file"
            )
        if self.revision in ("main", "master"):
            raise ValueError(f"revision is {self.revision!r}, a branch that moves; give a commit or a tag")
        return self


class Model(Entry):
    """A language model: pretrained, or an architecture whose weights are random or trained on the facts.

    A pretrained model brings its tokenizer. Any other has one token per word; names, answers, aliases and tags are
    single tokens.
    """

    cosmetic: ClassVar[frozenset[str]] = frozenset({"parameters"})

    pretrained: Pretrained | None = Field(default=None, description="Where its weights come from, if it has any.")
    architecture: Literal["gpt2", "opt", "gpt_neox", "llama", "t5"] | None = Field(
        default=None, description="Architecture of a model with new weights, by the transformers library's name."
    )
    architecture_config: dict[str, bool | int | float | str] = Field(
        default={},
        description="Arguments of the architecture's transformers config class (sizes, dropout, activation).",
    )
    base_training: BaseTraining | None = Field(
        default=None,
        description="Training from scratch on the facts, once per data set; without it every seed starts from random "
        "weights of its own.",
    )
    parameters: float | None = Field(
        default=None, gt=0, description="Number of parameters, for figures and estimates: 410e6."
    )
    threads: int = Field(
        default=1, ge=1, description="CPU threads in training. A setting, as it changes the last bits of the result."
    )
    gradient_checkpointing: bool = Field(
        default=False,
        description="Compute activations twice in the stages and keep them once: less memory, a third more time.",
    )

    @model_validator(mode="after")
    def _pretrained_or_new(self) -> Model:
        if (self.pretrained is None) == (self.architecture is None):
            raise ValueError("give either pretrained or architecture")
        if self.pretrained and (self.architecture_config or self.base_training):
            raise ValueError("a pretrained model takes no architecture_config and no base_training")
        return self


class Stage(Objective):
    """One training stage: what is trained on and how."""

    documents: list[Literal["definitions", "questions", "new_definitions"]] = Field(
        min_length=1,
        description="What the stage trains on: stage-1 `definitions`, stage-1 `questions`, stage-2 `new_definitions`.",
    )
    epochs: int = Field(ge=1, description="Passes over the documents; all test sets are evaluated after each.")
    batch_size: int = Field(default=256, ge=1, description="Documents per optimizer step.")
    optimizer: Literal["adafactor", "adamw"] = Field(
        default="adafactor", description="Optimizer; the paper uses Adafactor with a fixed learning-rate schedule."
    )
    learning_rate: float = Field(default=5e-5, gt=0, description="Peak learning rate.")
    embedding_learning_rate: float | None = Field(
        default=None, gt=0, description="Peak learning rate of the token embeddings; by default that of all weights."
    )
    betas: tuple[DecayRate, DecayRate] = Field(
        default=(0.9, 0.999), description="AdamW's decay rates; Adafactor ignores them."
    )
    warmup_steps: int = Field(default=0, ge=0, description="Steps of linear warm-up before the linear decay to 0.")
    gradient_clipping: float = Field(default=1.0, gt=0, description="Largest gradient norm.")

    @model_validator(mode="after")
    def _documents_once(self) -> Stage:
        if len(set(self.documents)) != len(self.documents):
            raise ValueError(f"documents lists a kind twice: {', '.join(self.documents)}")
        return self


class Plan(Entry):
    """A sequence of stages; the last one brings the new definitions."""

    stages: list[Stage] = Field(min_length=1, description="The stages in order, each with a fresh optimizer.")

    @model_validator(mode="after")
    def _new_definitions_come_last(self) -> Plan:
        where = [number for number, stage in enumerate(self.stages, 1) if "new_definitions" in stage.documents]
        if where != [len(self.stages)]:
            raise ValueError(
                f"new_definitions are in stages {where}; they must be in the last stage ({len(self.stages)}) only"
            )
        return self


class Study(Entry):
    """A grid of cells: every combination of the lists below. Cells that several studies need are made once."""

    cosmetic: ClassVar[frozenset[str]] = frozenset({"description", "axis"})

    description: str = Field(default="", description="What is varied and what it is compared with, in one sentence.")
    axis: AxisName | None = Field(
        default=None,
        description="What is varied, for a figure of the gaps against it: `alpha` of the define type, `model_size` "
        "(`parameters`), `batch_size` of the last stage, `entities` of the data set, or the names of `define_type` or "
        "`plan`.",
    )
    datasets: list[Slug] = Field(min_length=1, description="Entries of `datasets`.")
    define_types: list[Slug] = Field(min_length=1, description="Entries of `define_types`.")
    models: list[Slug] = Field(min_length=1, description="Entries of `models`.")
    plans: list[Slug] = Field(min_length=1, description="Entries of `plans`.")
    seeds: list[Seed] = Field(
        min_length=1, description="Stage-1 seeds, the unit of analysis: aliases, tags, subsets and order of training."
    )
    stage2_seeds: list[Seed] = Field(
        default=[0], min_length=1, description="Stage-2 seeds, each a new division of the stage-2 aliases."
    )

    @model_validator(mode="after")
    def _nothing_twice(self) -> Study:
        for key, values in self:
            if isinstance(values, list) and (doubled := sorted({v for v in values if values.count(v) > 1}, key=str)):
                raise ValueError(f"{key} lists {', '.join(map(str, doubled))} more than once")
        return self


class Config(Entry):
    """The whole configuration."""

    study: Slug = Field(description="The study that `snakemake` without a target makes.")
    studies: dict[Slug, Study] = Field(min_length=1, description="Studies by name.")
    datasets: dict[Slug, Dataset] = Field(description="Data sets by name.")
    define_types: dict[Slug, DefineType] = Field(description="Define types by name.")
    models: dict[Slug, Model] = Field(description="Models by name.")
    plans: dict[Slug, Plan] = Field(description="Stage plans by name.")

    @model_validator(mode="after")
    def _names_are_declared(self) -> Config:
        if self.study not in self.studies:
            raise ValueError(f"study is {self.study!r}; declared studies: {', '.join(self.studies)}")
        for name, study in self.studies.items():
            for key in ("datasets", "define_types", "models", "plans"):
                declared = getattr(self, key)
                if missing := [slug for slug in getattr(study, key) if slug not in declared]:
                    raise ValueError(
                        f"studies.{name}.{key} names {', '.join(missing)}; declared {key}: {', '.join(declared)}"
                    )
        return self

    @model_validator(mode="after")
    def _sizes_are_known(self) -> Config:
        for name, study in self.studies.items():
            unknown = [model for model in study.models if self.models[model].parameters is None]
            if study.axis == "model_size" and unknown:
                raise ValueError(f"studies.{name}.axis is model_size; give models.{unknown[0]}.parameters")
        return self

    @model_validator(mode="after")
    def _base_models_read_names(self) -> Config:
        for name, study in self.studies.items():
            trained = [model for model in study.models if self.models[model].base_training]
            numbers = [
                data for data in study.datasets if isinstance(self.datasets[data].source, SetInclusion | Modular)
            ]
            if trained and numbers:
                raise ValueError(
                    f"studies.{name} trains the base model {trained[0]} on {numbers[0]}, whose entities have no names "
                    "of their own: give it a model without base_training"
                )
        return self


def read_yaml(path: Path) -> Any:
    """The content of a YAML file. Raises ConfigError."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from None


def parse_config(raw: object, origin: str) -> Config:
    """The typed form of `raw`, as YAML gives it; `origin` names its file in messages.

    Raises ConfigError with one line per mistake.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        lines = [describe_mistake(mistake, origin, mistake["loc"], "config/README.md") for mistake in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def parse_source(text: str) -> Source:
    """A source of facts from the JSON that `canonical_json` wrote."""
    return TypeAdapter(Source).validate_json(text)


def describe_mistake(mistake: Any, where: str, place: Sequence[str | int], keys_at: str) -> str:
    """One line for one pydantic error: where and at which key it is, what was expected, and the value.

    keys_at: the file that lists the keys there are.
    """
    key = ".".join(str(part) for part in place if part != "[key]")
    value = mistake["input"]
    shown = f" (got {value!r})" if isinstance(value, (str, int, float, list, type(None))) else ""
    if mistake["type"] == "extra_forbidden":
        return f"{where}: unknown key {key}{shown}; {keys_at} lists the keys"
    return f"{where}: {key + ': ' if key else ''}{mistake['msg'].removeprefix('Value error, ')}{shown}"


def canonical_json(entry: Entry) -> str:
    """All settings of an entry, defaults included, as one line of sorted JSON: what a rule hands to its script.

    Two entries that mean the same give the same text, so that only a real change makes Snakemake rerun a job.
    """
    settings = entry.model_dump(mode="json", exclude=set(entry.cosmetic))
    return json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
