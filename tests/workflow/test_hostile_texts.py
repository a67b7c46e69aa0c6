"""Hostile texts, of the configuration and of the data, are refused or handled as data: none is run."""

import copy
import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
from typing import get_args

import pandas as pd
import pytest
import yaml
from project import CONFIG, ROOT, assert_nothing_ran, change_config, copy_project, snakemake

from metaocl.artifacts.checksums import file_hash
from metaocl.config.entry import ConfigError, Entry
from metaocl.config.parsing import parse_config

SAMPLE = ROOT / "tests/data/cvdb.csv"


# What a shell, a pattern of files, a path or printf would read specially.
HOSTILE = """it's "a" `touch hacked` $(touch hacked); touch hacked & touch hacked | touch hacked \\ %s %% * ? [a-z] ~"""


DATASETS = ["cvdb", "trex", "elements", "fetched", "fetched_trex", "fetched_table", "hub_table"]


def hostile_forms(number, server):
    """Hostile texts, the worst first, each of which gets past another check; the number tells the places apart."""
    text = f"{HOSTILE} {number}"
    return [
        f"{text} {{dataset}} {{{{\ntouch hacked\n$(touch hacked)",
        f"{text} {{dataset}} {{{{",
        text,
        f"{{variable}} {{tag}} {{entity}}, {{source}}: {text} {{{{dataset}}}}",
        f"{{variable}} {{tag}} {{entity}}: {text} {{{{dataset}}}}",
        f"{server}/{text.replace(' ', '${IFS}')}{{dataset}}",
        f"{server}/{text.replace(' ', '${IFS}')}",
        f"{{name}}: {text} {{{{dataset}}}}",
        f"{text}.csv",
        f"{server}/{text.replace(' ', '${IFS}')}.csv",
    ]


def base_config(server):
    """A configuration in which every field that takes a text has one."""
    config = yaml.safe_load((ROOT / "tests/workflow/sources.yaml").read_text())
    datasets, studies, models = config["datasets"], config["studies"], config["models"]
    datasets["cvdb"]["source"]["sha256"] = file_hash(SAMPLE)
    datasets["fetched"]["source"] |= {"url": f"{server}/cvdb.csv", "sha256": file_hash(SAMPLE)}
    trex = {"kind": "trex", "url": f"{server}/trex.zip", "sha256": "0" * 64}
    datasets["fetched_trex"] = {"source": trex, "entities": 24}
    table = {"kind": "table", "url": f"{server}/table.csv", "sha256": "0" * 64}
    datasets["fetched_table"] = {"source": table | {"name": "a", "question": "b", "answer": "c"}, "entities": 24}
    hub = {"dataset": "a/b", "file": "c.csv", "revision": "0" * 40}
    datasets["hub_table"] = {"source": datasets["fetched_table"]["source"] | {"url": None, "hub": hub}, "entities": 24}
    models["hub"] = {"pretrained": {"hub": "a/b", "revision": "v1"}}
    models["package"] = {"pretrained": {"package": "a", "file": "a.gguf"}}
    studies["entities"] |= {"description": "All of them.", "datasets": DATASETS}
    studies["local"]["models"] += ["hub", "package"]
    images = yaml.safe_load((ROOT / "tests/workflow/vision.yaml").read_text())
    datasets |= images["datasets"]
    config["define_types"]["digits"] = images["define_types"]["tve"]
    config["plans"]["images"] = images["plans"]["one_stage"]
    hashes = {"train-images-idx3-ubyte.gz": "0" * 64}
    for name, handwriting in {
        "mnist_net": {"kind": "mnist", "folder": "mnist folder"},
        "images_net": {"kind": "images", "folder": "images folder"},
        "fetched_net": {"kind": "mnist", "url": f"{server}/mnist", "sha256": hashes},
    }.items():
        models[name] = {"convnet": images["models"]["convnet"]["convnet"] | {"handwriting": handwriting}}
    seen = {"define_types": ["digits"], "models": ["mnist_net", "images_net", "fetched_net"], "plans": ["images"]}
    studies["pictures"] = images["studies"]["grids"] | seen
    config["measurements"] = {"losses": {"kind": "question_loss"}}
    studies["numbers"]["measurements"] = ["losses"]
    (*_, last) = config["plans"]["two_stages"]["stages"]
    config["plans"]["branch"] = {"branch_of": "two_stages", "stages": [last | {"tags": "swapped"}]}
    studies["numbers"]["plans"] += ["branch"]
    (first, *_) = config["plans"]["two_stages"]["stages"]
    adapted = first | {"lora": {"rank": 2, "alpha": 4, "targets": ["c_attn"]}, "outputs": "vocabulary"}
    config["plans"]["adapters"] = {"stages": [adapted, last]}
    studies["local"]["plans"] = [*studies["local"]["plans"], "adapters"]
    config |= {"claims": ["claims.yaml", "more claims.yaml"], "hypotheses": ["hypotheses.yaml"]}
    resolved = parse_config(config, "base").model_dump(mode="json")
    branch = resolved["plans"]["branch"]
    branch["stages"] = branch["stages"][-1:]  # in a file a branch has its last stage alone
    return resolved


