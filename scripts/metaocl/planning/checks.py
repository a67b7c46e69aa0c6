"""What only several sections together tell to be a mistake, before anything runs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from itertools import product
from math import ceil

from metaocl.config.configuration import Config
from metaocl.config.define_types import DefineType
from metaocl.config.entry import ConfigError
from metaocl.config.measurements import (
    OF_PAIRS,
    GradientCosine,
    ReadoutOverlap,
    Steering,
    TagProbes,
    TagSemantics,
    Transplant,
)
from metaocl.config.plans import Stage
from metaocl.config.sources import Grids, Table, Trex
from metaocl.design.subsets import REAL_NAMES, Subset, apportion, split_by_truth
from metaocl.design.templates import MAIN_ORDER, template_of_order
from metaocl.planning.costs import stage_documents
from metaocl.planning.single_study import single_study

ROUNDING = 1.1  # shares and held-out questions come to whole numbers; a job knows exactly
MOST_TO_USUAL_QUESTIONS_OF_TREX = 5
LONGEST_ARGUMENT = 100_000  # bytes; Linux takes 131,072, and a command has more than its settings
ABOUT_ROWS = (ReadoutOverlap, Transplant, Steering)
OF_CAUSAL_MODELS = (Steering, TagProbes)
FEWEST_ALIASES_OF_A_PROBE = 5  # of either tag, for five folds
STEERED: tuple[Subset, ...] = ("d1consis", "d2consis")


def check_documents(config: Config, origin: str) -> None:
    """Raises ConfigError for a stage of a study without documents, whatever their questions are."""
    for dataset, define_type, place, stage in _trained(config):
        defined = config.define_types[define_type]
        if stage_documents(stage, config.datasets[dataset], defined) > 0:
            continue
        reason = f"the shares of data set {dataset} have no alias for them"
        if defined.placement == "in_context" and "questions" not in stage.documents:
            reason = f"with the placement in_context of {define_type} definitions stand before questions alone"
        raise ConfigError(f"{origin}: {place}.documents is {', '.join(stage.documents)}, but {reason}")


def check_warm_ups(config: Config, origin: str) -> None:
    """Raises ConfigError for a stage of a study that ends with its warm-up or before, whatever its documents are.

    Of a long table only the job that reads it knows how many questions there are.
    """
    for dataset_name, define_type, place, stage in _trained(config):
        dataset = config.datasets[dataset_name]
        if isinstance(dataset.source, Table) and dataset.source.questions is None:
            continue
        more = ROUNDING * (MOST_TO_USUAL_QUESTIONS_OF_TREX if isinstance(dataset.source, Trex) else 1)
        documents = stage_documents(stage, dataset, config.define_types[define_type])
        steps = stage.epochs * ceil(more * documents / stage.batch_size)
        if stage.warmup_steps >= steps:
            raise ConfigError(
                f"{origin}: {place}.warmup_steps is {stage.warmup_steps}; on {dataset_name} the stage ends after about "
                f"{steps} steps"
            )


def _trained(config: Config) -> Iterator[tuple[str, str, str, Stage]]:
    """The stages of all studies: data set, define type, its place in the configuration's file, and the stage."""
    studies = config.studies.values()
    for dataset, define_type, name in sorted(
        {c for s in studies for c in product(s.datasets, s.define_types, s.plans)}
    ):
        plan = config.plans[name]
        places = [f"plans.{plan.branch_of or name}.stages.{number}" for number in range(len(plan.stages))]
        if plan.branch_of:
            places[-1] = f"plans.{name}.stages.0"  # in a file a branch has its last stage alone
        for place, stage in zip(places, plan.stages, strict=True):
            yield dataset, define_type, place, stage


