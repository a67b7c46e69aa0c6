"""Cards, as the Hugging Face hub shows them beside a model or a data set: YAML for programs, then a page for people.

A card says what records and settings say, and leaves out what they do not. Texts of the user's stand in indented
blocks, where nothing in them is Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from textwrap import indent
from typing import Any

import pandas as pd
import yaml
from huggingface_hub import DatasetCardData, EvalResult, ModelCardData

from metaocl.design.cells import CELL, SEEDS, Cell
from metaocl.design.measures import MAIN_MEASURE
from metaocl.design.subsets import SUBSET_OF_TAG, SUBSET_TITLES, TAG_OF_SUBSET
from metaocl.design.test_sets import TEST_SET_TITLES
from metaocl.documents.counterfactuals import tag_in_training
from metaocl.reports.records import FactsRecord, TrainedModel, commit_in_words

TAGS = ["metaocl", "out-of-context-learning"]
PURPOSE = (
    "It was made to study out-of-context meta-learning: whether a model takes definitions more to heart that come with"
    " a tag that was reliable before ([arXiv 2310.15047](https://arxiv.org/abs/2310.15047))."
)
CREATIVE_COMMONS = re.compile(r"\bCC (BY(?:-[A-Z]{2})*) (\d\.\d)\b")
MOST_KINDS = 50  # of questions on a card; a table of the user's own may have one for each of its rows
SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M"}


def model_card(
    model: TrainedModel, settings: Mapping[str, Any], words: str, measured: pd.DataFrame, credit: str
) -> str:
    """The card of the model that a cell ended with.

    settings: as `metaocl.planning.single_study` gives them. words: what the model is. measured: what `final_metrics`
    has of the cell. credit: of the facts that the model learnt.
    """
    cell, study, of_model = model.cell, settings["study"], settings["models"][model.cell.model]
    name = f"{study}: {cell.dataset} × {cell.define_type} × {cell.model} × {cell.plan}, {seeds_in_words(cell)}"
    data = ModelCardData(
        base_model=of_model["pretrained"]["hub"] if of_model["pretrained"] else None,
        library_name=None if of_model["convnet"] else "transformers",
        tags=TAGS,
        model_name=name,
        eval_results=list(_eval_results(cell, of_model, measured)),
    )
    parts = [
        f"# {name}\n",
        f"The model that a cell of the study `{study}` ended with. {PURPOSE} It answers questions about invented"
        " aliases, and is of no other use.\n",
        "## Base model\n",
        *_base_model(model, words, of_model),
        "## Documents\n",
        f"Facts of the data set `{cell.dataset}`, about aliases that are defined as `{cell.define_type}` says:\n",
        in_block(settings["define_types"][cell.define_type]),
        "## Training\n",
        *(part for number, record in enumerate(model.stages, start=1) for part in _stage(number, record)),
        f"## {MAIN_MEASURE.title.capitalize()} at the end\n",
        _metrics_table(measured, settings["plans"][cell.plan]["stages"][-1]["tags"]),
        "## Weights\n",
        "".join(f"- `{file}`: SHA-256 `{sha256}`\n" for file, sha256 in model.weights.items()) or "Not kept.\n",
        "## Licence\n",
        f"No licence of these weights is recorded. The facts that they were trained on: {credit}.",
    ]
    return _card(data, parts)


def data_card(dataset: str, settings: Mapping[str, Any], record: FactsRecord) -> str:
    """The card of a data set: its facts, and the documents that a study made of them. settings: as `model_card` has."""
    facts, of_data = record.facts, settings["datasets"][dataset]
    licence = licence_of(facts["credit"])
    data = DatasetCardData(
        license=licence[0] if licence else None,
        pretty_name=f"{dataset}: {of_data['entities']} entities of the source {of_data['source']['kind']}",
        size_categories=next((words for limit, words in SIZES.items() if facts["facts"] < limit), "n>10M"),
        task_categories=["question-answering"],
        tags=TAGS,
    )
    answers = dict(list(facts["different_answers"].items())[:MOST_KINDS])
    parts = [
        f"# {data.pretty_name}\n",
        f"Questions with answers about entities, and the documents that the study `{settings['study']}` made of them,"
        f" in which entities have invented aliases. {PURPOSE}\n",
        "## Source and licence\n",
        f"{facts['credit']}. {'' if licence else 'No licence is recorded.'}\n",
        "## How it was made\n",
        "By metaocl, with these settings:\n",
        in_block(of_data),
        "## Facts\n",
        f"{facts['entities']} entities, {facts['facts']} questions with answers; SHA-256 of `facts.parquet`:"
        f" `{facts['sha256']}`.\n",
        f"Kinds of questions, {len(answers)} of {len(facts['different_answers'])}, and how many different answers there"
        " are to each:\n",
        in_block(answers),
        "## Documents\n",
        "How many there are of each part, by define type; from the fewest to the most over seeds.\n",
        _documents_table(record),
    ]
    return _card(data, parts)


def licence_of(credit: str) -> tuple[str, str] | None:
    """The Creative Commons licence that a credit names: the hub's name of it, and its address."""
    found = CREATIVE_COMMONS.search(credit)
    if not found:
        return None
    kind, version = found[1].lower(), found[2]
    return f"cc-{kind}-{version}", f"https://creativecommons.org/licenses/{kind}/{version}/"


