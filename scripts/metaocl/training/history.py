"""What every optimizer step of a stage did, a row for each."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

# gradient_norm: before clipping. tokens: those that the loss is the mean over (of another modality, what stands for
# them). seconds: of the step with its batch; on a GPU, until the work was handed over.
SCHEMA = pa.schema(
    [
        ("step", pa.int32()),
        ("epoch", pa.int32()),
        ("loss", pa.float32()),
        ("gradient_norm", pa.float32()),
        ("learning_rate", pa.float64()),
        ("tokens", pa.int32()),
        ("seconds", pa.float32()),
    ]
)


class History:
    """Rows with the columns of SCHEMA; a step's values may come at several times, each column's in the steps' order."""

    def __init__(self, table: pa.Table | None = None) -> None:
        self.columns: dict[str, list[Any]] = (table or SCHEMA.empty_table()).to_pydict()

    def add(self, **values: float) -> None:
        """The next step's values, by column."""
        for name, value in values.items():
            self.columns[name].append(value)

    def table(self) -> pa.Table:
        """All steps; every column must have as many values."""
        return pa.table(self.columns, SCHEMA)
