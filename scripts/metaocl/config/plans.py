"""Stage plans."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from metaocl.config.entry import DecayRate, Entry, LearningRate, Slug
from metaocl.config.objectives import Objective

EVALUATED = ("every_epoch", "last")


class RowProjection(Entry):
    """Directions in which the rows of new aliases are kept from moving."""

    remove: int = Field(ge=1, description="How many directions.")
    directions: Literal["read_out", "random"] = Field(
        default="read_out",
        description="`read_out`: those of which questions read most, from the gradients of random answers with respect "
        "to alias rows as the stage begins; `random`: as many at random, the twin that tells what removal alone does.",
    )


class Lora(Entry):
    """Low-rank adapters, trained instead of the weights themselves (Hu et al., arXiv 2106.09685)."""

    rank: int = Field(ge=1, description="Rank of what is added to each matrix.")
    alpha: float = Field(gt=0, description="What is added is multiplied by `alpha` / `rank`.")
    targets: Literal["all-linear"] | list[str] = Field(
        default="all-linear",
        description="Which matrices: `all-linear`, all but embeddings and the output layer, or those whose modules "
        "have these names (`[q_proj, v_proj]`).",
    )

    @field_validator("targets", mode="before")
    @classmethod
    def _are_some(cls, given: object) -> object:
        if given == []:
            raise ValueError("expected all-linear or names of modules, such as [q_proj, v_proj]")
        return given


class Stage(Objective):
    """One training stage: what is trained on and how."""

    documents: list[Literal["definitions", "questions", "new_definitions"]] = Field(
        min_length=1,
        description="What the stage trains on: stage-1 `definitions`, stage-1 `questions`, stage-2 `new_definitions`.",
    )
    epochs: int = Field(ge=1, description="Passes over the documents.")
    evaluate: Literal["every_epoch", "last"] | list[int] = Field(
        default="every_epoch",
        description="After which epochs all test questions are asked: `every_epoch`, these (`[5, 10]`), or the `last`, "
        "after which they always are.",
    )
    batch_size: int = Field(default=256, ge=1, description="Documents per optimizer step.")
    accumulate: int = Field(
        default=1,
        ge=1,
        description="Batches whose gradients are averaged before a step. The steps of an epoch stay as many, so the "
        "stage goes over its documents so many times as often: batches grow, and the number of steps does not change.",
    )
    optimizer: Literal["adafactor", "adamw", "sgd"] = Field(
        default="adafactor",
        description="Optimizer; the paper uses Adafactor with a fixed learning-rate schedule. `sgd` is plain: no "
        "momentum.",
    )
    learning_rate: LearningRate = Field(default=5e-5, description="Peak learning rate.")
    embedding_learning_rate: LearningRate | None = Field(
        default=None, description="Peak learning rate of the token embeddings; by default that of all weights."
    )
    betas: tuple[DecayRate, DecayRate] = Field(
        default=(0.9, 0.999), description="AdamW's decay rates; the others have none."
    )
    warmup_steps: int = Field(default=0, ge=0, description="Steps of linear warm-up before the linear decay to 0.")
    gradient_clipping: float = Field(default=1.0, gt=0, description="Largest gradient norm.")
    tags: Literal["own", "swapped", "all_reliable", "all_unreliable"] = Field(
        default="own",
        description="Tags of the new definitions: as drawn; reliable and unreliable `swapped` (a gap that flips is due "
        "to the tag, not to the aliases); or the same for `all` (a gap between two such runs needs no competition "
        "between tags in a batch).",
    )
    trained: Literal["all", "aliases", "all_but_aliases"] = Field(
        default="all",
        description="What moves: `aliases`: only the embedding rows of new aliases (a gap then comes from a network "
        "that is the same for both tags); `all_but_aliases`: all but these (tells where facts are stored, nothing "
        "about tags). For models in which an alias is one token.",
    )
    project_rows: RowProjection | None = Field(
        default=None,
        description="Directions in which the rows of new aliases do not move (if the gap goes with those that "
        "questions read, and not with random ones, it passes through them). One token an alias.",
    )
    lora: Lora | None = Field(
        default=None,
        description="Trains low-rank adapters, by the peft library, and nothing else. The model is saved with them "
        "merged, so that the next stage starts from a model like any other, with adapters of its own. For pretrained "
        "models.",
    )
    snapshots: list[int] = Field(
        default=[],
        description="Epochs after which the model is kept as well, for measurements along the training.",
    )

    @field_validator("evaluate", mode="before")
    @classmethod
    def _is_a_word_or_epochs(cls, value: object) -> object:
        if value in EVALUATED or (isinstance(value, list) and all(isinstance(epoch, int) for epoch in value)):
            return value
        raise ValueError(f"expected {', '.join(EVALUATED)} or a list of epochs, such as [5, 10]")

    @model_validator(mode="after")
    def _are_epochs(self) -> Stage:
        for name, epochs in {"evaluate": self.evaluate, "snapshots": self.snapshots}.items():
            if isinstance(epochs, str):
                continue
            if wrong := [epoch for epoch in epochs if not 1 <= epoch <= self.epochs]:
                raise ValueError(f"{name} lists epoch {', '.join(map(str, wrong))}; the stage has 1 to {self.epochs}")
            if epochs != sorted(set(epochs)):
                raise ValueError(f"{name} is {epochs}; list each epoch once, in order")
        return self

    @model_validator(mode="after")
    def _decay_rates_are_adamws(self) -> Stage:
        if self.optimizer != "adamw" and self.betas != type(self).model_fields["betas"].default:
            raise ValueError(f"betas are adamw's; the optimizer is {self.optimizer}, which has none: leave them out")
        return self

    @model_validator(mode="after")
    def _interventions_have_new_definitions(self) -> Stage:
        if "new_definitions" in self.documents:
            return self
        given = {"tags": self.tags != "own", "trained": self.trained != "all", "project_rows": self.project_rows}
        if idle := [key for key, value in given.items() if value]:
            raise ValueError(f"{', '.join(idle)}: is about new aliases; the stage has no new_definitions")
        return self

    @model_validator(mode="after")
    def _adapters_are_all_that_moves(self) -> Stage:
        others = {
            "trained": self.trained != "all",
            "project_rows": self.project_rows,
            "embedding_learning_rate": self.embedding_learning_rate,
        }
        if self.lora and (idle := [key for key, value in others.items() if value]):
            raise ValueError(f"{', '.join(idle)}: is about embeddings, which a stage with lora does not train")
        return self

    @model_validator(mode="after")
    def _documents_once(self) -> Stage:
        if len(set(self.documents)) != len(self.documents):
            raise ValueError(f"documents lists a kind twice: {', '.join(self.documents)}")
        return self


def evaluated_epochs(stage: Stage) -> list[int]:
    """The epochs after which test questions are asked, the last among them."""
    if stage.evaluate == "every_epoch":
        return list(range(1, stage.epochs + 1))
    return sorted({stage.epochs} | set([] if stage.evaluate == "last" else stage.evaluate))


class Plan(Entry):
    """A sequence of stages; the last one brings the new definitions."""

    branch_of: Slug | None = Field(
        default=None,
        description="Another plan, whose stages but the last come first and are not trained again; `stages` then has "
        "the last one alone. For interventions in the last stage.",
    )
    stages: list[Stage] = Field(min_length=1, description="The stages in order, each with a fresh optimizer.")

    @model_validator(mode="after")
    def _new_definitions_come_last(self) -> Plan:
        where = [number for number, stage in enumerate(self.stages, 1) if "new_definitions" in stage.documents]
        if where != [len(self.stages)]:
            raise ValueError(
                f"new_definitions are in stages {where}; they must be in the last stage ({len(self.stages)}) only"
            )
        return self

    @property
    def is_tagged_otherwise(self) -> bool:
        """Whether the new definitions have other tags than those drawn."""
        return self.stages[-1].tags != "own"


def swapped_plan(plan: str) -> str:
    """The name of a plan's twin, whose new definitions have the reliable tag for the unreliable one and vice versa."""
    return f"{plan}.swapped"
