"""Plain Parquet: one sample a row, its columns as their author named them."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.core.unpacked_files import MIB, damaged, on_position
from workbench.interchange.readers.records import LocatedRecord

ROWS = 64
"""Rows in memory at a time; few, because one row may hold all samples of a problem."""


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the rows of a file; ValueError if it is damaged."""
    number = 0
    try:
        # Arrow's default keeps all that it has read until the end: the whole file
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=MIB) as file:
            rows, size, report = file.metadata.num_rows, path.stat().st_size, on_position.get()
            for batch in file.iter_batches(ROWS):
                if report:
                    report(path, size * number // rows)
                for number, row in enumerate(batch.to_pylist(), start=number + 1):  # noqa: B020
                    yield f"row {number}", row
    except (pa.ArrowException, OSError) as fault:
        raise damaged(path, f"cannot be read beyond row {number}", fault) from fault