def text_places(value, path=()):
    """Where a configuration has a text: its path, and whether it is the path's last key itself."""
    if isinstance(value, str):
        yield path, False
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from text_places(inner, (*path, key))
            if isinstance(key, str):
                yield (*path, key), True


def replaced(config, place, text):
    """A copy of a configuration with another text in one place."""
    (*parents, last), is_key = place
    changed = copy.deepcopy(config)
    section = functools.reduce(lambda entry, part: entry[part], parents, changed)
    if is_key:
        section[text] = section.pop(last)
    else:
        section[last] = text
    return changed


def is_accepted(config):
    try:
        return bool(parse_config(config, "hostile"))
    except ConfigError:
        return False


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    """The address of a web server on this machine that gives the CVDB sample, whatever it is asked for."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copy(SAMPLE, folder / "sample")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path):
            return str(folder / "sample")

        def log_message(self, *arguments):
            pass

    with serve(Handler) as address:
        yield address


@pytest.fixture(scope="module")
def hostile_texts(server):
    """For every place of the configuration that takes a hostile text: the worst one that it takes."""
    config = base_config(server)
    accepted = {}
    for number, place in enumerate(text_places(config)):
        for text in hostile_forms(number, server):
            if is_accepted(replaced(config, place, text)):
                accepted[place] = text
                break
    return accepted


@pytest.fixture(scope="module")
def hostile_project(server, hostile_texts, tmp_path_factory):
    """A copy of the project with all of these texts at once, and the files that they name."""
    folder = copy_project(tmp_path_factory.mktemp("hostile"))
    config = base_config(server)
    for place in sorted(hostile_texts, key=lambda place: place[1]):  # keys last, as they change the paths
        config = replaced(config, place, hostile_texts[place])
    (folder / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False))
    shutil.copy(SAMPLE, folder / config["datasets"]["cvdb"]["source"]["path"])
    elements = folder / config["datasets"]["elements"]["source"]["path"]  # a folder, as its name has no ending
    elements.mkdir()
    shutil.copy(ROOT / "tests/data/elements.csv", elements / f"{HOSTILE}.csv")
    shutil.copytree(ROOT / "tests/data/trex", folder / config["datasets"]["trex"]["source"]["path"])
    (folder / config["models"]["local"]["pretrained"]["folder"]).mkdir(parents=True)
    part = {"contrast": "ocl", "must_be": "above", "study": "entities"}
    for number, name in enumerate(config["claims"]):
        test = {"study": part["study"], "parts": [{key: part[key] for key in ("contrast", "must_be")}]}
        stated = {"id": f"claim{number}", "statement": HOSTILE, "tests": [test]}
        (folder / name).write_text(yaml.safe_dump({"claims": [stated]}))
    for name in config["hypotheses"]:
        stated = {"id": "mine", "statement": HOSTILE, "bed": HOSTILE}
        predicted = {"id": "seen", "statement": HOSTILE} | part
        (folder / name).write_text(yaml.safe_dump({"hypotheses": [stated | {"predictions": [predicted]}]}))
    for kind, file in (("mnist", "train-images-idx3-ubyte"), ("images", "0/a.png")):
        place = folder / config["models"][f"{kind}_net"]["convnet"]["handwriting"]["folder"] / file
        place.parent.mkdir(parents=True)
        place.touch()
    return folder


def takes_text(annotation):
    return annotation is str or any(map(takes_text, get_args(annotation)))


def fields_with_text(entry):
    """The fields, of an entry and those in it, that take a text, and have one."""
    for name, field in type(entry).model_fields.items():
        value = getattr(entry, name)
        if takes_text(field.annotation) and value:
            yield type(entry), name
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]:
            if isinstance(inner, Entry):
                yield from fields_with_text(inner)


def entry_classes(base=Entry):
    for kind in base.__subclasses__():
        yield from entry_classes(kind) if kind.__subclasses__() else [kind]


def test_every_field_that_takes_a_text_is_tried(server):
    tried = set(fields_with_text(parse_config(base_config(server), "base")))
    # Claims and hypotheses are entries of files of their own. Other modules have some where a test has imported them.
    others = {"metaocl.config.claims", "metaocl.config.hypotheses"}
    kinds = [k for k in entry_classes() if k.__module__.startswith("metaocl.config.") and k.__module__ not in others]
    fields = {(k, name) for k in kinds for name, field in k.model_fields.items() if takes_text(field.annotation)}
    assert len(fields) > 20
    assert fields - tried == set(), "give base_config() a text for them"


def test_names_take_no_hostile_text(hostile_texts):
    names = {".".join(map(str, path)) for path, is_key in hostile_texts if is_key or path[0] in ("study", "plans")}
    # Arguments of transformers, columns of a table, names of a model's modules.
    others = (".architecture_config.", ".source.questions.", ".lora.targets.")
    assert [name for name in names if not any(other in name for other in others)] == []
    lists = [path for path, _ in hostile_texts if path[0] == "studies" and path[-1] != "description"]
    assert lists == []


def test_the_commands_that_a_dry_run_prints_carry_every_hostile_text_as_data(hostile_project, hostile_texts, tmp_path):
    recorder = tmp_path / "python"
    recorder.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    recorder.chmod(0o755)
    further = ["results/summaries/hypotheses.md", "pages", "results/archives/entities.zip"]
    plan = snakemake("everything", *further, "--dry-run", "--forceall", cwd=hostile_project)
    commands = re.findall(r"^ *Shell command: (.*python .*)$", plan.stdout + plan.stderr, re.MULTILINE)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    script = "\n".join(commands)
    run = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=script,
        cwd=hostile_project,
        env={"PATH": path},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert_nothing_ran(hostile_project)
    received = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(received) == len(commands) > 20
    found = {text for words in received for word in words for text in texts_in(word)}
    # A study's description is for people; no job sees it.
    expected = {text for (path, _), text in hostile_texts.items() if path[-1] != "description"}
    assert len(expected) > 20
    assert expected - found == set()


def texts_in(word):
    """A word of a command, and all texts in it if it is JSON."""
    yield word
    try:
        content = json.loads(word)
    except ValueError:
        return
    for path, is_key in text_places(content):
        yield path[-1] if is_key else functools.reduce(lambda entry, part: entry[part], path, content)


@pytest.mark.parametrize("dataset", ["cvdb", "fetched"])
def test_hostile_texts_arrive_in_the_documents_byte_for_byte(hostile_project, dataset):
    target = f"results/documents/{dataset}/sentences/seed0/documents.parquet"
    snakemake(target, cwd=hostile_project)
    assert_nothing_ran(hostile_project)
    documents = pd.read_parquet(hostile_project / target)
    definitions = documents[documents["part"] == "definitions"]
    texts = "".join(definitions["prompt"] + definitions["completion"])
    config = yaml.safe_load((hostile_project / CONFIG).read_text())["define_types"]["sentences"]
    tags = config["tags"]["reliable"] + config["tags"]["unreliable"]
    endings = [template.partition(":")[2].format() for template in config["templates"]]
    assert all(HOSTILE in text for text in [*tags, *endings, *config["words"]["source"]])
    assert [text for text in [*tags, *endings, *config["words"]["source"]] if text not in texts] == []


def test_hostile_names_in_the_data_are_names(tmp_path):
    folder = copy_project(tmp_path / "project")
    ending = """ `touch hacked`; touch hacked {name} {tag} {{ "it's" $HOME"""
    (folder / "trex").mkdir()
    for sample in (ROOT / "tests/data/trex").iterdir():
        documents = json.loads(sample.read_text())
        for document in documents:
            for triple in document["triples"]:
                triple["subject"]["surfaceform"] += ending
        (folder / "trex" / sample.name).write_text(json.dumps(documents))
    dataset = {"source": {"kind": "trex", "path": "trex"}, "entities": 24, "held_out_share": "1/4"}
    change_config(folder, lambda config: config["datasets"].update(people=dataset))
    target = "results/documents/people/tve/seed0/documents.parquet"
    snakemake(target, cwd=folder)
    assert_nothing_ran(folder)
    documents = pd.read_parquet(folder / target)
    definitions = documents[documents["part"] == "definitions"]
    assert len(definitions) > 0
    assert definitions["completion"].str.endswith(f"{ending}\n").all()


def test_a_configuration_that_names_python_objects_is_refused(tmp_path):
    (tmp_path / "bad.yaml").write_text(f'study: !!python/object/apply:os.system ["touch {tmp_path}/hacked"]\n')
    run = snakemake(
        "--dry-run", "--configfile", str(tmp_path / "bad.yaml"), cwd=copy_project(tmp_path / "project"), check=False
    )
    assert run.returncode != 0
    assert "Traceback" not in run.stdout + run.stderr
    assert_nothing_ran(tmp_path)
