"""Models: pretrained, trained on the facts, or random."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from metaocl.config.entry import Accuracy, DecayRate, Entry, LearningRate, LocalPath, Seed, Share
from metaocl.config.handwriting import Digits, Handwriting
from metaocl.config.objectives import Objective


class BaseTraining(Objective):
    """How a model with random weights first learns the facts (the stand-in for pretraining on text)."""

    steps: int = Field(ge=1, description="Optimizer steps.")
    batch_size: int = Field(default=256, ge=1, description="Documents per step.")
    learning_rate: LearningRate = Field(default=3e-3, description="Peak learning rate of AdamW, for all weights.")
    warmup_steps: int = Field(
        default=100, ge=0, description="Steps of linear warm-up; by default at most half of all steps."
    )
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
        default=0.7,
        gt=0,
        lt=1,
        description="Share of questions about attributes in a batch; what it and the next key leave are statements "
        "about nicknames.",
    )
    attribution_share: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of questions who is meant by a nickname, in the phrasings of the test set `attribution`: "
        "without them a model never learns to answer with a name. Those about unquestioned nicknames are never trained "
        "on.",
    )
    unrelated_relations: int = Field(
        default=2,
        ge=0,
        description="Statements of the form of a definition that link a nickname to an entity drawn at random, whom it "
        "means by chance alone.",
    )
    seed: Seed = Field(default=0, description="Seed of the weights, the nicknames and the order of the batches.")
    per_seed: bool = Field(
        default=False,
        description="Whether each stage-1 seed has a base model of its own, with that seed, so that intervals over "
        "seeds cover base models too; else all seeds share one.",
    )
    minimum_exact_match: dict[Literal["names", "unquestioned_nicknames", "unquestioned_attribution"], Accuracy] = Field(
        default={"names": 0.95},
        description="Exact match that the base model must reach on questions about names and about unquestioned "
        "nicknames, and on who the latter are; below it the run stops with an error instead of drawing a flat figure.",
    )

    @model_validator(mode="before")
    @classmethod
    def _short_trainings_warm_up_shorter(cls, given: Any) -> Any:
        steps = given.get("steps") if isinstance(given, dict) else None
        if isinstance(steps, str) and steps.isdecimal():
            steps = int(steps)
        if isinstance(steps, (int, float)) and "warmup_steps" not in given:
            return given | {"warmup_steps": int(max(0, min(cls.model_fields["warmup_steps"].default, steps // 2)))}
        return given

    @model_validator(mode="after")
    def _warm_up_ends(self) -> BaseTraining:
        if self.warmup_steps >= self.steps:
            raise ValueError(f"warmup_steps is {self.warmup_steps}; it must be below the training's {self.steps} steps")
        return self

    @model_validator(mode="after")
    def _shares_leave_statements(self) -> BaseTraining:
        if self.question_share + self.attribution_share >= 1:
            raise ValueError(
                f"question_share ({self.question_share:g}) and attribution_share ({self.attribution_share:g}) leave no "
                "statements: their sum must be below 1"
            )
        if "unquestioned_attribution" in self.minimum_exact_match and not self.attribution_share:
            raise ValueError("minimum_exact_match.unquestioned_attribution needs an attribution_share above 0")
        if not self.unquestioned_share and (of_none := self.minimum_exact_match.keys() - {"names"}):
            raise ValueError(
                f"minimum_exact_match.{', '.join(sorted(of_none))} needs an unquestioned_share above 0, or nobody is "
                "asked about such nicknames"
            )
        return self

    @model_validator(mode="after")
    def _one_seed(self) -> BaseTraining:
        if self.per_seed and self.seed:
            raise ValueError(
                f"seed is {self.seed}; with per_seed each base model has the seed of stage 1: leave it out"
            )
        return self


def _number_or(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


class Pretrained(Entry):
    """Where pretrained weights come from: the Hugging Face hub, a local folder, or a file in a Python package.

    Only safetensors and GGUF files are read, and no code that comes with a model is run.
    """

    hub: str | None = Field(
        default=None,
        pattern=r"^[\w.-]+(/[\w.-]+)?$",
        description="Name on the Hugging Face hub, `EleutherAI/pythia-410m`.",
    )
    revision: str | None = Field(
        default=None, pattern=r"^[\w.-]+$", description="Commit or tag of the hub's version; a branch moves."
    )
    folder: LocalPath | None = Field(
        default=None,
        description="Local folder in the form that transformers saves, in place of `hub`. No braces or angle brackets, "
        "and no hyphen in front.",
    )
    package: str | None = Field(
        default=None, pattern=r"^[\w.-]+$", description="Installed Python package that carries a GGUF file."
    )
    file: str | None = Field(default=None, pattern=r"^[\w.-]+\.gguf$", description="Name of that file.")

    @field_validator("hub")
    @classmethod
    def _has_owner(cls, hub: str | None) -> str | None:
        if hub is not None and "/" not in hub:
            raise ValueError(f"a name on the hub is OWNER/NAME, as its page shows it: openai-community/gpt2, not {hub}")
        return hub

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


class ConvNextV2(Entry):
    """A ConvNeXt V2 of the transformers library; the defaults are its smallest published size, atto."""

    depths: tuple[int, int, int, int] = Field(default=(2, 2, 6, 2), description="Blocks of each of the four stages.")
    hidden_sizes: tuple[int, int, int, int] = Field(
        default=(40, 80, 160, 320), description="Channels of each of the four stages."
    )
    patch_size: int = Field(default=4, ge=1, description="Side of the patches of the stem, in pixels.")
    drop_path_rate: float = Field(default=0.0, ge=0, lt=1, description="Share of the residual paths that are dropped.")

    @model_validator(mode="after")
    def _sizes_are_positive(self) -> ConvNextV2:
        if min(*self.depths, *self.hidden_sizes) < 1:
            raise ValueError("depths and hidden_sizes are whole numbers from 1 on")
        return self


class ConvNet(Entry):
    """A small network that reads variables as images of nine handwritten digits, and answers for each of nine cells.

    Its weights are random, and each seed has its own.
    """

    letters: int = Field(default=5, ge=2, le=26, description="Letters among which it chooses; those of the grids.")
    channels: int = Field(default=32, ge=1, description="Channels of the patches, a digit each.")
    width: int = Field(default=256, ge=1, description="Width of the dense layers.")
    convnextv2: ConvNextV2 | None = Field(
        default=None, description="A ConvNeXt V2 in place of the small network: for larger digits, and a GPU."
    )
    handwriting: Handwriting = Field(
        default=Digits(),
        description="Where the digits come from: `digits` (scikit-learn's, 8 × 8), or a table with the kind `mnist` "
        "(28 × 28) or `images` (your own) and its keys, below.",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_network(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("convnextv2"):
            standard = {name: cls.model_fields[name].default for name in ("channels", "width")}
            if useless := [name for name in standard if given.get(name, standard[name]) != standard[name]]:
                raise ValueError(f"a convnextv2 has depths and hidden_sizes of its own: leave out {', '.join(useless)}")
        return given

    @model_validator(mode="after")
    def _patches_fit(self) -> ConvNet:
        if self.convnextv2 and 3 * self.handwriting.side // self.convnextv2.patch_size < 8:
            raise ValueError(
                f"pictures of {4 * self.handwriting.side} × {3 * self.handwriting.side} pixels are too small for "
                f"patches of {self.convnextv2.patch_size}, which a convnextv2 halves three times"
            )
        return self


# Of a new model its texts and the stages decide these: what is given would be overwritten, or train in half precision.
SPECIAL_TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
DECIDED = ("vocab_size", *SPECIAL_TOKENS, "dtype", "torch_dtype")


class Model(Entry):
    """A language model, pretrained or an architecture whose weights are random or trained on the facts; or a model of
    images.

    A pretrained model brings its tokenizer. Any other language model has one token per word; names, answers, aliases
    and tags are single tokens.
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
    convnet: ConvNet | None = Field(
        default=None,
        description="A network that reads documents about `grids` as images, in place of a language model.",
    )
    base_training: BaseTraining | None = Field(
        default=None,
        description="Training from scratch on the facts, once for data sets of the same facts; without it every seed "
        "starts from random weights of its own.",
    )
    parameters: float | None = Field(
        default=None,
        gt=0,
        description="Number of parameters, `410.0e+6`: for figures and estimates, and on a cluster for the memory and "
        "the time that jobs ask for; without it as if the model were free.",
    )
    threads: int = Field(
        default=1, ge=1, description="CPU threads in training. A setting, as it changes the last bits of the result."
    )
    gradient_checkpointing: bool = Field(
        default=False,
        description="Compute activations twice in the stages and keep them once: less memory, a third more time.",
    )

    @field_validator("architecture_config", mode="before")
    @classmethod
    def _are_plain_values(cls, given: Any) -> Any:
        """YAML 1.1 takes 1e-5 for a text, as it has no point."""
        if not isinstance(given, dict):
            return given
        if decided := [key for key in DECIDED if key in given]:
            raise ValueError(f"{', '.join(decided)}: is no choice, a new model is made for its texts and in float32")
        if wrong := [f"{key} ({value!r})" for key, value in given.items() if not isinstance(value, (int, float, str))]:
            raise ValueError(f"{', '.join(wrong)}: expected a number, a text, true or false")
        return {key: _number_or(value) if isinstance(value, str) else value for key, value in given.items()}

    @model_validator(mode="after")
    def _pretrained_or_new(self) -> Model:
        if sum(kind is not None for kind in (self.pretrained, self.architecture, self.convnet)) != 1:
            raise ValueError("give one of pretrained, architecture and convnet")
        if self.convnet and (self.architecture_config or self.base_training or self.gradient_checkpointing):
            raise ValueError("a convnet takes no architecture_config, no base_training and no gradient_checkpointing")
        if self.pretrained and (self.architecture_config or self.base_training):
            raise ValueError("a pretrained model takes no architecture_config and no base_training")
        if self.architecture == "t5" and self.base_training and self.base_training.padded_length:
            raise ValueError("base_training.padded_length is for causal models, which t5 is not")
        return self

    @property
    def one_for_all_seeds(self) -> bool:
        """Whether all stage-1 seeds start from the same weights."""
        return self.pretrained is not None or (self.base_training is not None and not self.base_training.per_seed)

    def in_words(self) -> str:
        """What it is, for readers of a verdict that was found with it."""
        if self.pretrained:
            source = self.pretrained
            return f"pretrained, {source.hub or source.folder or source.file}"
        if self.convnet:
            blocks, own = self.convnet.convnextv2, f"{self.convnet.channels} channels and width {self.convnet.width}"
            made_of = f"a ConvNeXt V2 of {blocks.depths} blocks, {blocks.hidden_sizes} channels" if blocks else own
            return f"network for images of {made_of}, random weights of each seed"
        sizes = ", ".join(f"{name} {value}" for name, value in self.architecture_config.items() if _is_size(value))
        return f"{self.architecture} of {sizes or 'standard sizes'}, " + self._start()

    def _start(self) -> str:
        if not self.base_training:
            return "random weights of each seed"
        asked = "asked who is meant as well, " if self.base_training.attribution_share else ""
        once = "once for each seed" if self.base_training.per_seed else "once for all seeds"
        return f"trained on the facts, {asked}{once}"


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