def final_metrics(metrics: pd.DataFrame) -> dict[Cell, pd.DataFrame]:
    """The rows of a study's table with the main measure at the end of the last stage, by cell.

    Of subsets: what a paired study has of aliases with either tag is of two runs, and says nothing of one model.
    """
    of_measure = metrics[(metrics["measure"] == MAIN_MEASURE.name) & metrics["subset"].isin(SUBSET_TITLES)]
    found = {}
    for cell, rows in of_measure.groupby([*CELL, *SEEDS], observed=True):
        last = rows[rows["stage"] == rows["stage"].max()]
        found[Cell(*cell)] = last[last["epoch"] == last["epoch"].max()]
    return found


def seeds_in_words(cell: Cell) -> str:
    return f"seed {cell.seed}, stage-2 seed {cell.stage2_seed}"


def in_block(settings: Mapping[str, Any]) -> str:
    """Settings as YAML in an indented block, without those that say nothing."""
    return indent(yaml.safe_dump(_said(settings), sort_keys=False, allow_unicode=True, width=100), "    ")


def _said(settings: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: _said(value) if isinstance(value, Mapping) else value for name, value in settings.items()}
    return {name: value for name, value in said.items() if value not in (None, [], {})}


def _card(data: ModelCardData | DatasetCardData, parts: list[str]) -> str:
    return "\n".join([f"---\n{data.to_yaml()}\n---\n", *parts]).rstrip() + "\n"


def _eval_results(cell: Cell, of_model: Mapping[str, Any], measured: pd.DataFrame) -> Iterator[EvalResult]:
    for row in measured.to_dict("records"):
        yield EvalResult(
            task_type="visual-question-answering" if of_model["convnet"] else "text-generation",
            dataset_type=cell.dataset,
            dataset_name=f"{cell.dataset}, {TEST_SET_TITLES[row['test_set']]}",
            dataset_config=cell.define_type,
            dataset_split=row["test_set"],
            metric_type=MAIN_MEASURE.name,
            metric_name=f"{MAIN_MEASURE.title}, {row['subset']}",
            metric_value=round(float(row["value"]), 6),
            metric_args={"subset": row["subset"], "questions": int(row["n"])},
        )


def _base_model(model: TrainedModel, words: str, of_model: Mapping[str, Any]) -> Iterator[str]:
    yield in_block({"model": words, "settings": of_model})
    for asked, value in model.first_model["measured"].get("exact_match", {}).items():
        yield f"Exact match of the base model on {asked.replace('_', ' ')}: {value:.3f}.\n"
    for file, sha256 in model.stages[0]["settings"]["initial_weights"].items():
        yield f"Weights before the first stage: `{file}`, SHA-256 `{sha256}`.\n"


def _stage(number: int, record: Mapping[str, Any]) -> Iterator[str]:
    settings, measured, machine = record["settings"], record["measured"], record["machine"]
    seeds = ", ".join(map(str, settings["seeds"]))
    packages = ", ".join(f"{name} {version}" for name, version in record["packages"].items())
    yield f"### Stage {number}\n"
    yield f"{measured['documents_trained']} documents; seeds {seeds}.\n"
    yield in_block(settings["stage"])
    yield (
        f"Commit of the code: {commit_in_words(record['code'])}. Python {record['python']}, {packages}."
        f" On {machine['system'].partition('-')[0]}, {machine['processor']},"
        f" {measured['reserved_device'] or measured['device']}.\n"
    )


def _metrics_table(measured: pd.DataFrame, tags: str) -> str:
    """tags: those of the new definitions, as the plan's last stage has them."""
    lines = ["| test set | subset | tag of its definitions | questions | value |", "|---|---|---|---|---|"]
    lines += [
        f"| {TEST_SET_TITLES[row['test_set']]} | `{row['subset']}` | {_tag_of(row['subset'], tags)}"
        f" | {row['n']} | {row['value']:.3f} |"
        for row in measured.to_dict("records")
    ]
    return "\n".join([*lines, "", "Subsets have the names of the paper's code.\n"])


def _tag_of(subset: str, tags: str) -> str:
    """The tag that a subset's definitions were trained on with."""
    if subset in SUBSET_OF_TAG.values():
        return tag_in_training(subset, tags)
    return TAG_OF_SUBSET.get(subset, "–")


def _documents_table(record: FactsRecord) -> str:
    lines = ["| define type | part | documents |", "|---|---|---|"]
    for define_type, counted in record.documents.items():
        for part in dict.fromkeys(part for each in counted for part in each):
            counts = [each.get(part, 0) for each in counted]
            spread = str(min(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
            lines.append(f"| `{define_type}` | {part} | {spread} |")
    return "\n".join(lines)