def check_inconsistent_definitions(config: Config, origin: str) -> None:
    """Raises ConfigError for a study with an inconsistent definition that has no other name to give."""
    studies = config.studies.values()
    for dataset, define_type in sorted({each for s in studies for each in product(s.datasets, s.define_types)}):
        data, alpha = config.datasets[dataset], config.define_types[define_type].alpha
        counts = apportion(data.variables or data.entities, data.shares)
        inconsistent = {
            "qd1": split_by_truth(counts.get("qd1", 0), alpha)[1],
            "qd2": split_by_truth(counts.get("qd2", 0), alpha)[0],
        }
        if alone := [subset for subset, count in inconsistent.items() if count == 1]:
            raise ConfigError(
                f"{origin}: define_types.{define_type}.alpha is {alpha:g}; of the {counts[alone[0]]} aliases of "
                f"{alone[0]} in data set {dataset} it leaves 1 with an inconsistent definition, which takes the name "
                "of another such: have none or two, with more entities, other shares or another alpha"
            )


def check_tag_letters(config: Config, origin: str) -> None:
    """Raises ConfigError for letters of tags where no study draws any: tags of one's own leave those of qd4consis."""
    studies = config.studies.values()
    pairs = [each for s in studies for each in product(s.define_types, s.datasets)]
    drawn = {define_type for define_type, dataset in pairs if config.datasets[dataset].shares.get("qd4consis")}
    usual = DefineType.model_fields["tag_letters"].default
    for name in sorted({define_type for define_type, _ in pairs} - drawn):
        defined = config.define_types[name]
        if defined.tags and defined.tag_letters != usual:
            raise ConfigError(
                f"{origin}: define_types.{name}.tag_letters is {defined.tag_letters}; its tags have texts of their "
                "own, and no data set of its studies has aliases of qd4consis, whose tags are drawn: leave it out"
            )


def check_sizes(config: Config, origin: str) -> None:
    """Raises ConfigError for a study whose settings no command holds: scripts get them as one argument."""
    for name in config.studies:
        settings = json.dumps(single_study(name, config), ensure_ascii=False)
        if (size := len(shlex.quote(settings).encode())) > LONGEST_ARGUMENT:
            raise ConfigError(
                f"{origin}: studies.{name}: the settings of its entries come to {size:,} bytes; a command holds "
                f"{LONGEST_ARGUMENT:,}: take fewer templates, words or tags"
            )


def check_plans(config: Config, origin: str) -> None:
    """Raises ConfigError for a study with adapters of a model that has not learnt anything yet, or with padding of one
    that has none."""
    for name, study in config.studies.items():
        for model, plan in product(study.models, study.plans):
            stages, settings = config.plans[plan].stages, config.models[model]
            where = f"{origin}: studies.{name}: plan {plan}"
            if settings.pretrained is None and any(stage.lora for stage in stages):
                raise ConfigError(f"{where} with lora is for pretrained models, which {model} is not")
            if settings.architecture == "t5" and any(stage.padded_length for stage in stages):
                raise ConfigError(f"{where} with padded_length is for causal models, which {model} is not")


def check_mechanisms(config: Config, origin: str) -> None:
    """Raises ConfigError for an intervention or a measurement that some cell of a study has nothing for."""
    for name, study in config.studies.items():
        where = f"{origin}: studies.{name}"
        for define_type, model, plan in product(study.define_types, study.models, study.plans):
            stage, defined = config.plans[plan].stages[-1], config.define_types[define_type]
            about_rows = stage.trained != "all" or stage.project_rows is not None
            if about_rows and (lack := _lack_of_rows(config, model, define_type)):
                raise ConfigError(f"{where}: plan {plan} {lack}")
            if (stage.tags != "own" or study.paired) and not _has_tags(defined):
                what = "paired" if study.paired else f"plan {plan} with tags: {stage.tags}"
                raise ConfigError(f"{where}: {what} needs definitions with tags, on their own; {define_type} has none")
        for cell in product(study.measurements, study.define_types, study.models, study.datasets):
            if obstacle := _obstacle(config, study.paired, *cell):
                raise ConfigError(f"{where}.measurements: {cell[0]} {obstacle}")
        for measurement, plan in product(study.measurements, study.plans):
            tags = config.plans[plan].stages[-1].tags
            if isinstance(config.measurements[measurement], GradientCosine) and tags != "own":
                raise ConfigError(
                    f"{where}.measurements: {measurement} is of definitions with their own tags; plan {plan} trains "
                    f"them with tags: {tags}"
                )


