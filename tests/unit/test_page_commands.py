"""Each command that a page shows names what there is: targets, scripts, options, configurations, studies, files.

Other tests plan or run them: the configurations' targets (test_dry_runs, test_paper_grid), docs/configuration.md's
(test_extended_configs), `make` and what it calls (.ci/run).
"""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from snakemake.cli import get_argument_parser

from metaocl.config.layers import parse_layers, read_layers

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOW = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow").rglob("*") if path.is_file())
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`((?:make|snakemake|python|bash|pip|conda) [^`]+)`")
WRITTEN = ("my.yaml", "few.yaml")  # by the reader, as docs/configuration.md has them

# By their beginnings: of these only the files that they name are looked for.
EXCEPTIONS = {
    "$EDITOR": "the reader's editor",
    "cd": "of the shell",
    "conda env create": "conda is not installed where tests run; test_cleanliness compares the versions",
    "cp": "of the shell",
    "hf upload": "needs an account; test_archive reads the cards as the hub's library does",
    "git clone": "the address is that of the reader's copy",
    "mkdir": "of the shell",
    "pip install": "`make` installs from the same files",
    "python -m zipfile": "no script; test_archive runs it",
    "python -c": "no script, and its file is of a finished run; test_records runs what `run.json` says",
    "rsync": "a cluster's name",
    "sha256sum": "of the shell; test_archive runs it",
    "squeue": "of a cluster, which tests/cluster starts",
    "tail": "of the shell",
    "tensorboard": "optional, and a server; test_tracking reads what it would show",
    "tmux": "of a cluster's login node",
    "wandb sync": "needs an account; test_offline_wandb reads what it would upload",
}


def commands(page: Path) -> list[str]:
    """What a page's blocks without a language hold, line by line, and what its text has between backticks."""
    text = page.read_text(encoding="utf-8")
    lines = [line for language, block in BLOCK.findall(text) if not language for line in block.splitlines()]
    lines += [" ".join(command.split()) for command in INLINE.findall(BLOCK.sub("", text))]
    return [command.strip() for line in lines for command in line.split(" && ") if command.strip()]


SHOWN = {command: page for page in PAGES for command in commands(page)}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The reader's own configurations by name, as docs/configuration.md has them."""
    folder = tmp_path_factory.mktemp("written")
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    for name, text in re.findall(r"```yaml\n# (\S+)\n(.*?)```", page, re.DOTALL):
        (folder / name).write_text(text.replace("extends: config/", f"extends: {ROOT}/config/"))
    return {name: folder / name for name in WRITTEN}


@pytest.mark.parametrize("command", SHOWN)
def test_a_command_names_what_there_is(files, command):
    words = shlex.split(command, comments=True)
    for word in (word.rpartition("=")[2] for word in words):
        if re.search(r"\.(ya?ml|txt|py|csv|ipynb)$", word) and not word.startswith("results/"):
            assert word in files or (ROOT / word).is_file(), f"{word} is not there"
    if any(command.startswith(beginning) for beginning in EXCEPTIONS):
        return
    assert words[0] in CHECKS, "give a block that is no commands a language, or list the command as an exception"
    CHECKS[words[0]](words[1:], files)


def check_make(words, _):
    targets = {
        target for names in re.findall(r"^([\w./ -]+):(?!=)", MAKEFILE, re.MULTILINE) for target in names.split()
    }
    variables = set(re.findall(r"^(\w+) *[:?]?=", MAKEFILE, re.MULTILINE))
    for word in words:
        name, is_setting, _ = word.partition("=")
        assert name in (variables if is_setting else targets)


def check_python(words, _):
    script = (ROOT / words[0]).read_text(encoding="utf-8")
    assert [word for word in words if word.startswith("--") and f'"{word}"' not in script] == []


def check_bash(words, _):
    assert (ROOT / words[0]).is_file()


def check_snakemake(words, files):
    arguments = get_argument_parser().parse_args(words)
    named = [files.get(str(file), ROOT / file) for file in arguments.configfile or ["config/config.yaml"]]
    settings = (setting.partition("=") for setting in arguments.config or ())
    given = {key: yaml.safe_load(value) for key, _, value in settings}  # as Snakemake reads them
    config = parse_layers(read_layers(named, given))
    for profile in [*(arguments.profile or ()), *filter(None, [arguments.workflow_profile])]:
        assert (ROOT / "workflow/profiles" / profile).is_dir()
    rules = set(re.findall(r"^rule (\w+):", WORKFLOW, re.MULTILINE))
    for target in arguments.targets:
        assert target in rules | config.studies.keys() or is_output(target, config.pathvars.results)


def is_output(target, results):
    """Whether a rule makes a file or folder of that name."""
    patterns = [re.sub(r"\{.*?\}", "\0", pattern) for pattern in re.findall(r'"<results>(/[^"]+)"', WORKFLOW)]
    return any(re.fullmatch(re.escape(f"{results}{pattern}").replace("\0", "[^/]+"), target) for pattern in patterns)


CHECKS = {"bash": check_bash, "make": check_make, "python": check_python, "snakemake": check_snakemake}


def test_commands_are_found_and_every_exception_is_needed():
    assert len(SHOWN) > 80
    for beginning in EXCEPTIONS:
        assert any(command.startswith(beginning) for command in SHOWN), beginning


@pytest.mark.parametrize(
    "command",
    [
        "make papper",
        "make status CONFG=my.yaml",
        "python scripts/tools/state.py my.yaml",
        "python scripts/tools/detectable_gaps.py results/gaps.parquet --seed 10",
        "bash .ci/test",
        "snakemake --configfile your.yaml",
        "snakemake main --configfile config/config.yaml",
        "snakemake --configfile my.yaml results/facts/people/guessability.csv",
        "snakemake results/facts/guessability.csv",
        "snakemake --config study=labtop",
        "snakemake --profile slrum",
        "snakemake --no-such-option",
        "hydrogen,1,gas,s",
    ],
)
def test_a_mistaken_command_is_found(files, command):
    with pytest.raises((AssertionError, OSError, ValueError, SystemExit)):
        test_a_command_names_what_there_is(files, command)
