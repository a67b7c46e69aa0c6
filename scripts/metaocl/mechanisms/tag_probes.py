"""Tag probes: can the tag of an alias's definition be read from the model's states when it is asked about the alias?

Aliases of qd1consis against qd2incons, as many of each; the prompt of each question of the data, at the places of
`metaocl.mechanisms.question_states`. The positive control is something that must be there: whether the model inclines
to its most usual answer more than it does for half of the aliases.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from metaocl.mechanisms.measured import Measured
from metaocl.mechanisms.probes import probe_accuracy
from metaocl.mechanisms.question_states import read_questions
from metaocl.runs import Run


def measure_tag_probes(run: Run, random: np.random.Generator, epoch: int) -> Iterator[Measured]:
    """For each question: `tag_probe`, `tag_probe_permuted` and `control_probe` at each place, and over all places
    `tag_probe_above_permuted`: the best accuracy less the best with permuted labels, which looked as often.

    Raises UserError where there are too few aliases.
    """
    for reading in read_questions(run, random):
        labels, control = reading.labels, _inclination(reading.logits)
        shuffled = random.permutation(labels)
        best: dict[str, float] = {}
        for place, states in reading.states.items():
            found = _probe(states, labels, shuffled, control)
            for measure, accuracy in found.items():
                best[measure] = max(best.get(measure, 0.0), accuracy)
                yield Measured(epoch, "all", "", "", f"{reading.attribute}/{place}", measure, len(labels), accuracy)
        above = best["tag_probe"] - best["tag_probe_permuted"]
        yield Measured(epoch, "all", "", "", "", "tag_probe_above_permuted", len(labels), above)


def _inclination(logits: np.ndarray) -> np.ndarray:
    """Whether the logit of the answer that is given most often is above its median over the prompts (n,).

    logits: of what the model may answer, float (n, answers).
    """
    usual = np.bincount(logits.argmax(axis=1)).argmax()
    inclined = logits[:, usual]
    return inclined > np.median(inclined)


def _probe(states: np.ndarray, labels: np.ndarray, shuffled: np.ndarray, control: np.ndarray) -> dict[str, float]:
    return {
        "tag_probe": probe_accuracy(states, labels),
        "tag_probe_permuted": probe_accuracy(states, shuffled),
        "control_probe": probe_accuracy(states, control),
    }
