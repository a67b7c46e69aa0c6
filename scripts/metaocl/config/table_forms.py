"""The files of a table of the user's own: what they are, by the ends of their names."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from metaocl.config.entry import ConfigError

TableForm = Literal["csv", "json", "parquet"]
TABLE_FORMS: dict[str, TableForm] = {".csv": "csv", ".csv.gz": "csv", ".jsonl": "json", ".parquet": "parquet"}


def form_of(name: str) -> TableForm:
    """What a file of that name is, or at that address, by the end of its path. Raises ValueError for another end."""
    path = urlsplit(name).path if name.startswith(("http://", "https://")) else name
    for ending, form in TABLE_FORMS.items():
        if path.lower().endswith(ending):
            return form
    raise ValueError(f"{name} ends with none of {', '.join(TABLE_FORMS)}")


def table_files(path: Path) -> list[Path]:
    """The files of a table in their order: the file itself or, of a folder, those in it, sorted by name.

    Hidden files, and those that a writer of shards leaves beside them (`_SUCCESS`), are none of them. Raises
    ConfigError for a folder that holds nothing else, something else, or files of two forms.
    """
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if not file.name.startswith((".", "_")))
    if not files or any(file.is_dir() for file in files):
        raise ConfigError(f"{path}: has {'folders' if files else 'no files'} in it; expected files of a table alone")
    try:
        of_form = {form_of(str(file)): file.name for file in files}
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if len(of_form) > 1:
        raise ConfigError(f"{path}: has {' beside '.join(of_form.values())}; the files of one table are of one form")
    return files
