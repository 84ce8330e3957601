"""The rows of a file in whatever container they are: JSONL, JSON, CSV, TSV or Parquet."""

from collections.abc import Callable, Iterator
from pathlib import Path

from workbench.interchange.readers import delimited, json_rows, jsonl, parquet
from workbench.interchange.readers.file_beginning import read_beginning
from workbench.interchange.readers.records import LocatedRecord

CONTAINERS: dict[str, Callable[[Path], Iterator[LocatedRecord]]] = {
    "parquet": parquet.read, "csv": delimited.read, "json": json_rows.read, "lines": jsonl.read,
}  # fmt: skip
"""``FileBeginning.kind`` -> reader."""


def read_rows(path: Path) -> Iterator[LocatedRecord]:
    """Yield the rows of a file; ValueError if it is damaged or holds no rows."""
    kind = read_beginning(path).kind
    if kind not in CONTAINERS:
        raise ValueError(f"{path} holds no rows")
    return CONTAINERS[kind](path)
