"""Linear probes: can something be read from hidden states with a logistic regression?

Settings as in arXiv 2310.15047: L2 penalty with C = .01, 5-fold cross-validation. Each accuracy comes with that of
permuted labels. Cross-validated chance lies a little below .5, as a fold's rest has more of the other class.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score

INVERSE_PENALTY, FOLDS = 0.01, 5


def probe_accuracy(states: np.ndarray, labels: np.ndarray) -> float:
    """Cross-validated accuracy of a probe; .5 where the states are all the same.

    states: float (n, width). labels: of two classes (n,), FOLDS of each at least.
    """
    if np.ptp(states, axis=0).max() == 0:
        return 0.5
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        scores = cross_val_score(LogisticRegression(C=INVERSE_PENALTY, max_iter=1000), states, labels, cv=folds)
    return float(scores.mean())


def balanced(labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Places (m,), sorted, of as many of one class as of the other: all of the rarer one, the others at random."""
    classes, counts = np.unique(labels, return_counts=True)
    fewest = counts.min()
    chosen = [random.permutation(np.flatnonzero(labels == each))[:fewest] for each in classes]
    return np.sort(np.concatenate(chosen))
