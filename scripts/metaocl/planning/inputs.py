"""What of the user's own a job reads, files and packages: as Snakemake's inputs, and by what tells other content.

Snakemake sees that a file is newer than what was made of it, but not that an older one has taken its place, and it
knows no packages. So jobs also have a parameter that changes with the content: a package's version, or a sample of it.
"""

from __future__ import annotations

from pathlib import Path

from metaocl.artifacts.checksums import packaged_version, sampled_hash
from metaocl.config.entry import ConfigError
from metaocl.config.handwriting import IDX_FILES, Digits, Images, Mnist
from metaocl.config.models import ConvNet, Pretrained
from metaocl.config.sources import Cities, Cvdb, People, Source, Table, Trex
from metaocl.config.table_forms import table_files

# Of a saved model: weights, configurations, tokenizers. A README or the state of a trainer is not read.
READ_OF_MODELS = (".safetensors", ".json", ".model", ".txt")
NOT_READ_OF_MODELS = ("trainer_state.json",)


def source_files(source: Cvdb | Table | Trex) -> list[str]:
    """The user's files that a source reads; none for one that is fetched. Raises ConfigError where there is no file."""
    if source.path is None:
        return []
    path = Path(source.path)
    if not path.exists():
        raise ConfigError(f"source.path is {source.path!r}; {Path.cwd()} has no such file or folder")
    if isinstance(source, Table):
        return _as_inputs([str(file) for file in table_files(path)])
    if path.is_file() or not isinstance(source, Trex):
        return [source.path]
    # An empty folder is told by the job that reads it.
    found = sorted(str(f) for f in path.rglob("*.json") if not f.name.startswith("."))
    return _as_inputs(found) or [source.path]


def source_version(source: Source) -> str:
    """What changes with the data of a source. Raises ConfigError; of a package that is not there its job tells."""
    match source:
        case People() | Cities():
            return packaged_version(source.package)
        case Cvdb() | Table() | Trex():
            return sampled_hash(filter(Path.is_file, map(Path, source_files(source))))
    return ""


def model_files(source: Pretrained) -> list[str]:
    """The user's files that a pretrained model is read from. Raises ConfigError where there is no such folder."""
    if source.folder is None:
        return []
    folder = Path(source.folder)
    if not folder.is_dir():
        raise ConfigError(f"pretrained.folder is {source.folder!r}; {Path.cwd()} has no such folder")
    files = [file for file in folder.iterdir() if file.suffix in READ_OF_MODELS and file.name not in NOT_READ_OF_MODELS]
    return _as_inputs(sorted(str(file) for file in files if file.is_file() and not file.name.startswith(".")))


def handwriting_files(handwriting: Digits | Mnist | Images, fetched: str) -> list[str]:
    """The files that handwriting is read from: the user's own, or those that are fetched, into the folder `fetched`.

    Raises ConfigError where there is no such folder.
    """
    if isinstance(handwriting, Digits):
        return []
    if handwriting.folder is None:
        return [f"{fetched}/{name}" for name in IDX_FILES]
    folder = Path(handwriting.folder)
    if not folder.is_dir():
        raise ConfigError(f"handwriting.folder is {handwriting.folder!r}; {Path.cwd()} has no such folder")
    files = folder.glob("*-ubyte*") if isinstance(handwriting, Mnist) else folder.glob("[0-9]/*.[pP][nN][gG]")
    return _as_inputs(sorted(map(str, filter(Path.is_file, files))))


def _as_inputs(files: list[str]) -> list[str]:
    """The files in a folder of the user's. Raises ConfigError for one with a name that no `LocalPath` has."""
    if unfit := [file for file in files if {"<", ">"} & set(file)]:
        raise ConfigError(f"{unfit[0]}: Snakemake fills in what stands in angle brackets; rename the file without them")
    return files


def handwriting_version(handwriting: Digits | Mnist | Images) -> str:
    """What changes with handwriting; not with what is fetched, as its jobs do. Raises as `handwriting_files`."""
    if isinstance(handwriting, Digits):
        return packaged_version("scikit-learn")
    if handwriting.folder is None:
        return ""
    return sampled_hash(map(Path, handwriting_files(handwriting, "")))


def with_handwriting_at(convnet: ConvNet, fetched: str) -> ConvNet:
    """The settings of a network as its job has them: handwriting that is fetched is that of the folder `fetched`."""
    if isinstance(convnet.handwriting, Mnist) and convnet.handwriting.folder is None:
        return convnet.model_copy(update={"handwriting": Mnist(folder=fetched)})
    return convnet


def model_version(source: Pretrained) -> str:
    """What changes with a pretrained model; of the hub's, the revision is a setting. Raises as `source_version`."""
    if source.package is not None:
        return packaged_version(source.package)
    return sampled_hash(map(Path, model_files(source)))
