"""Grids as documents: the same subsets, held-out cells and definitions as of any other facts."""

from collections import Counter

import pytest
from grid_documents import DATASET, DEFINE_TYPE, grid_documents

from metaocl.config.define_types import DefineType
from metaocl.config.sources import Grids
from metaocl.documents.aliases import draw_aliases, draw_words
from metaocl.documents.records import DocumentsError
from metaocl.facts.grids import draw_grids
from metaocl.randomness import random_stream


def test_a_grid_has_a_question_for_each_of_its_nine_cells():
    facts = draw_grids(3, Grids(letters=4))
    assert [fact.attribute for fact in facts[:9]] == [f"cell_{cell}" for cell in range(1, 10)]
    assert {fact.entity: fact.name for fact in facts} == {
        f"grid{place}": "".join(fact.answer for fact in facts[9 * place : 9 * place + 9]) for place in range(3)
    }
    assert {fact.answer for fact in draw_grids(50, Grids(letters=4))} == set("abcd")


def test_fewer_grids_are_the_first_of_more():
    assert draw_grids(4, Grids()) == draw_grids(9, Grids())[:36]
    assert draw_grids(9, Grids(seed=1)) != draw_grids(9, Grids())


def test_variables_are_nine_digits_all_different():
    aliases = [alias.alias for alias in draw_aliases(draw_grids(40, Grids()), DATASET, DEFINE_TYPE, seed=0)]
    assert len(set(aliases)) == 40
    assert all(len(alias) == 9 and alias.isdigit() for alias in aliases)
    with pytest.raises(DocumentsError, match="751 different aliases or tags cannot be drawn with 3 digits"):
        draw_words(751, 3, "digits", random_stream("test"))


def test_three_cells_of_a_stage_1_variable_test_it_and_all_nine_of_a_stage_2_variable():
    documents = grid_documents()
    counts = Counter((document.part, document.subset, document.alias) for document in documents)
    of_kind = {(part, subset): number for (part, subset, _), number in counts.items()}
    for subset in ("qd1consis", "qd2incons", "q"):
        assert (of_kind["questions", subset], of_kind["held_out", subset]) == (6, 3)
    assert of_kind["held_out", "stage2"] == 9
    assert ("questions", "stage2") not in of_kind


def test_inconsistent_definitions_name_the_grid_of_another_variable_of_the_subset():
    facts = draw_grids(40, Grids())
    aliases = draw_aliases(facts, DATASET, DEFINE_TYPE, seed=0)
    wrong = [alias for alias in aliases if alias.subset == "qd2incons"]
    assert sorted(alias.name for alias in wrong) == sorted(str(alias.defined_as) for alias in wrong)
    assert all(alias.name != alias.defined_as for alias in wrong)


def test_digits_are_no_words_of_letters():
    style = DefineType(alias_style="plain", alias_letters=9)
    aliases = draw_aliases(draw_grids(40, Grids()), DATASET, style, seed=0)
    assert not any(character.isdigit() for alias in aliases for character in alias.alias)
