"""A define type that cannot be used is refused before anything runs, with its value and what was expected."""

from __future__ import annotations

import pytest

from metaocl.config.define_types import DefineType
from metaocl.config.entry import ConfigError
from metaocl.config.parsing import parse_config

CONFIG = {
    "study": "only",
    "studies": {"only": {"datasets": ["d"], "define_types": ["mine"], "models": ["m"], "plans": ["p"], "seeds": [0]}},
    "datasets": {"d": {"source": "people", "entities": 10}},
    "models": {"m": {"architecture": "gpt2"}},
    "plans": {"p": {"stages": [{"documents": ["new_definitions"], "epochs": 1}]}},
}
GOOD = "{tag} {variable} {entity}"
ONE_TEXT = {"reliable": ["is"], "unreliable": ["isn't"], "unseen": ["may be"]}

# A bad define type, and what the message must say.
MISTAKES = {
    "order and templates": (
        {"order": "tve", "templates": [GOOD]},
        ["define_types.mine: ", "give either order or templates"],
    ),
    "no templates": ({"templates": []}, ["define_types.mine.templates: ", "at least 1 item", "[]"]),
    "template without variable": ({"templates": ["{tag} {entity}"]}, ["'{tag} {entity}' must have {variable}"]),
    "template without entity": ({"templates": ["{tag} {variable}"]}, ["'{tag} {variable}' must have", "{entity} once"]),
    "template with two variables": (
        {"templates": ["{variable} or {variable} {entity}"]},
        ["'{variable} or {variable} {entity}' must have {variable} and {entity} once"],
    ),
    "template with two tags": (
        {"templates": ["{tag} {tag} {variable} {entity}"]},
        ["'{tag} {tag} {variable} {entity}' must have", "{tag} at most once"],
    ),
    "second template wrong": ({"templates": [GOOD, "{tag} {entity}"]}, ["'{tag} {entity}' must have {variable}"]),
    "variable in literal braces": ({"templates": ["{{variable}} {entity}"]}, ["'{{variable}} {entity}' must have"]),
    "unknown placeholder": (
        {"templates": ["{name} {variable} {entity}"], "words": {"source": ["x"]}},
        ["'{name} {variable} {entity}' has {name}", "known are entity, source, tag, variable"],
    ),
    "placeholder without a name": ({"templates": ["{} {variable} {entity}"]}, ["'{} {variable} {entity}' has {}"]),
    "placeholder with a number": ({"templates": ["{0} {variable} {entity}"]}, ["'{0} {variable} {entity}' has {0}"]),
    "attribute of a placeholder": (
        {"templates": ["{tag.real} {variable} {entity}"]},
        ["has {tag.real}", "known are entity, tag, variable"],
    ),
    "conversion": (
        {"templates": ["{tag!r} {variable} {entity}"]},
        ["'{tag!r} {variable} {entity}' formats a placeholder; write its name only"],
    ),
    "format": (
        {"templates": ["{variable} {entity:>10}"]},
        ["'{variable} {entity:>10}' formats a placeholder; write its name only"],
    ),
    "opened brace": ({"templates": ["{variable} {entity"]}, ["'{variable} {entity' cannot be read: expected '}'"]),
    "closed brace": ({"templates": ["variable} {entity}"]}, ["'variable} {entity}' cannot be read: Single '}'"]),
    "no blank before the last placeholder": (
        {"templates": ["{tag}{variable}={entity} here"]},
        ["'{tag}{variable}={entity} here' needs a blank before its last placeholder"],
    ),
    "only a leading blank": ({"templates": [" {variable}{entity}"]}, ["' {variable}{entity}' needs a blank"]),
    "blank before literal braces": (
        {"templates": ["{variable}{entity} {{entity}}"]},
        ["'{variable}{entity} {{entity}}' needs a blank before its last placeholder"],
    ),
    "words named tag": ({"words": {"tag": ["is"]}}, ["words names tag", "their own meaning in templates"]),
    "words named variable": ({"words": {"variable": ["is"]}}, ["words names variable"]),
    "words with a capital": ({"words": {"Source": ["x"]}}, ["define_types.mine.words.Source", "'Source'", "pattern"]),
    "placeholder without words": (
        {"templates": [GOOD, "{source}: {variable} {entity}"], "words": {"source": []}},
        ["words", "source"],
    ),
    "two definitions of one kind": (
        {"definitions_per_alias": 2},
        ["definitions_per_alias is 2", "make 1 different definitions"],
    ),
    "no definitions": ({"definitions_per_alias": 0}, ["define_types.mine.definitions_per_alias", "0", "equal to 1"]),
    "tag texts that the form does not show": (
        {"templates": ["{variable} is {entity}"], "tags": ONE_TEXT},
        ["tags are given, but no template has {tag}"],
    ),
    "words that no template uses": ({"words": {"source": ["a"]}}, ["words has source, which no template uses"]),
    "an empty list of words": (
        {"templates": ["{variable} is {entity}, says {source}"], "words": {"source": []}},
        ["define_types.mine.words.source", "at least 1 item"],
    ),
    "a tag with fewer texts": (
        {"tags": ONE_TEXT | {"reliable": ["is", "means"]}, "definitions_per_alias": 2},
        ["definitions_per_alias is 2", "make 1 different definitions"],
    ),
    "the same texts twice": (
        {
            "templates": ["{tag} {variable} {source} {entity}", "{tag} {variable} {source} {entity}"],
            "tags": {tag: [tag, tag, f"{tag} or"] for tag in ONE_TEXT},
            "words": {"source": ["x", "y", "y"]},
            "definitions_per_alias": 5,
        },
        ["definitions_per_alias is 5", "make 4 different definitions"],
    ),
    "a tag without texts": (
        {"tags": ONE_TEXT | {"unseen": []}},
        ["define_types.mine.tags.unseen: ", "at least 1 item"],
    ),
    "a missing tag": ({"tags": {"reliable": ["is"], "unreliable": ["isn't"]}}, ["mine.tags.unseen", "required"]),
    "an empty tag text": ({"tags": ONE_TEXT | {"unseen": [""]}}, ["mine.tags.unseen.0", "at least 1 character", "''"]),
    "a line break in a tag text": (
        {"tags": ONE_TEXT | {"reliable": ["is", "is\nnot"]}},
        ["define_types.mine.tags.reliable.1: ", r"'is\nnot'", r"[^\n\r]*"],
    ),
    "a final line break in a tag text": ({"tags": ONE_TEXT | {"reliable": ["is\n"]}}, ["tags.reliable.0", r"'is\n'"]),
    "a carriage return in words": ({"words": {"source": ["a\rb"]}}, ["mine.words.source.0", r"'a\rb'", r"[^\n\r]*"]),
    "a line break in a template": ({"templates": [f"{GOOD}\n"]}, ["mine.templates.0", r"{entity}\n'", r"[^\n\r]*"]),
    "an alias of two letters": ({"alias_letters": 2}, ["define_types.mine.alias_letters", "2", "equal to 3"]),
    "an unknown style": ({"alias_style": "loud"}, ["define_types.mine.alias_style", "'loud'", "'spaced'"]),
    "an unknown placement": ({"placement": "inside"}, ["mine.placement", "'inside'", "'in_context'"]),
}


