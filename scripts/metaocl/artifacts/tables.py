"""Tables of dataclass rows and Arrow tables as parquet, and JSON: the same content gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as parquet

from metaocl.artifacts.publishing import ArtifactError

Row = TypeVar("Row")


def write_rows(rows: Sequence[Any], kind: type, path: Path) -> None:
    """Write dataclass instances of `kind` as parquet, one column per field; the same rows give the same bytes."""
    columns = {field.name: [getattr(row, field.name) for row in rows] for field in fields(kind)}
    write_table(pa.table(columns), path)


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """What `write_rows` wrote. Raises ArtifactError."""
    table = read_table(path)
    wanted = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if table.column_names != wanted:
        raise ArtifactError(f"{path}: has columns {', '.join(table.column_names)}; expected {', '.join(wanted)}")
    return [kind(**row) for row in table.to_pylist()]


def write_table(table: pa.Table, path: Path) -> None:
    """Write an Arrow table as parquet, with checksums: without them a changed byte may read as another text."""
    parquet.write_table(table, path, compression="zstd", write_page_checksum=True)


def read_table(path: Path) -> pa.Table:
    """Read an Arrow table from parquet. Raises ArtifactError."""
    try:
        # ParquetFile, as read_table would first import pandas.
        return parquet.ParquetFile(path, page_checksum_verification=True).read()
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(f"{path}: cannot be read as parquet: {error}; delete it and run again") from None


def write_json(content: Any, path: Path) -> None:
    """Write sorted, indented JSON; not-a-number is an error, as other programs could not read it."""
    path.write_text(
        json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )


def read_json(path: Path) -> Any:
    """What `write_json` wrote. Raises ArtifactError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: cannot be read as JSON: {error}; delete it and run again") from None
