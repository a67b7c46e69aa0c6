"""What is measured of a subset's questions: the names, titles and ranges of all measures."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Measure:
    """A number for each run, epoch, test set and subset.

    title: in sentences and tables; label: on the axis of a figure. lowest, highest: what it can be.
    per_question: each question has a value of its own, and their mean counts; else only a set of questions has one.
    analysed: contrasts between subsets are taken in it.
    """

    name: str
    title: str
    label: str
    lowest: float = 0.0
    highest: float = 1.0
    per_question: bool = True
    analysed: bool = True


def _of_mechanism(name: str, title: str, lowest: float, highest: float) -> Measure:
    return Measure(name, title, title, lowest, highest, per_question=False, analysed=False)


# Groups of parameters of which a contrast is taken; the study's table has them all.
GROUPS = {
    "all": "all parameters",
    "alias_row": "the alias's own embedding row",
    "all_but_row": "everything but that row",
    "attention": "attention",
    "mlp": "MLP",
    "norms": "layer norms",
    # Of the network for images.
    "stem": "first layer",
    "dense": "dense layer over all patches",
    "block": "residual block",
    "heads": "outputs",
}
# What measurements of finished models give; contrasts name the one that they are taken in.
OF_MECHANISMS = (
    *(
        _of_mechanism(f"cosine:{g}", f"cosine of definition and own questions, {title}", -1, 1)
        for g, title in GROUPS.items()
    ),
    _of_mechanism("cosine_other:all", "cosine of definition and another alias's questions", -1, 1),
    _of_mechanism("dot:all", "dot product of the gradients of definition and own questions", -inf, inf),
    _of_mechanism("definition_norm:all", "gradient norm of the definition", 0, inf),
    _of_mechanism("gradient_cosine", "cosine of definition and each question", -1, 1),
    _of_mechanism("readout_overlap", "read-out overlap", 0, 1),
    _of_mechanism("names_entity:never_defined", "naming the true entity behind the tag", 0, 1),
    _of_mechanism("tag_probe_above_permuted", "probe's accuracy less that of permuted labels", -1, 1),
    _of_mechanism("transplant_rows", "exact match by the tag that rows were trained with", 0, 1),
    _of_mechanism("transplant_network", "exact match by the tag that the network was trained with", 0, 1),
    _of_mechanism("steering", "gain in exact match by an added state", -1, 1),
    _of_mechanism("steering_control", "gain in exact match by the row of the other tag", -1, 1),
    _of_mechanism("question_loss", "loss of held-out questions", 0, inf),
    _of_mechanism("definition_loss", "loss of definitions", 0, inf),
)
MEASURES = {
    measure.name: measure
    for measure in (
        Measure("exact_match", "exact match", "exact match"),
        Measure("token_f1", "token F1", "token F1", analysed=False),
        # Of two-way questions: how often the score of one whose answer is positive exceeds that of a negative one.
        Measure("auc", "area under the ROC curve", "area under ROC curve", per_question=False),
        *OF_MECHANISMS,
    )
}
# What claims and headlines are about, unless they name another one.
MAIN_MEASURE = MEASURES["exact_match"]
# The share of questions that score 0 whatever is learnt; tables have it beside measures.
UNREACHABLE = "unreachable_golds"
