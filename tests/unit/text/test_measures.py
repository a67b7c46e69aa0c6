"""Which questions have a score, and how measures are averaged over the questions of an alias."""

from __future__ import annotations

import numpy as np
import pytest

from metaocl.documents.metrics import answers_table, mean_by_alias, two_way_choice
from metaocl.documents.records import Document


def asked(completions, part="held_out"):
    return [Document(part, "q", "b", "", "", completion) for completion in completions]


@pytest.mark.parametrize(
    ("completions", "choice"),
    [
        ([" true\n", " false\n", " true\n"], (" false\n", " true\n")),
        ([" true\n", " true\n"], None),
        ([" 0\n", " 1\n", " 2\n"], None),
        ([], None),
    ],
)
def test_a_choice_is_one_of_two_answers(completions, choice):
    assert two_way_choice(asked(completions)) == choice


def test_only_held_out_questions_make_a_choice():
    held_out = asked([" true\n", " false\n"])
    assert two_way_choice(held_out + asked([" Alda\n"], "attribution")) == (" false\n", " true\n")
    assert two_way_choice(asked([" true\n", " false\n"], "attribution")) is None


QUESTIONS = [
    ("held_out", "q", "b", " true\n"),
    ("held_out", "stage2", "a", " false\n"),
    ("held_out", "q", "b", " false\n"),
    ("attribution", "q", "b", " true\n"),
    ("held_out", "q", "b", " true\n"),
    ("held_out", "stage2", "a", " false\n"),
    ("held_out", "d2incons", "a", " true\n"),
]
MEASURES = {
    "exact_match": np.array([1.0, 0.0, 0.0, 0.25, 0.5, 1.0, 0.75]),
    "token_f1": np.array([1.0, 0.2, 1.0, 0.5, 1.0, 0.4, 0.8]),
    "score": np.array([3.0, -1.0, -2.5, 9.0, 1.5, 0.5, -4.0]),
}


def make_documents(questions):
    return [Document(part, subset, alias, "", "", completion) for part, subset, alias, completion in questions]


def test_measures_are_averaged_over_the_questions_of_each_test_set_subset_and_alias():
    rows = mean_by_alias(make_documents(QUESTIONS), MEASURES, epoch=7).to_pylist()
    assert [(r["epoch"], r["test_set"], r["subset"], r["alias"], r["questions"]) for r in rows] == [
        (7, "held_out", "q", "b", 3),
        (7, "held_out", "stage2", "a", 2),
        (7, "attribution", "q", "b", 1),
        (7, "held_out", "d2incons", "a", 1),
    ]
    assert [r["exact_match"] for r in rows] == pytest.approx([0.5, 0.5, 0.25, 0.75])
    assert [r["token_f1"] for r in rows] == pytest.approx([1.0, 0.3, 0.5, 0.8])


def test_scores_of_held_out_questions_are_listed_by_their_gold_answer():
    rows = mean_by_alias(make_documents(QUESTIONS), MEASURES, epoch=1).to_pylist()
    assert [r["positive_scores"] for r in rows] == [[3.0, 1.5], [], [], [-4.0]]
    assert [r["negative_scores"] for r in rows] == [[-2.5], [-1.0, 0.5], [], []]


def test_every_answer_is_a_row_beside_its_prompt_and_gold():
    documents = [
        Document("held_out", "q", "b", "", "Where?", " true\n"),
        Document("attribution", "q", "b", "", "Who?", " Al\n"),
    ]
    documents.append(Document("held_out", "stage2", "a", "", "When?", " false\n"))
    measures = {"answer": np.array(["true", "Bo", ""], dtype=object), "score": np.array([1.5, 2.5, -1.0])}
    measures |= {"exact_match": np.array([1.0, 0.0, 0.0]), "token_f1": np.array([1.0, 0.5, 0.0])}
    assert answers_table(documents, measures).to_pylist() == [
        {"test_set": t, "subset": s, "alias": a, "prompt": p, "answer": said, "gold": g}
        | {"exact_match": right, "token_f1": f1, "score": score}
        for t, s, a, p, said, g, right, f1, score in [
            ("held_out", "q", "b", "Where?", "true", "true", 1.0, 1.0, 1.5),
            ("attribution", "q", "b", "Who?", "Bo", "Al", 0.0, 0.5, None),
            ("held_out", "stage2", "a", "When?", "", "false", 0.0, 0.0, -1.0),
        ]
    ]


def test_answers_without_a_choice_have_no_score():
    unscored = {name: values for name, values in MEASURES.items() if name != "score"}
    unscored["answer"] = np.array(["true"] * len(QUESTIONS), dtype=object)
    table = answers_table(make_documents(QUESTIONS), unscored)
    assert table["score"].null_count == len(table) == len(QUESTIONS)


def test_questions_without_a_choice_have_no_scores():
    others = make_documents([*QUESTIONS[:-1], ("held_out", "q", "b", " maybe\n")])
    unscored = {name: values for name, values in MEASURES.items() if name != "score"}
    for rows in (mean_by_alias(others, MEASURES, 1), mean_by_alias(make_documents(QUESTIONS), unscored, 1)):
        assert rows["positive_scores"].null_count == rows["negative_scores"].null_count == len(rows)


def test_tables_of_epochs_with_and_without_scores_have_the_same_columns():
    scored = mean_by_alias(make_documents(QUESTIONS), MEASURES, epoch=1)
    unscored = {name: values[:1] for name, values in MEASURES.items() if name != "score"}
    plain = mean_by_alias(make_documents([("held_out", "q", "b", " Rome\n")]), unscored, epoch=2)
    assert scored.schema.equals(plain.schema)
