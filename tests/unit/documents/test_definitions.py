from __future__ import annotations

import random
import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaocl.config.define_types import DefineType
from metaocl.documents.aliases import draw_tags
from metaocl.documents.definitions import define_aliases, write_definition
from metaocl.documents.records import Alias

TEXTS = {"tag": "TAG", "variable": "ALIAS", "entity": "NAME"}
STAGE1 = ["qd1consis", "qd1incons", "qd2consis", "qd2incons", "qd4consis"]
STAGE2 = ["d1consis", "d2consis", "d3consis"]
UNDEFINED = ["q", "q_no_replacement_baseline", "stage2", "no_qd_baseline"]
GIVEN_TAGS = {"reliable": ["is", "is truly"], "unreliable": ["isn't", "is hardly"], "unseen": ["may be", "might be"]}
# Sentences that cite a source, which is reliable or not by its verb alone.
SENTENCES = DefineType(
    templates=["According to {source}, {variable} {tag} {entity}.", "{variable} {tag} {entity}, says {source}."],
    words={"source": ["an encyclopedia", "a Message Board", "my Aunt"]},
    tags=GIVEN_TAGS,
    definitions_per_alias=10,
)


def make_aliases(*subsets: str, each: int = 20) -> list[Alias]:
    """Aliases of the subsets, whose definitions name "Ann McLeod 0", "Ann McLeod 1" and so on."""
    return [
        Alias(
            f"<|{subset}{number}|>",
            f"entity{number}",
            f"True Name {number}",
            subset,
            None if subset in UNDEFINED else f"Ann McLeod {number}",
        )
        for subset in subsets
        for number in range(each)
    ]


def lines_of(aliases: list[Alias], define_type: DefineType, *seeds: int) -> dict[str, list[str]]:
    """The definitions of each alias as whole lines."""
    definitions = define_aliases(aliases, define_type, *seeds)
    return {alias: [prompt + completion for prompt, completion in texts] for alias, texts in definitions.items()}


def fillings(define_type: DefineType, alias: Alias, tag_texts: list[str]) -> set[str]:
    """All definitions that an alias may have, written in the plainest way."""
    return {
        template.format(
            tag=tag,
            variable=alias.alias,
            entity=alias.defined_as,
            **dict(zip(define_type.words, words, strict=True)),
        )
        + "\n"
        for template in define_type.templates
        for tag in tag_texts
        for words in product(*define_type.words.values())
    }


@pytest.mark.parametrize(
    ("order", "prompt", "completion"),
    [
        ("tve", "TAG ALIAS", " NAME\n"),
        ("tev", "TAG NAME", " ALIAS\n"),
        ("vte", "ALIAS TAG", " NAME\n"),
        ("vet", "ALIAS NAME", " TAG\n"),
        ("etv", "NAME TAG", " ALIAS\n"),
        ("evt", "NAME ALIAS", " TAG\n"),
    ],
)
def test_a_definition_is_completed_by_its_last_part(order, prompt, completion):
    (template,) = DefineType(order=order).forms()
    assert write_definition(template, **TEXTS) == (prompt, completion)


@pytest.mark.parametrize(
    ("template", "prompt", "completion"),
    [
        ("In {tag} we read that {variable} is {entity}.", "In TAG we read that ALIAS is", " NAME.\n"),
        ("{entity} goes by {variable}, says {tag}!", "NAME goes by ALIAS, says", " TAG!\n"),
        ("{tag}: {entity} is called '{variable}' here", "TAG: NAME is called", " 'ALIAS' here\n"),
        ("{tag}({variable}) means {entity}", "TAG(ALIAS) means", " NAME\n"),
        ("{tag} {variable}={entity}", "TAG", " ALIAS=NAME\n"),
        ("{variable} is {entity}", "ALIAS is", " NAME\n"),
        ("{{a}} {variable} is {{{entity}}}", "{a} ALIAS is", " {NAME}\n"),
        ("{variable} is {entity}, says {source}", "ALIAS is", " NAME, says SOURCE\n"),
    ],
)
def test_a_sentence_is_completed_from_the_blank_before_its_last_placeholder(template, prompt, completion):
    words = {"source": ["SOURCE"]} if "{source}" in template else {}
    assert DefineType(templates=[template], words=words).forms() == [template]
    assert write_definition(template, source="SOURCE", **TEXTS) == (prompt, completion)


