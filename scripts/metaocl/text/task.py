"""The text task: documents as tokens, the loss of a language model, and its answers to questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from metaocl.config.objectives import Objective
from metaocl.documents.metrics import two_way_choice
from metaocl.documents.records import Document, Text
from metaocl.text.evaluation import Evaluator
from metaocl.text.examples import Batch, Examples, encode_examples
from metaocl.text.loss import completion_loss
from metaocl.text.models import grow_embeddings, output_tokens
from metaocl.text.tokenization import longest_text
from metaocl.text.tokenizers import AnyTokenizer, add_unknown_words
from metaocl.text.trials import check_length, check_model
from metaocl.training.devices import mixed_precision


@dataclass(frozen=True)
class TextTask:
    """What the training loop asks of a language model and its tokenizer.

    outputs: int64 (n,), sorted, the tokens among which the model chooses; None for the whole vocabulary.
    """

    model: Any
    tokenizer: AnyTokenizer
    objective: Objective
    outputs: torch.Tensor | None

    def examples(self, documents: Sequence[Document]) -> Examples:
        """Training examples, one per document, in order."""
        return encode_examples(self.model, self.tokenizer, _texts(documents), self.objective)

    def loss(self, model: Any, batch: Batch) -> tuple[torch.Tensor, int]:
        """Mean cross-entropy over the scored tokens of a batch, and how many these are."""
        with mixed_precision(model.device):
            return completion_loss(model, batch, self.outputs)

    def evaluator(self, documents: Sequence[Document]) -> Evaluator:
        """Test questions, one per document, in order."""
        return Evaluator(self.model, self.tokenizer, _texts(documents), self.outputs, two_way_choice(documents))


def make_text_task(
    model: Any, tokenizer: AnyTokenizer, documents: Sequence[Document], objective: Objective
) -> TextTask:
    """The task of all documents of a stage; model and tokenizer grow by the words that they do not know.

    New embeddings are drawn from torch's global generator. Raises ModelError for a model that cannot be trained, or
    that has no positions for the longest of the documents, whatever stage they belong to.
    """
    add_unknown_words(tokenizer, [document.prompt + document.completion for document in documents])
    grow_embeddings(model, len(tokenizer))
    check_texts(model, tokenizer, _texts(documents))
    outputs = output_tokens(tokenizer, [document.completion for document in documents], objective)
    return TextTask(model, tokenizer, objective, outputs)


def check_texts(model: Any, tokenizer: AnyTokenizer, texts: Sequence[Text]) -> None:
    """Raises ModelError for a model that cannot be trained on these texts, before it is."""
    check_model(model)
    check_length(model, *longest_text(model, tokenizer, texts))


def _texts(documents: Sequence[Document]) -> list[Text]:
    return [(document.prompt, document.completion) for document in documents]