def check_images(config: Config, origin: str) -> None:
    """Raises ConfigError for a study in which a network of images would get what no picture shows."""
    for name, study in config.studies.items():
        for model, dataset, define_type, plan in product(study.models, study.datasets, study.define_types, study.plans):
            if config.models[model].convnet and (unfit := _unfit_for_images(config, model, dataset, define_type, plan)):
                raise ConfigError(f"{origin}: studies.{name}: {model} reads images; {unfit}")


def _unfit_for_images(config: Config, model: str, dataset: str, define_type: str, plan: str) -> str | None:
    """What in a cell has no picture, and what to write instead; None if all has one."""
    convnet, data, defined = config.models[model].convnet, config.datasets[dataset], config.define_types[define_type]
    if not isinstance(data.source, Grids):
        return f"data set {dataset} needs the source grids"
    if convnet and data.source.letters > convnet.letters:
        return f"its {convnet.letters} letters are fewer than the {data.source.letters} of data set {dataset}"
    if data.test_sets or data.shares.get(REAL_NAMES):
        return f"data set {dataset} needs test_sets: [] and no share to {REAL_NAMES}"
    if (defined.alias_style, defined.alias_letters) != ("digits", 9):
        return f"define type {define_type} needs alias_style: digits and alias_letters: 9"
    if defined.forms() != [template_of_order(MAIN_ORDER)] or defined.placement != "apart":
        return f"define type {define_type} needs order: {MAIN_ORDER}, no templates and placement: apart"
    for number, stage in enumerate(config.plans[plan].stages):
        about_texts = {"embedding_learning_rate": stage.embedding_learning_rate, "padded_length": stage.padded_length}
        about_texts |= {"loss_on": stage.loss_on != "sequence", "outputs": stage.outputs != "vocabulary"}
        if idle := [key for key, given in about_texts.items() if given]:
            return f"plan {plan}, stage {number}: {', '.join(idle)} is about texts: leave it out"
    return None


def _obstacle(config: Config, paired: bool, measurement: str, define_type: str, model: str, dataset: str) -> str | None:
    """Why something cannot be measured, if it cannot."""
    settings, defined, data = (
        config.measurements[measurement],
        config.define_types[define_type],
        config.datasets[dataset],
    )
    if isinstance(settings, OF_PAIRS) and not paired:
        return "compares runs with their twins; the study has not paired: true"
    if not _has_tags(defined):
        return f"needs definitions with tags, on their own; {define_type} has none"
    if isinstance(settings, ABOUT_ROWS) and (lack := _lack_of_rows(config, model, define_type)):
        return lack
    if isinstance(settings, OF_CAUSAL_MODELS) and config.models[model].architecture == "t5":
        return f"is for causal models; {model} is an encoder-decoder"
    if isinstance(settings, (TagSemantics, ReadoutOverlap)) and any(_ends_otherwise(form) for form in defined.forms()):
        return f"needs definitions that end with the entity; those of {define_type} do not"
    counts = apportion(data.variables or data.entities, data.shares)
    fewest = min(split_by_truth(counts.get(subset, 0), defined.alpha)[0] for subset in ("qd1", "qd2"))
    if isinstance(settings, Steering) and (lacking := [each for each in STEERED if not counts.get(each)]):
        return f"needs aliases of {' and '.join(STEERED)}; {dataset} has none of {' and '.join(lacking)}"
    if isinstance(settings, TagProbes) and fewest < FEWEST_ALIASES_OF_A_PROBE:
        return f"needs {FEWEST_ALIASES_OF_A_PROBE} aliases of qd1consis and of qd2incons; {dataset} has {fewest}"
    return None


def _lack_of_rows(config: Config, model: str, define_type: str) -> str | None:
    """Why an alias has no embedding row of its own, if it has none."""
    about = "is about the embedding rows of aliases; "
    if config.models[model].convnet:
        return f"{about}model {model}, a network of images, has none"
    if config.models[model].pretrained or config.define_types[define_type].alias_style == "spaced":
        return f"{about}those of {define_type} have several tokens with model {model}"
    return None


def _has_tags(define_type: DefineType) -> bool:
    return define_type.placement == "apart" and all("{tag}" in form for form in define_type.forms())


def _ends_otherwise(form: str) -> bool:
    return max(("{tag}", "{variable}", "{entity}"), key=form.rfind) != "{entity}"
