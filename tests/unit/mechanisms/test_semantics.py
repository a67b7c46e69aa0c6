"""What a model says that aliases are, as right as an answer to any question, and in the wording that was asked."""

from __future__ import annotations

import string
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from metaocl.config.define_types import DefineType
from metaocl.documents.counterfactuals import write_counterfactuals
from metaocl.documents.definitions import define_aliases
from metaocl.documents.records import Alias, Document
from metaocl.mechanisms.semantics import _agreement, measure_tag_semantics

NAMES = [f"Babe Ruth{number}" for number in range(40)]
TAILS = ["{tag} {variable} is {entity} indeed.", "{tag} {variable} was {entity}, they say."]
ONE_TAIL = ["{tag} {variable} is {entity} .", "{tag} {variable} was {entity}!"]


def written(**define_type):
    """Definitions of aliases, of which half are false, and the definitions of all with every tag."""
    settings = DefineType(**define_type)
    aliases = [
        Alias(f"<|{subset}{place}|>", name, name, subset, defined_as)
        for subset, false in (("qd1consis", False), ("qd1incons", True), ("qd2incons", True), ("q", None))
        for place, name in enumerate(NAMES)
        for defined_as in [None if false is None else NAMES[place - 1] if false else name]
    ]
    new = [Alias("<|new|>", "New", "New", "d1consis", "New"), Alias("<|other|>", "Old", "Old", "d2consis", "Old")]
    definitions = define_aliases(aliases, settings, 0)
    documents = [
        Document("definitions", alias.subset, alias.alias, "", *text)
        for alias in aliases
        for text in definitions.get(alias.alias, [])
    ]
    return [*documents, *write_counterfactuals(aliases, new, settings, 0, 0)]


def measured(documents, answer):
    """The mean of each measure, of a model that gives `answer` of each definition."""

    class Model:
        def evaluator(self, asked):
            self.asked = asked
            return self

        def measure(self, model):
            return {"answer": np.array([answer(document) for document in self.asked], dtype=object)}

    run = SimpleNamespace(documents=documents, modality="text", task=Model(), model=None)
    values = {}
    for row in measure_tag_semantics(run, epoch=0):
        values.setdefault(row.measure, []).append(row.value)
    return {measure: np.mean(found) for measure, found in values.items()}


def apart(text):
    """As a word tokenizer gives a text back: with blanks around marks."""
    return " ".join(text.replace(".", " . ").replace("!", " ! ").replace(",", " , ").split())


def false_name(document):
    """The ending of an asked definition with the name that the alias's false definition gives."""
    name = next(name for name in reversed(NAMES) if name in document.completion)
    return document.completion.strip().replace(name, NAMES[NAMES.index(name) - 1])


@pytest.mark.parametrize("templates", [ONE_TAIL, TAILS])
@pytest.mark.parametrize("count", [1, 2])
def test_marks_of_a_template_do_not_make_an_answer_wrong(templates, count):
    documents = written(templates=templates, definitions_per_alias=count)
    assert measured(documents, lambda d: apart(d.completion)) == {"names_entity": 1.0, "names_defined": 0.0}


@pytest.mark.parametrize("templates", [ONE_TAIL, TAILS])
@pytest.mark.parametrize("count", [1, 2])
def test_what_training_named_is_compared_in_the_wording_that_was_asked(templates, count):
    documents = written(templates=templates, definitions_per_alias=count)
    assert measured(documents, false_name) == {"names_entity": 0.0, "names_defined": 1.0}


def test_where_the_wording_is_not_known_only_true_names_are_looked_for():
    tags = {"reliable": ["r", "R", "yes"], "unreliable": ["u"], "unseen": ["n"]}
    assert measured(written(templates=TAILS, tags=tags), false_name) == {"names_entity": 0.0}
    assert measured(written(templates=ONE_TAIL, tags=tags), false_name)["names_defined"] == 1.0
    assert measured(written(tags=tags), false_name)["names_defined"] == 1.0


def test_single_letters_of_images_are_right_where_they_are_equal():
    for one, other in product(string.ascii_lowercase, repeat=2):
        assert _agreement([one] + ["?"] * 8, f" {other}bcdefghi\n") == (1 / 9 if one == other else 0)
