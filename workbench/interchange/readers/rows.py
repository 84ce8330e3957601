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


def read_rows(path: Path, key: str | None = None) -> Iterator[LocatedRecord]:
    """Yield the rows of a file; ValueError if it is damaged or holds no rows.

    Every row has the ``key``: by it, one object in one line is told from an object that holds rows.
    """
    beginning = read_beginning(path)
    kind = "lines" if key in beginning.line else beginning.kind
    if kind not in CONTAINERS:
        raise ValueError(f"{path} holds no rows")
    return CONTAINERS[kind](path)
