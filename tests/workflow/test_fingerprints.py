"""What a job really runs is in its script's fingerprint: every script is watched at its work."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest
import yaml
from project import CONFIG, ROOT, TINY, copy_project, snakemake

from metaocl.artifacts.code_version import EXCLUDED, SETTINGS, reached_definitions

RULES_FOLDER = ROOT / "workflow/rules"
RULES = "".join(path.read_text() for path in sorted(RULES_FOLDER.glob("*.smk")))
MEASUREMENTS = sorted(re.findall(r'path_of\("measure_(\w+)\.py"\)', (RULES_FOLDER / "mechanisms.smk").read_text()))
SCRIPTS = sorted(set(re.findall(r'path_of\("(\w+)\.py"\)', RULES)))
# Python runs this when it starts. In a script it notes which functions of the library are entered, and from which file.
# What the import of a module runs, for the sake of a definition that may not be used, is not noted.
WITNESS = """
import atexit, json, os, sys, threading

script = next((word for word in sys.orig_argv[1:] if word.endswith(".py")), "")
folder = os.path.abspath(os.path.dirname(script)) + os.sep
entered = set()

def note(frame, event, argument):
    code = frame.f_code
    if code.co_filename.startswith(folder) and code.co_name != "<module>":
        call = code.co_filename, code.co_qualname, frame.f_back.f_code.co_filename
        if call not in entered and not imports(frame):
            entered.add(call)

def imports(frame):
    while frame and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame and not frame.f_code.co_filename.endswith(script)

def module(file):
    name = os.path.relpath(file, folder).removesuffix(".py").removesuffix("/__init__").replace(os.sep, ".")
    return name if file.startswith(folder) else ""

def write():
    sys.settrace(None)
    calls = [(module(file), function, module(caller)) for file, function, caller in entered]
    with open(f"{os.environ['NOTES']}/{os.getpid()}.json", "w") as file:
        json.dump({"script": os.path.basename(script).removesuffix(".py"), "calls": calls}, file)

if os.path.basename(os.path.dirname(script)) == "scripts":
    atexit.register(write)
    threading.settrace(note)
    sys.settrace(note)
"""


def configuration() -> dict[str, Any]:
    """Three small studies that need most scripts between them."""
    config = yaml.safe_load((ROOT / "tests/workflow/sources.yaml").read_text())
    config["models"]["base"] = yaml.safe_load(TINY.read_text())["models"]["tiny"]
    config["define_types"]["tve"] = {"order": "tve"}
    study = config["studies"]["entities"]
    base = {"datasets": ["people"], "define_types": ["tve"], "models": ["base"], "plans": ["two_stages"]}
    config["measurements"] = {kind: {"kind": kind} for kind in MEASUREMENTS}
    measured = {"paired": True, "measurements": list(MEASUREMENTS), "axis": "plan"}
    # A name that predictions know, for there to be something to draw of these.
    config["studies"] = {"entities": study | {"datasets": ["trex"]}, "readings": study | base | measured}
    images = yaml.safe_load((ROOT / "tests/workflow/vision.yaml").read_text())
    for section in ("datasets", "models"):
        config[section] |= images[section]
    config["define_types"]["digits"] = images["define_types"]["tve"]
    config["plans"]["images"] = images["plans"]["one_stage"]
    seen = {"define_types": ["digits"], "models": ["convnet"], "plans": ["images"]}
    config["studies"]["images"] = images["studies"]["grids"] | seen
    return config


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A copy of the project in which every script has run, each under the eyes of a witness."""
    folder = copy_project(tmp_path_factory.mktemp("witnessed"))
    config = configuration()
    (folder / CONFIG).write_text(yaml.safe_dump(config))
    shutil.copytree(ROOT / "tests/data", folder / "data")
    (folder / "notes").mkdir()
    (folder / "witness").mkdir()
    (folder / "witness/sitecustomize.py").write_text(WITNESS)
    environment = {"PYTHONPATH": str(folder / "witness"), "NOTES": str(folder / "notes")}
    facts = [f"results/facts/{dataset}/facts.parquet" for dataset in ("cvdb", "set_inclusion", "modular")]
    archives = [f"results/archives/{study}.zip" for study in config["studies"]]
    snakemake("everything", "mechanisms", "pages", *archives, *facts, cwd=folder, **environment)
    # Without TensorBoard, which is optional, the script is watched as far as it gets.
    snakemake("tracking", cwd=folder, check=find_spec("tensorboard") is not None, **environment)
    # Any model that transformers saved will do.
    shutil.copytree(folder / "results/random_models/trex/random/seed0/model", folder / "data/model")
    snakemake("results/pretrained_models/local/model", cwd=folder, **environment)
    fetch = [sys.executable, "scripts/fetch_data.py", "--url", "file:data/cvdb.csv", "--data", "results/data"]
    subprocess.run(fetch, cwd=folder, env=os.environ | environment, check=True)
    return folder


@pytest.fixture(scope="module")
def calls(workspace):
    """The functions that each script entered, as module and name, with the module that called them."""
    calls: dict[str, set] = {}
    for note in (json.loads(path.read_text()) for path in (workspace / "notes").iterdir()):
        calls.setdefault(note["script"], set()).update(map(tuple, note["calls"]))
    return calls


def is_settings(module):
    return f"{module}.".startswith(f"{SETTINGS}.")


def is_excluded(module, function):
    return any(f"{module}.{function}.".startswith(f"{excluded}.") for excluded in EXCLUDED)


def test_every_script_was_watched(calls):
    assert sorted(calls) == SCRIPTS
    for script, called in calls.items():
        assert (script, "main") in {(module, function) for module, function, _ in called}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_fingerprint_covers_what_its_script_runs(workspace, calls, script):
    reached = reached_definitions(workspace / f"scripts/{script}.py")
    missed = {
        (module, function)
        for module, function, _ in calls[script]
        if (module, function.partition(".")[0]) not in reached
        and not is_excluded(module, function)
        and not is_settings(module)
    }
    assert missed == set()


def test_jobs_call_no_methods_of_settings_as_these_count_for_no_script(workspace, calls):
    called = {
        function
        for script, noted in calls.items()
        for module, function, caller in noted
        if is_settings(module)
        and caller
        and not is_settings(caller)
        and (module, function) not in reached_definitions(workspace / f"scripts/{script}.py")
    }
    assert called == set()