@pytest.mark.parametrize(("define_type", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_bad_define_type_is_refused_in_one_line_that_says_why(define_type, said):
    with pytest.raises(ConfigError) as caught:
        parse_config(CONFIG | {"define_types": {"mine": define_type}}, "my.yaml")
    (line,) = str(caught.value).splitlines()
    assert line.startswith("my.yaml: define_types.mine")
    assert [words for words in said if words not in line] == []


@pytest.mark.parametrize(
    "define_type",
    [
        {},
        {"order": "vte"},
        {"templates": ["{variable} is {entity}"]},
        {"templates": ["{{note}} {variable} is '{entity}' in {source}"], "words": {"source": ["x"]}},
        {"templates": ["{entity}-{tag} {variable}"]},
        {"tags": {tag: [tag, f"{tag} b", f"{tag} b"] for tag in ONE_TEXT}, "definitions_per_alias": 2},
        {
            "templates": [GOOD, "{source} {variable} {entity}"],
            "tags": {tag: [tag, f"{tag} b"] for tag in ONE_TEXT},
            "words": {"source": ["x", "y", "z"]},
            "definitions_per_alias": 5,
        },
    ],
)
def test_a_good_define_type_is_read_as_it_is_written(define_type):
    config = parse_config(CONFIG | {"define_types": {"mine": define_type}}, "my.yaml")
    assert config.define_types["mine"] == DefineType(**define_type)
    written = config.define_types["mine"].model_dump(mode="json", exclude_unset=True)
    assert written == define_type
