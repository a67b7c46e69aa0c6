# Needs: the configuration. Makes: the typed settings, and what rules ask of them as functions of wildcards.

import os
import re
import shlex
import sys
from functools import cache
from pathlib import Path

sys.path.insert(0, str(ROOT / "scripts"))

from metaocl.artifacts.code_version import code_version as version_of
from metaocl.config.entry import ConfigError
from metaocl.config.layers import in_words, parse_layers, read_layers
from metaocl.config.parsing import canonical_json
from metaocl.planning.checks import (
    check_documents,
    check_images,
    check_inconsistent_definitions,
    check_mechanisms,
    check_plans,
    check_sizes,
    check_tag_letters,
    check_warm_ups,
)
from metaocl.planning.folders import check_results_folder
from metaocl.planning.judging import check_judged_files
from snakemake.pathvars import Pathvars

# Jobs run `python`; it must be the one that runs Snakemake, whether or not its environment is activated.
os.environ.update(
    PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()])
)

# Jobs keep the memory that they free instead of fetching it anew from the kernel in every step. On a CPU that saves a
# tenth of the time that SmolLM2-135M is trained, for a sixth more memory. A setting of the user's own stays.
os.environ.setdefault("MALLOC_MMAP_MAX_", "0")
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**40))

# The files and --config are read again, as Snakemake's own `config` lacks what a file extends.
try:
    layers = read_layers(
        [Path(file) for file in workflow.configfiles], workflow.config_settings.config
    )
    CONFIG_FILE = in_words(layers)
    settings = parse_layers(layers)
    check_judged_files(settings, CONFIG_FILE, REPOSITORY)
    check_documents(settings, CONFIG_FILE)
    check_warm_ups(settings, CONFIG_FILE)
    check_inconsistent_definitions(settings, CONFIG_FILE)
    check_tag_letters(settings, CONFIG_FILE)
    check_plans(settings, CONFIG_FILE)
    check_images(settings, CONFIG_FILE)
    check_sizes(settings, CONFIG_FILE)
    check_mechanisms(settings, CONFIG_FILE)
    check_results_folder(settings, layers, DEFAULT_CONFIG)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

# Snakemake shows all files in its reports, and finds the folder of results even where a file that is extended names it.
workflow.configfiles[:] = [layer.file for layer in layers if layer.file]
workflow.pathvars.update(
    Pathvars.from_config({"pathvars": settings.pathvars.model_dump()})
)


wildcard_constraints:
    dataset="|".join(map(re.escape, settings.datasets)),
    define_type="|".join(map(re.escape, settings.define_types)),
    model="|".join(map(re.escape, settings.models)),
    plan="|".join(map(re.escape, settings.plans)),
    study="|".join(map(re.escape, settings.studies)),
    seed=r"\d+",
    stage2_seed=r"\d+",
    stage=r"\d+",


@cache
def entry_json(section, name):
    """The settings of an entry, as JSON: one text for all jobs that have it as a parameter."""
    return canonical_json(getattr(settings, section)[name])


def settings_of(kind):
    """The settings of the wildcard's entry, as JSON: settings_of("dataset") looks {dataset} up in `datasets`."""
    section = "studies" if kind == "study" else f"{kind}s"
    return lambda wildcards: entry_json(section, getattr(wildcards, kind))


@cache
def stage_json(plan, number):
    """The settings of a stage of a plan, as JSON; number: 1, 2, … or -1 for the last."""
    stages = settings.plans[plan].stages
    return canonical_json(stages[number - 1 if number > 0 else number])


def code_version(script):
    """The version of a script's code: a parameter that no command uses, so that Snakemake sees the code change."""
    return version_of(ROOT / "scripts" / script)


def path_of(script):
    """A script as a command names it. Where that is counts for no plan: Snakemake compares no parameter that takes `input`."""
    path = shlex.quote(str(REPOSITORY / "scripts" / script))
    return lambda wildcards, input: path


def plan_stages(wildcards):
    """The stages of the wildcard's plan."""
    return settings.plans[wildcards.plan].stages
