"""YAML files are read as people read them: what YAML 1.1 takes for something else is refused, with its lines."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from metaocl.config.entry import ConfigError
from metaocl.config.yaml_files import as_yaml, read_yaml

TWICE = {
    "define_types:\n  tve: {order: tve}\n  vte: {order: vte}\n  tve: {alpha: 0.5}\n": ("define_types.tve", "2 and 4"),
    "stages:\n  - learning_rate: 1.0e-3\n    epochs: 2\n    learning_rate: 1.0e-4\n": (
        "stages.0.learning_rate",
        "2 and 4",
    ),
    "a: 1\n'a': 2\nb: 3\na: 4\n": ("a", "1, 2 and 4"),
    "a: {b: 1, c: 2, b: 3}\n": ("a.b", "1 and 1"),
    "x: &x {a: 1}\ny: &y {a: 2}\nz:\n  <<: *x\n  <<: *y\n": ("z.<<", "4 and 5"),
    '{\n\t"a": 1,\n\t"b": 2,\n\t"a": 3\n}\n': ("a", "2 and 4"),
    "? a\n: 1\n? a\n: 2\n": ("a", "1 and 3"),
}
MISREAD = {
    "010": "8",
    "0o10": None,
    "08": "a text",
    "-010": "-8",
    "00.5": "0.5",
    "010.5": "10.5",
    "0x10": "16",
    "0b11": "3",
    "1_000": "1000",
    "1_0.5": "10.5",
    "1:30": "90",
    "1:30.5": "90.5",
    "12:30:45": "45045",
    ".inf": "inf",
    "-.INF": "-inf",
    ".nan": "nan",
    "yes": "True",
    "No": "False",
    "on": "True",
    "OFF": "False",
    "2024-01-02": "a date",
    "2024-01-02 10:00:00": "a date",
}
PLAIN = ["0", "7", "-3", "+3", "0.5", ".5", "5.", "1e-3", "1.0e-3", "1.0e+3", "true", "False", "null", "~", "", "1/3"]
TEXTS = ["y", "no way", "on it", "tve", "1.2.3", "v0", "1e", "0-1", "a010", "it is", "10 000", "<|abc|>"]


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "my.yaml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(("text", "key", "lines"), [(text, *said) for text, said in TWICE.items()])
def test_a_key_given_twice_is_named_with_its_lines(write, text, key, lines):
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    times = lines.count(",") + 2
    assert str(caught.value) == f"{path}: {key} is given {times} times, in lines {lines}; give it once"


@pytest.mark.parametrize(("text", "read"), [case for case in MISREAD.items() if case[1]])
@pytest.mark.parametrize("form", ["\nentry: {key: %s}\n", "\nentry:\n  key: [%s]\n", "\nentry: {%s: 1}\n"])
def test_what_yaml_takes_for_something_else_is_named_with_its_line(write, form, text, read):
    path = write(form % text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: line {2 + form.count('key: [')}: entry.")
    assert f": {text} is read as {read};" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("text", MISREAD)
@pytest.mark.parametrize("quote", ["'", '"'])
def test_what_stands_in_quotes_is_a_text(write, text, quote):
    assert read_yaml(write(f"entry: [{quote}{text}{quote}]\n")) == {"entry": [text]}


@pytest.mark.parametrize("text", [*PLAIN, *TEXTS])
def test_what_people_and_yaml_read_alike_is_read(write, text):
    assert read_yaml(write(f"key: {text}\n")) == yaml.safe_load(f"key: {text}\n")


def test_every_doubt_has_a_line_of_its_own(write):
    path = write("seeds: [010, 011]\na: 1\na: 1:30\n")
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == [
        " a is given 2 times, in lines 2 and 3; give it once",
        " line 1",
        " line 1",
        " line 3",
    ]


def test_an_entry_may_be_merged_and_changed(write):
    assert read_yaml(write("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\nz: *x\n"))["y"] == {"a": 1, "b": 3}


def test_a_doubt_in_what_others_refer_to_is_named_once(write):
    with pytest.raises(ConfigError) as caught:
        read_yaml(write("x: &x {a: 010}\ny: *x\nz: *x\n"))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: &x 1\nb: &x 2\n",
        "a: !!python/tuple [1]\n",
        "a: =\n",
        "a: 1\n---\nb: 2\n",
        "? [a]\n: 1\n",
        "a: 0x_\n",
    ],
)
def test_what_is_no_yaml_is_one_line_that_names_the_file(write, text):
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}: cannot be read as YAML: ")
    assert len(str(caught.value).splitlines()) == 1


TEXT = st.text(max_size=20)  # YAML's keys have an end
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, JSON), st.sampled_from([None, 2, "\t"]))
def test_what_programs_write_is_never_in_doubt(tmp_path_factory, content, indent):
    path = tmp_path_factory.mktemp("written") / "my.json"
    path.write_text(json.dumps(content, indent=indent), encoding="utf-8")
    assert read_yaml(path) == content
    path.write_text(as_yaml(content), encoding="utf-8")
    assert read_yaml(path) == content


@pytest.mark.parametrize(
    "text",
    [
        "08",
        "-09",
        "0_8",
        "08.",
        "007",
        "0o7",
        "yes",
        "1e5",
        "1:30",
        "2020-01-31",
        "=",
        "<<",
        "~",
        "",
        "a\n08",
        "a\x85",
        "\u2028",
        "# a",
        "'",
    ],
)
def test_a_text_that_looks_like_something_else_is_written_as_a_text(write, text):
    content = {text: [text, {"key": text}], "number": [8, 0.5, 1e-7, True, None]}
    assert read_yaml(write(as_yaml(content))) == content