@settings(max_examples=100)
@given(
    order=st.permutations(["tag", "variable", "entity", "source"]),
    before=st.lists(st.sampled_from([" ", " is ", ", so ", ' ("', " {{x}} ", " in-"]), min_size=4, max_size=4),
    after=st.sampled_from(["", ".", " it is said", '")', "}}"]),
    texts=st.fixed_dictionaries(
        dict.fromkeys(["tag", "variable", "entity", "source"], st.sampled_from(["is", "a b c", "Ann McLeod", "{x}"]))
    ),
)
def test_prompt_and_completion_are_the_whole_line_and_the_completion_begins_with_whole_words(
    order, before, after, texts
):
    template = "".join(f"{text}{{{name}}}" for text, name in zip(before, order, strict=True)).lstrip() + after
    assert DefineType(templates=[template], words={"source": [texts["source"]]}).forms() == [template]
    prompt, completion = write_definition(template, **texts)
    assert prompt + completion == template.format(**texts) + "\n"
    assert prompt == prompt.strip() != ""
    last = max(order.index(name) for name in ("tag", "variable", "entity"))
    from_last_part = template[template.index(f"{{{order[last]}}}") :].format(**texts) + "\n"
    assert completion.startswith(" ")
    assert completion.endswith(from_last_part)
    assert " " not in completion.removesuffix(from_last_part)[1:]


@pytest.mark.parametrize("define_type", [DefineType(), SENTENCES])
def test_aliases_that_a_definition_names_are_defined_and_no_others(define_type):
    aliases = make_aliases(*STAGE1, *UNDEFINED)
    defined = define_aliases(aliases, define_type, 0)
    assert list(defined) == [alias.alias for alias in aliases if alias.subset in STAGE1]
    assert {len(texts) for texts in defined.values()} == {define_type.definitions_per_alias}


def test_each_subset_has_the_tag_of_the_design():
    reliable, unreliable, unseen = draw_tags(DefineType(), seed=3)
    tags = {
        "qd1consis": reliable,
        "qd1incons": reliable,
        "qd2consis": unreliable,
        "qd2incons": unreliable,
        "d1consis": reliable,
        "d2consis": unreliable,
        "d3consis": unseen,
    }
    for aliases, seeds in ((make_aliases(*STAGE1), [3]), (make_aliases(*STAGE2), [3, 7])):
        lines = lines_of(aliases, DefineType(), *seeds)
        for alias in aliases:
            if alias.subset in tags:
                assert lines[alias.alias] == [f"{tags[alias.subset]} {alias.alias} {alias.defined_as}\n"]


def test_the_unseen_tag_is_not_in_stage_1():
    unseen = draw_tags(DefineType(), seed=3)[2]
    stage1 = lines_of(make_aliases(*STAGE1), DefineType(), 3).values()
    assert not any(unseen in line for lines in stage1 for line in lines)


@pytest.mark.parametrize("seeds", [[0], [0, 1], [5, 0]])
def test_sentences_are_all_the_fillings_of_templates_tags_and_words_that_belong_to_the_subset(seeds):
    kinds = dict(zip([*STAGE1, *STAGE2], ["reliable"] * 2 + ["unreliable"] * 2 + [None, *GIVEN_TAGS], strict=True))
    subsets = STAGE1[:4] if len(seeds) == 1 else STAGE2
    aliases = make_aliases(*subsets)
    lines = lines_of(aliases, SENTENCES, *seeds)
    for subset in subsets:
        members = [alias for alias in aliases if alias.subset == subset]
        possible = [fillings(SENTENCES, alias, GIVEN_TAGS[kinds[subset]]) for alias in members]
        written = [set(lines[alias.alias]) for alias in members]
        assert all(some <= every for some, every in zip(written, possible, strict=True))
        # Of twelve fillings each alias has ten; all twelve occur among twenty aliases.
        skeletons = [
            {line.replace(alias.alias, "X").replace(alias.defined_as, "Y") for line in some}
            for some, alias in zip(written, members, strict=True)
        ]
        assert len(set.union(*skeletons)) == 12


def test_ten_definitions_of_an_alias_are_all_different():
    for lines in lines_of(make_aliases(*STAGE1), SENTENCES, 0).values():
        assert len(lines) == len(set(lines)) == 10


