"""What a loss is taken over, in a stage and in a base model's training."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from metaocl.config.entry import Entry


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
