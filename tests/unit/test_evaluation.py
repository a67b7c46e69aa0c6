from __future__ import annotations

import numpy as np
import pytest
import torch

from metaocl.documents import Document
from metaocl.evaluation import MAX_NEW_TOKENS, Evaluator, exact_match, mean_by_alias, normalize_answer, token_f1

WORDS = ["X", "Y", "red", "blue", "green", "light blue", "dark red", "tag"]
PROMPTS = [f"Q: Where does {word} live?\nA:" for word in WORDS] + [f"Q: Who {word}\nA:" for word in WORDS] + WORDS


@pytest.mark.parametrize(
    ("answer", "gold", "equal"),
    [
        ("the Beatles", "beatles", True),
        ("A  Hard\tDay's Night ", "hard days night", True),
        ("St. Louis!", "st louis", True),
        ("The", "A", False),
        ("the", "The.", True),
        ("theatre", "atre", False),
        ("", "the", False),
        ("", "...", True),
        ("red blue", "blue red", False),
    ],
)
def test_exact_match_ignores_case_punctuation_articles_and_white_space(answer, gold, equal):
    assert exact_match(answer, gold) == float(equal)


def test_normalised_answers_are_lower_case_words_without_articles():
    assert normalize_answer("  The  Sound of\na Drum, an  Echo.") == "sound of drum echo"


@pytest.mark.parametrize(
    ("answer", "gold", "expected"),
    [
        ("red blue", "blue red", 1.0),
        ("red", "red blue green", 0.5),  # precision 1, recall 1/3
        ("red red blue", "red green", 0.4),  # precision 1/3, recall 1/2: the second "red" counts for nothing
        ("red", "blue", 0.0),
        ("", "red", 0.0),
        ("", "", 1.0),
        ("the red", "red", 1.0),
    ],
)
def test_token_f1_is_the_harmonic_mean_of_precision_and_recall(answer, gold, expected):
    assert token_f1(answer, gold) == pytest.approx(expected)


def test_answers_are_those_of_greedy_generation(any_model, tokenizer):
    expected = []
    for prompt in PROMPTS:
        tokens = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids.to(any_model.device)
        generated = any_model.eval().generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            do_sample=False,
            max_new_tokens=MAX_NEW_TOKENS,
            pad_token_id=tokenizer.pad_token_id,
        )
        expected.append(tokenizer.decode(generated[0, tokens.shape[1] :]).split("\n")[0].strip())
    evaluator = Evaluator(tokenizer, [(prompt, "") for prompt in PROMPTS], None, any_model.device)
    assert evaluator.answer(any_model) == expected
    assert len(set(expected)) > 3


def test_answers_keep_to_the_allowed_outputs(model, tokenizer):
    allowed = ["red", "green", "dark red", "\n"]
    outputs = torch.tensor(sorted(tokenizer.convert_tokens_to_ids(allowed)), device=model.device)
    evaluator = Evaluator(tokenizer, [(prompt, "") for prompt in PROMPTS], outputs, model.device)
    answers = evaluator.answer(model)
    tokens = {token for ids in tokenizer(answers, add_special_tokens=False).input_ids for token in ids}
    assert tokens
    assert tokens <= set(outputs.tolist())


def test_every_answer_is_compared_with_the_gold_of_its_own_prompt(model, tokenizer):
    answers = Evaluator(tokenizer, [(prompt, "") for prompt in PROMPTS], None, model.device).answer(model)
    right = [row % 2 == 0 for row in range(len(PROMPTS))]
    golds = [answer if r else "something else" for answer, r in zip(answers, right, strict=True)]
    evaluator = Evaluator(tokenizer, list(zip(PROMPTS, golds, strict=True)), None, model.device)
    measured = evaluator.measure(model)
    assert measured["exact_match"].tolist() == right
    assert measured["token_f1"].tolist() == right


def test_measures_are_averaged_over_the_questions_of_each_alias():
    asked = [("q", "b"), ("stage2", "a"), ("q", "b"), ("q", "b"), ("stage2", "a")]
    documents = [Document("test", subset, alias, "height", "", "") for subset, alias in asked]
    measures = {"exact_match": np.array([1.0, 0.0, 0.0, 0.5, 1.0]), "token_f1": np.array([1.0, 0.2, 1.0, 1.0, 0.4])}
    rows = mean_by_alias(documents, measures, epoch=7).to_pylist()
    assert [(r["epoch"], r["subset"], r["alias"], r["questions"]) for r in rows] == [
        (7, "q", "b", 3),
        (7, "stage2", "a", 2),
    ]
    assert [r["exact_match"] for r in rows] == pytest.approx([0.5, 0.5])
    assert [r["token_f1"] for r in rows] == pytest.approx([1.0, 0.3])