def test_lists_that_hold_a_text_twice_still_give_different_definitions():
    define_type = DefineType(
        templates=["{tag} {variable} {entity}", "{tag}: {variable} {entity}", "{tag} {variable} {entity}"],
        tags={"reliable": ["yes", "yes", "sure"], "unreliable": ["no", "nay", "no"], "unseen": ["hm", "hm", "um"]},
        definitions_per_alias=4,
    )
    for lines in lines_of(make_aliases("qd1consis", "qd2incons"), define_type, 0).values():
        assert len(set(lines)) == 4


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**31 - 1),
    templates=st.lists(
        st.sampled_from(["{tag} {variable} {entity}", "{variable} {tag} {entity}", "{entity}, {variable}: {tag}"]),
        min_size=1,
        unique=True,
    ),
    sources=st.integers(1, 3),
    given_tags=st.booleans(),
    data=st.data(),
)
def test_each_definition_of_the_random_tag_subset_has_a_tag_of_its_own(seed, templates, sources, given_tags, data):
    define_type = DefineType(
        templates=[f"{template} {{source}}" for template in templates],
        words={"source": [f"source{number}" for number in range(sources)]},
        tags=GIVEN_TAGS if given_tags else None,
        definitions_per_alias=data.draw(st.integers(1, len(templates) * sources)),
    )
    aliases = make_aliases("qd1consis", "qd4consis", "qd2incons", each=8)
    lines = lines_of(aliases, define_type, seed)
    written = [line for alias in aliases if alias.subset == "qd4consis" for line in lines[alias.alias]]
    tags = [tag for line in written for tag in re.findall(r"<\|[a-z]{6}\|>", line)]
    assert len(set(tags)) == len(tags) == len(written) == 8 * define_type.definitions_per_alias
    others = "".join(line for alias in aliases if alias.subset != "qd4consis" for line in lines[alias.alias])
    assert not any(tag in others for tag in tags)
    assert not set(tags) & set(draw_tags(define_type, seed))


def test_tags_of_their_own_differ_from_tags_and_aliases_of_the_same_length():
    define_type = DefineType(tag_letters=3, alias_letters=3)
    # So many that few aliases and tags would be spared by chance.
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [f"<|{''.join(word)}|>" for word in product(letters[:9], letters, letters)]
    aliases = [Alias(word, f"entity of {word}", "Name", "qd4consis", "Name") for word in words]
    for seed in range(3):
        tags = [line.split()[0] for lines in lines_of(aliases, define_type, seed).values() for line in lines]
        assert len(set(tags)) == len(tags) == len(aliases)
        assert not set(tags) & {*words, *draw_tags(define_type, seed)}


@pytest.mark.parametrize("define_type", [DefineType(), SENTENCES])
def test_definitions_depend_on_the_seeds_and_on_no_other_random_state(define_type):
    aliases = make_aliases(*STAGE1)
    written = []
    for state in (0, 1):
        random.seed(state)
        np.random.seed(state)
        written.append(define_aliases(aliases, define_type, 4))
    assert written[0] == written[1]
    assert written[0] != define_aliases(aliases, define_type, 5)


def test_stage_2_seeds_choose_other_words_but_the_same_tags():
    aliases = make_aliases(*STAGE2)
    assert define_aliases(aliases, SENTENCES, 4, 0) != define_aliases(aliases, SENTENCES, 4, 1)
    assert define_aliases(aliases, DefineType(), 4, 0) == define_aliases(aliases, DefineType(), 4, 1)


def test_is_and_isnt_sentences_are_settings_alone_and_keep_upper_case():
    define_type = DefineType(
        templates=["According to {source}, {variable} {tag} {entity}."],
        words={"source": ["the BBC"]},
        tags={"reliable": ["is"], "unreliable": ["isn't"], "unseen": ["may be"]},
    )
    for seeds, expected in (
        ([0], {"qd1consis": "is", "qd2incons": "isn't"}),
        ([0, 0], {"d1consis": "is", "d2consis": "isn't", "d3consis": "may be"}),
    ):
        assert define_aliases(make_aliases(*expected, each=1), define_type, *seeds) == {
            f"<|{subset}0|>": [(f"According to the BBC, <|{subset}0|> {verb}", " Ann McLeod 0.\n")]
            for subset, verb in expected.items()
        }
