"""Files that extend another are laid over it, and what cannot be laid anywhere is told in one line."""

import json
from pathlib import Path
from textwrap import dedent

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from metaocl.config.entry import ConfigError
from metaocl.config.layers import Layer, in_words, load_config, merged, read_config, read_layers

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "workflow/schemas/config.schema.json").read_text(encoding="utf-8"))
NESTED = st.recursive(
    st.integers() | st.booleans() | st.lists(st.integers()),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner),
)
CONFIGS = st.dictionaries(st.sampled_from("abcd"), NESTED)


@pytest.fixture
def write(tmp_path):
    """Writes a file, by its name, and gives its path."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("below", "above", "both"),
    [
        ("a: {x: 1, y: 2}", "a: {y: 3, z: 4}", {"a": {"x": 1, "y": 3, "z": 4}}),
        ("a: {b: {x: 1, y: 2}}", "a: {b: {y: 3}}", {"a": {"b": {"x": 1, "y": 3}}}),
        ("a: [1, 2]", "a: [3]", {"a": [3]}),
        ("a: [{x: 1, y: 2}]", "a: [{x: 3}]", {"a": [{"x": 3}]}),
        ("a: people", "a: {kind: cvdb}", {"a": {"kind": "cvdb"}}),
        ("a: {kind: cvdb}", "a: people", {"a": "people"}),
        ("a: {x: 1, y: 2}", "a: {x: null}", {"a": {"y": 2}}),
        ("a: {x: 1}\nb: 2", "a: null", {"b": 2}),
        ("a: {x: 1}", "a: {x: {}}", {"a": {"x": {}}}),
        # Nothing to be taken away: who wrote it has mistaken a name, and is told so as the null is no entry.
        ("a: {x: 1}", "a: {y: null}", {"a": {"x": 1, "y": None}}),
        ("a: null", "b: 1", {"a": None, "b": 1}),
    ],
)
def test_mappings_are_laid_over_each_other_and_the_rest_replaces(write, below, above, both):
    write("below.yaml", below)
    assert read_config(write("above.yaml", f"extends: below.yaml\n{above}")) == both


@given(CONFIGS, CONFIGS)
def test_what_stands_higher_holds(below, above):
    both = merged([Layer(None, below), Layer(None, above)])
    assert both.keys() == below.keys() | above.keys()
    assert merged([Layer(None, both), Layer(None, above)]) == both
    assert merged([Layer(None, {}), Layer(None, below)]) == below


def test_laying_over_changes_no_layer():
    below, above = {"a": {"b": {"x": 1}}}, {"a": {"b": {"x": 2}, "c": 3}}
    merged([Layer(None, below), Layer(None, above)])
    assert (below, above) == ({"a": {"b": {"x": 1}}}, {"a": {"b": {"x": 2}, "c": 3}})


def test_a_file_that_extends_none_is_what_it_says(write):
    assert read_config(write("my.yaml", "a: null\nb: &b {c: 1}\nd: *b")) == {"a": None, "b": {"c": 1}, "d": {"c": 1}}


def test_each_file_lies_directly_over_what_it_extends_and_once(write):
    write("base.yaml", "a: base\nb: base\nc: base\nd: base")
    first = write("folder/first.yaml", "extends: ../base.yaml\na: first\nb: first\nc: first")
    second = write("second.yaml", "extends: base.yaml\na: second\nb: second")
    layers = read_layers([first, second], {"a": "--config"})
    assert [layer.origin for layer in layers] == [
        str(first.parent / "../base.yaml"),
        str(first),
        str(second),
        "--config",
    ]
    assert merged(layers) == {"a": "--config", "b": "second", "c": "first", "d": "base"}
    assert in_words(layers[1:]) == f"--config over {second} over {first}"


def test_a_chain_is_followed_to_its_end(write):
    write("a.yaml", "n: 1\na: 1")
    write("b.json", '{"extends": "a.yaml", "n": 2, "b": 2}')
    assert read_config(write("c.yaml", "n: 3\nextends: b.json")) == {"n": 3, "b": 2, "a": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: gone.yaml", "extends is 'gone.yaml', from this file's folder; there is no file {folder}/gone.yaml"),
        ("extends: .", "extends is '.', from this file's folder; there is no file {folder}"),
        ('extends: ""', "extends is '', from this file's folder; there is no file {folder}"),
        (f"extends: {'x' * 300}", f"extends is '{'x' * 300}', from this file's folder; there is no file {{folder}}/"),
        ('extends: "a\\0b"', "extends is 'a\\x00b', from this file's folder; there is no file {folder}/"),
        ("extends:", "extends is None; it takes the path of one file, from this file's folder"),
        ("extends: [a.yaml, b.yaml]", "extends is ['a.yaml', 'b.yaml']; it takes the path of one file"),
        ("extends: 7", "extends is 7; it takes the path of one file"),
        ("extends: my.yaml", "extends is 'my.yaml', a circle: {folder}/my.yaml → {folder}/my.yaml"),
        ("[study]", "holds ['study']; a configuration is a mapping"),
        ("", "holds None; a configuration is a mapping"),
    ],
)
def test_what_cannot_be_laid_over_anything_is_told_in_one_line(write, text, said):
    path = write("my.yaml", text)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}: {said.format(folder=path.parent)}")
    assert "\n" not in str(caught.value)


def test_a_circle_of_several_is_shown(write):
    folder = write("a.yaml", "extends: b.yaml").parent
    write("b.yaml", "extends: ./a.yaml")
    with pytest.raises(ConfigError) as caught:
        read_config(write("c.yaml", "extends: a.yaml"))
    assert str(caught.value) == (
        f"{folder}/b.yaml: extends is './a.yaml', a circle: {folder}/a.yaml → {folder}/b.yaml → {folder}/a.yaml"
    )


def test_a_mistake_of_what_is_extended_names_its_file(write):
    below = write("below.yaml", "seeds: [010]")
    with pytest.raises(ConfigError, match=f"^{below}: line 1: seeds.0: 010 is read as 8"):
        read_config(write("above.yaml", "extends: below.yaml"))


def test_a_file_that_lies_below_already_is_named_once(write):
    below, above = write("below.yaml", "a: 1"), write("above.yaml", "extends: below.yaml")
    assert len(read_layers([below, above])) == 2
    with pytest.raises(ConfigError, match=f"^{below}: lies below {above} already; name it once"):
        read_layers([above, below])


def test_the_command_line_extends_nothing(write):
    with pytest.raises(ConfigError, match=r"^--config: extends is 'a.yaml'; only a file extends another"):
        read_layers([write("my.yaml", "a: 1")], {"extends": "a.yaml"})


def test_an_entry_inherits_from_the_one_of_its_name_and_mistakes_name_all_layers(write):
    base = ROOT / "config/config.yaml"
    text = f"extends: {base}\nplans: {{two_stages: {{stages: null}}}}\nstudies: {{laptop: {{seeds: [12]}}}}\n"
    path = write("my.yaml", text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value) == f"{path} over {base}: plans.two_stages.stages: Field required"
    path = write("my.yaml", text.replace("plans", "models").replace("two_stages: {stages: null}", "tiny: {threads: 2}"))
    config, original = load_config(path), load_config(base)
    assert config.studies["laptop"] == original.studies["laptop"].model_copy(update={"seeds": [12]})
    assert config.models["tiny"] == original.models["tiny"].model_copy(update={"threads": 2})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "studies: {labtop: {seeds: [0]}}",
            "studies.labtop to change (did you mean laptop?), and a new one needs ",
        ),
        ("studies: {mine: {seeds: [0]}}", "studies.mine to change (declared: laptop), and a new one needs datasets, "),
        (
            "datasets: {peopel: {entities: 30}}",
            "datasets.peopel to change (did you mean people?), and a new one needs ",
        ),
        ("plans: {two_stage: {}}", "plans.two_stage to change (did you mean two_stages?), and a new one needs stages"),
        (
            "models: {tinny: {base_training: {batch_size: 9}}}",
            "models.tinny to change (did you mean tiny?), and a new one needs base_training.steps",
        ),
        ("measurements: {a: {}}", "measurements.a to change (declared: none), and a new one needs kind"),
        ("models: {tinny: {threads: 2}}", "models.tinny to change (did you mean tiny?)"),
        ("define_types: {tvee: null}", "define_types.tvee to change (did you mean tve?)"),
        (
            "define_types: {tvee: {alpha: 0.9}}",
            "define_types.tvee to change (did you mean tve?), and no study has it as a new one",
        ),
    ],
)
def test_an_entry_that_is_not_below_and_no_whole_one_is_one_line_with_the_name_that_was_meant(write, text, said):
    path, base = write("my.yaml", f"extends: {ROOT / 'config/config.yaml'}\n{text}\n"), ROOT / "config/config.yaml"
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"{path}")
    assert f"{base} has no {said}" in line


def test_new_entries_may_be_called_much_like_others_where_a_study_has_them(write):
    text = """
        define_types: {tvee: {alpha: 0.9}}
        plans:
          two_stage: {stages: [{documents: [questions], epochs: 1}, &last {documents: [new_definitions], epochs: 1}]}
          apart: {branch_of: two_stage, stages: [*last]}
        datasets: {poeple: {source: people, entities: 300}, unlike_any_other: {source: people, entities: 300}}
        studies: {mine: {datasets: [poeple], define_types: [tvee], models: [tiny], plans: [apart], seeds: [0]}}
    """
    config = load_config(write("my.yaml", f"extends: {ROOT / 'config/config.yaml'}\n{dedent(text)}"))
    assert config.plans["apart"].branch_of == "two_stage"


def test_what_a_layer_above_takes_out_of_a_study_was_no_misspelling(write):
    text = f"""
        extends: {ROOT / "config/config.yaml"}
        define_types: {{tvee: {{alpha: 0.9}}}}
        studies: {{laptop: {{define_types: [tve, tvee]}}}}
    """
    write("my.yaml", dedent(text))
    config = load_config(write("mine.yaml", "extends: my.yaml\nstudies: {laptop: {define_types: [tve]}}\n"))
    assert config.studies["laptop"].define_types == ["tve"]


def test_mistakes_of_a_whole_new_entry_stay_what_they_are(write):
    base = ROOT / "config/config.yaml"
    path = write("my.yaml", f"extends: {base}\nmodels: {{new: {{architecture: gpt2, threads: 0}}, other: {{}}}}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).splitlines() == [
        f"{path} over {base}: models.new.threads: Input should be greater than or equal to 1 (got 0)",
        f"{path} over {base}: models.other: give one of pretrained, architecture and convnet",
    ]


@pytest.mark.parametrize(
    ("text", "meets"),
    [
        ("extends: a.yaml", True),
        ("extends: a.yaml\nstudies: {a: {seeds: [1]}, b: null}", True),
        ("extends: a.yaml\ndatasets: {a: {source: {path: x, url: null}, shares: {q: null}}}", True),
        ("extends: a.yaml\nmodels: {a: {architecture_config: {dropout: null}, base_training: {steps: 9}}}", True),
        ("extends: a.yaml\npathvars: null", True),
        ("extends: a.yaml\nstudies: {a: {sedes: [1]}}", False),
        ("extends: a.yaml\nplans: {a: {stages: 3}}", False),
        ("extends: 3", False),
        ("study: a", False),
    ],
)
def test_editors_take_parts_of_entries_where_a_file_extends_another_and_whole_ones_elsewhere(text, meets):
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(text)) == meets
