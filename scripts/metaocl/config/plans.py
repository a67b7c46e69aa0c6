"""Stage plans."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from metaocl.config.entry import DecayRate, Entry, LearningRate
from metaocl.config.objectives import Objective


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
    optimizer: Literal["adafactor", "adamw"] = Field(
        default="adafactor", description="Optimizer; the paper uses Adafactor with a fixed learning-rate schedule."
    )
    learning_rate: LearningRate = Field(default=5e-5, description="Peak learning rate.")
    embedding_learning_rate: LearningRate | None = Field(
        default=None, description="Peak learning rate of the token embeddings; by default that of all weights."
    )
    betas: tuple[DecayRate, DecayRate] = Field(
        default=(0.9, 0.999), description="AdamW's decay rates; Adafactor ignores them."
    )
    warmup_steps: int = Field(default=0, ge=0, description="Steps of linear warm-up before the linear decay to 0.")
    gradient_clipping: float = Field(default=1.0, gt=0, description="Largest gradient norm.")

    snapshots: list[int] = Field(
        default=[],
        description="Epochs after which the model is kept as well, for measurements along the training.",
    )

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

    stages: list[Stage] = Field(min_length=1, description="The stages in order, each with a fresh optimizer.")

    @model_validator(mode="after")
    def _new_definitions_come_last(self) -> Plan:
        where = [number for number, stage in enumerate(self.stages, 1) if "new_definitions" in stage.documents]
        if where != [len(self.stages)]:
            raise ValueError(
                f"new_definitions are in stages {where}; they must be in the last stage ({len(self.stages)}) only"
            )
        return self
