"""What is measured of finished models, beside their answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from metaocl.config.entry import Entry

KIND = "Says which measurement this is."


class Sampled(Entry):
    """A measurement of every new alias, or of some."""

    aliases: int | None = Field(
        default=None, ge=1, description="Of each subset, only so many new aliases; by default all."
    )


class Alignment(Sampled):
    """Cosine, dot product and norms of the gradients of a definition and of the alias's questions, by parameter group:
    every new alias with every tag, before the new definitions are trained on."""

    kind: Literal["alignment"] = Field(description=KIND)


class GradientCosine(Sampled):
    """The paper's form of it: definitions with their own tags, each single question, all parameters."""

    kind: Literal["gradient_cosine"] = Field(description=KIND)


class ReadoutOverlap(Sampled):
    """Overlap of the directions of alias rows that definitions write and questions read; one token an alias."""

    kind: Literal["readout_overlap"] = Field(description=KIND)


class TagSemantics(Entry):
    """What the model says that "TAG ALIAS" is; for definitions that end with the entity."""

    kind: Literal["tag_semantics"] = Field(description=KIND)


class TagProbes(Entry):
    """Logistic regressions of the tag on hidden states at question time."""

    kind: Literal["tag_probes"] = Field(description=KIND)


class QuestionLoss(Sampled):
    """Loss of the held-out questions about new aliases, at the end of the plan."""

    kind: Literal["question_loss"] = Field(description=KIND)


class Transplant(Entry):
    """Rows of new aliases moved between a run and its twin with swapped tags; one token an alias, paired studies."""

    kind: Literal["transplant"] = Field(description=KIND)


class Steering(Entry):
    """The state of reliably defined aliases added at question time, and as a control the alias's row of the twin."""

    kind: Literal["steering"] = Field(description=KIND)
    strength: float = Field(default=1.0, gt=0, description="How many times the difference of states is added.")


Measurement = Annotated[
    Alignment | GradientCosine | ReadoutOverlap | TagSemantics | TagProbes | QuestionLoss | Transplant | Steering,
    Field(discriminator="kind"),
]
# Those that need a run's twin with swapped tags.
OF_PAIRS = (Transplant, Steering)
