"""How well an answer can be guessed from the entity's other answers, for every attribute of a data set.

A held-out answer that the other ones give away raises accuracy on held-out questions without any use of definitions.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from metaocl.facts.fact import Fact

COLUMNS = ["entity", "attribute", "answer"]
FOLDS = 5
LEAST_ENTITIES = 10
TREES = 50
# Leaves of one entity would only learn by heart: with 2 the forest guesses better and takes half the time.
LEAST_IN_LEAF = 2


def measure_guessability(facts: Sequence[Fact]) -> pd.DataFrame:
    """One row per attribute, in order of appearance; the same facts in any order give the same numbers.

    entities: how many have the attribute. different_answers: how many there are. most_frequent: share of the questions
    that have the most frequent answer. guessed: share of the entities whose answer a random forest tells from their
    other answers, in cross-validation over entities; missing for fewer than LEAST_ENTITIES entities, for attributes
    that an entity has several questions of, where most answers are one entity's alone, and where there is no other
    attribute to guess from.
    """
    frame = pd.DataFrame([(fact.entity, fact.attribute, fact.answer) for fact in facts], columns=COLUMNS)
    repeated = frame.loc[frame.duplicated(["entity", "attribute"]), "attribute"].unique()
    rare = frame["attribute"].map(frame["attribute"].value_counts()) < LEAST_ENTITIES
    # A table may ask a question of its own about every entity: a column for each would take hours and gigabytes.
    common = frame[~rare & ~frame["attribute"].isin(repeated)]
    answers = common.pivot(index="entity", columns="attribute", values="answer")
    rows = [
        {
            "attribute": attribute,
            "entities": about["entity"].nunique(),
            "different_answers": about["answer"].nunique(),
            "most_frequent": about["answer"].value_counts(normalize=True).iloc[0],
            "guessed": _guess(answers, attribute) if attribute in answers else None,
        }
        for attribute, about in frame.groupby("attribute", sort=False)
    ]
    return pd.DataFrame(rows).astype({"guessed": float})


def _guess(answers: pd.DataFrame, attribute: str) -> float | None:
    """Share of right guesses of one column of `answers` (one row per entity, missing where not asked) from the rest."""
    known = answers[answers[attribute].notna()]
    others = known.drop(columns=attribute)
    if others.empty or 2 * known[attribute].nunique() > len(known):
        return None
    forest = RandomForestClassifier(TREES, min_samples_leaf=LEAST_IN_LEAF, random_state=0, n_jobs=1)
    guesser = make_pipeline(OneHotEncoder(handle_unknown="ignore"), forest)
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    guessed = cross_val_predict(guesser, others.fillna(""), known[attribute], cv=folds)
    return float((guessed == known[attribute]).mean())
