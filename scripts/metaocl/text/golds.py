"""Gold answers that a tokenizer cannot give back: no model can be right about them, however well it learns."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from metaocl.errors import UserError
from metaocl.text.evaluation import Evaluator


class GoldsError(UserError):
    """Questions whose answers a model cannot write."""


def check_golds(evaluator: Evaluator, test_sets: Sequence[str]) -> dict[str, dict[str, float]]:
    """How many questions of each test set have a gold out of reach: `questions`, `unreachable`, and their `share`.

    test_sets: the name of each question's test set. A line on standard error tells of them, if there are any.
    Raises GoldsError if no question's gold is in reach.
    """
    counts: dict[str, dict[str, float]] = {name: {"questions": 0, "unreachable": 0} for name in test_sets}
    lost: dict[str, str] = {}
    for name, (gold, given, reached) in zip(test_sets, evaluator.read_golds(), strict=True):
        counts[name]["questions"] += 1
        if not reached:
            counts[name]["unreachable"] += 1
            lost[gold] = given
    if lost:
        _tell(counts, lost)
    return {name: count | {"share": count["unreachable"] / count["questions"]} for name, count in counts.items()}


def _tell(counts: dict[str, dict[str, float]], lost: dict[str, str]) -> None:
    gold, given = next(iter(lost.items()))
    example = f"{gold!r} is read back as {given!r}"
    if all(count["unreachable"] == count["questions"] for count in counts.values()):
        raise GoldsError(
            f"the model's tokenizer can give back none of the {len(lost)} gold answers: {example}; "
            "use a model whose tokenizer can, or other answers"
        )
    shares = [f"{c['unreachable']} of {c['questions']} in {name}" for name, c in counts.items() if c["unreachable"]]
    print(
        f"warning: questions whose gold answer the model's tokenizer cannot give back score 0 whatever is learnt: "
        f"{', '.join(shares)}; {example}",
        file=sys.stderr,
    )
