"""Write config/README.md and the configuration's JSON schema from its types; with --check, say whether they agree."""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_core import PydanticUndefined

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.config.configuration import Config
from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType, Tags
from metaocl.config.entry import Entry
from metaocl.config.handwriting import Images, Mnist
from metaocl.config.measurements import (
    Alignment,
    GradientCosine,
    QuestionLoss,
    ReadoutOverlap,
    Steering,
    TagProbes,
    TagSemantics,
    Transplant,
)
from metaocl.config.models import BaseTraining, ConvNet, ConvNextV2, Model, Pretrained
from metaocl.config.plans import Lora, Plan, RowProjection, Stage
from metaocl.config.sources import Cvdb, Grids, Hub, Modular, SetInclusion, Table, Trex
from metaocl.config.studies import Study

ROOT = Path(__file__).parents[2]
INTRODUCTION = """# The configuration

`config.yaml` is the laptop study; `snakemake --configfile FILE` runs another file instead: `cities.yaml` a pretrained
model, `mnist_qa.yaml` images of digits, `mnist.yaml` the same on MNIST's own for a GPU (never run), `mechanisms.yaml`
and `mechanisms_vision.yaml` what is behind meta-OCL, `laptop_paper.yaml` the paper's text experiments on small models,
`paper.yaml` and `twins.yaml` all studies of the paper. A study
names entries of `datasets`, `define_types`, `models` and `plans` and lists seeds; every combination is a cell. Names
of entries are slugs: lower-case letters, digits, `_`, `.` and `-`. Everything is checked before anything runs. Shares
may be written as `0.25` or `1/4`. A file of your own may hold only what differs from another one, which it
`extends`: [docs/configuration.md](../docs/configuration.md) shows the layers. This page is made from
`scripts/metaocl/config/` by `scripts/tools/document_config.py`.
"""


class File(Config):
    """The whole configuration."""

    extends: str | None = Field(
        default=None,
        description="Another configuration, by its path from this file's folder, whose keys hold where this file gives "
        "no others: mappings are laid over each other key by key, lists and values replace, and null takes away.",
    )


SECTIONS: list[tuple[str, type[Entry]]] = [
    ("The file", File),
    ("`studies.<name>`", Study),
    ("`datasets.<name>`", Dataset),
    ("`datasets.<name>.source`, kind `cvdb`", Cvdb),
    ("`datasets.<name>.source`, kind `trex`", Trex),
    ("`datasets.<name>.source`, kind `table`", Table),
    ("`datasets.<name>.source.hub`", Hub),
    ("`datasets.<name>.source`, kind `set_inclusion`", SetInclusion),
    ("`datasets.<name>.source`, kind `modular`", Modular),
    ("`datasets.<name>.source`, kind `grids`", Grids),
    ("`define_types.<name>`", DefineType),
    ("`define_types.<name>.tags`", Tags),
    ("`models.<name>`", Model),
    ("`models.<name>.pretrained`", Pretrained),
    ("`models.<name>.convnet`", ConvNet),
    ("`models.<name>.convnet.convnextv2`", ConvNextV2),
    ("`models.<name>.convnet.handwriting`, kind `mnist`", Mnist),
    ("`models.<name>.convnet.handwriting`, kind `images`", Images),
    ("`models.<name>.base_training`", BaseTraining),
    ("`plans.<name>`", Plan),
    ("`plans.<name>.stages[]`", Stage),
    ("`plans.<name>.stages[].project_rows`", RowProjection),
    ("`plans.<name>.stages[].lora`", Lora),
    ("`measurements.<name>`, kind `alignment`", Alignment),
    ("`measurements.<name>`, kind `gradient_cosine`", GradientCosine),
    ("`measurements.<name>`, kind `readout_overlap`", ReadoutOverlap),
    ("`measurements.<name>`, kind `tag_semantics`", TagSemantics),
    ("`measurements.<name>`, kind `tag_probes`", TagProbes),
    ("`measurements.<name>`, kind `question_loss`", QuestionLoss),
    ("`measurements.<name>`, kind `transplant`", Transplant),
    ("`measurements.<name>`, kind `steering`", Steering),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    check = parser.parse_args().check
    pages = {
        ROOT / "config" / "README.md": "\n".join(
            [INTRODUCTION, *(_section(title, entry) for title, entry in SECTIONS)]
        ),
        ROOT / "workflow" / "schemas" / "config.schema.json": json.dumps(_schema(), indent=2, sort_keys=True) + "\n",
    }
    stale = [path for path, text in pages.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if check and stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"out of date, run scripts/tools/document_config.py: {names}")
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")


def _schema() -> dict[str, Any]:
    """The schema of a whole file or, where it extends another, of one in which any key may be left out, or be null."""
    whole, part = Config.model_json_schema(), _in_parts(File.model_json_schema())
    part["properties"]["extends"] = {"type": "string", "description": File.model_fields["extends"].description}
    part = json.loads(json.dumps(part).replace("#/$defs/", "#/$defs/PartOf"))
    definitions = whole.pop("$defs") | {f"PartOf{name}": entry for name, entry in part.pop("$defs").items()}
    return {"$defs": definitions, "if": {"required": ["extends"]}, "then": part, "else": whole}


def _in_parts(schema: Any) -> Any:
    """A schema that asks for no key, and takes null for any."""
    if isinstance(schema, list):
        return [_in_parts(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    # An entry whose `kind` is left out may be of several.
    loose = {"anyOf" if key == "oneOf" else key: _in_parts(value) for key, value in schema.items() if key != "required"}
    for keys in ("properties", "patternProperties"):
        if isinstance(values := loose.get(keys), dict):
            loose[keys] = {key: _or_null(value) for key, value in values.items()}
    if others := loose.get("additionalProperties"):
        loose["additionalProperties"] = _or_null(others)
    return loose


def _or_null(schema: Any) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _section(title: str, entry: type[Entry]) -> str:
    properties = entry.model_json_schema()["properties"]
    lines = [
        f"## {title}\n",
        f"{inspect.cleandoc(str(entry.__doc__))}\n",
        "| key | value | default | meaning and unit |",
        "|---|---|---|---|",
    ]
    for key, field in entry.model_fields.items():
        cells = [f"`{key}`", _values(properties[key]), _default(field.default), str(field.description)]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _values(schema: dict[str, Any]) -> str:
    """What a key may hold, in words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_values(option) for option in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        items = schema.get("items", schema.get("prefixItems", [{}])[0])
        return f"list of {_values(items)}" if isinstance(items, dict) else "list"
    if "$ref" in schema:
        return "see below"
    if schema.get("type") == "object":
        return "table"
    limits = [
        f"{sign} {schema[name]}"
        for name, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
        if name in schema
    ]
    names = {"null": "nothing", "string": "text", "integer": "whole number", "boolean": "true or false"}
    return " ".join([names.get(schema.get("type", ""), schema.get("type", "text")), ", ".join(limits)]).strip()


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "(required)"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_default(share)}" for key, share in value.items()) or "(empty)"
    return "(none)" if value is None else f"`{value}`"


if __name__ == "__main__":
    main()
