"""Bring a pretrained model into the form that training jobs load: safetensors weights, configuration, tokenizer."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import snapshot_download

from metaocl.artifacts.checksums import file_hash, packaged_file
from metaocl.artifacts.provenance import describe_run
from metaocl.artifacts.publishing import published
from metaocl.artifacts.tables import write_json
from metaocl.commands import command_parser, run_command
from metaocl.config.models import Pretrained
from metaocl.text.models import add_trials, save_model
from metaocl.text.pretrained import load_pretrained
from metaocl.text.trials import describe_abilities


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--pretrained", type=Pretrained.from_argument, required=True, help="settings, as JSON")
    parser.add_argument("--model", type=Path, required=True, help="folder to write: weights, configuration, tokenizer")
    parser.add_argument("--run", type=Path, required=True, help="JSON to write: what made the model")
    arguments = parser.parse_args()

    source: Pretrained = arguments.pretrained
    model, tokenizer = load_pretrained(source)
    with published(arguments.model, arguments.run) as (model_place, run_place):
        save_model(model, tokenizer, model_place)
        abilities = describe_abilities(model.float())  # the precision that it is trained in
        add_trials(model, model_place)
        made_of = {"pretrained": source.model_dump(mode="json"), "weights": _weights(source)}
        measured = {"parameters": model.num_parameters(), "tokens": len(tokenizer), "abilities": abilities}
        write_json(describe_run(made_of, **measured), run_place)


def _weights(source: Pretrained) -> dict[str, str]:
    """The SHA-256 of each file that weights are read from, by its name."""
    if source.package and source.file:
        files = [packaged_file(source.package, source.file)]
    elif source.folder:
        files = sorted(Path(source.folder).glob("*.safetensors"))
    else:
        cached = snapshot_download(str(source.hub), revision=source.revision, local_files_only=True)
        files = sorted(Path(cached).glob("*.safetensors"))
    return {file.name: file_hash(file) for file in files}


if __name__ == "__main__":
    run_command(main)
