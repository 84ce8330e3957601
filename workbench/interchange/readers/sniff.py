"""The beginning of a file, by which its format is known."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.interchange.readers.lines import lines
from workbench.tasks.problem_files import parse_object

BEGINNING = 64 * 1024


@dataclass(frozen=True)
class Peek:
    """What a look at the beginning of a file tells."""

    kind: str
    """``zip``, ``parquet``, ``json`` (one object over several lines) or ``jsonl``."""
    names: frozenset[str] = frozenset()
    """Members of a zip, columns of a Parquet file, keys of the first line of JSONL."""
    beginning: str = ""
    """The first characters of JSON."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """The first line of JSONL, where it is an object."""


def peek(path: Path) -> Peek:
    """Look at the beginning of a file.

    Raises:
        ValueError: it is a zip or a Parquet file that cannot be opened, or cannot be unpacked.
    """
    with path.open("rb") as file:
        magic = file.read(4)
    if magic == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(path) as archive:
                return Peek("zip", frozenset(archive.namelist()))
        except zipfile.BadZipFile as fault:
            raise ValueError(
                f"{path} cannot be opened ({fault}); it is cut off or damaged: fetch it again"
            ) from fault
    if magic == b"PAR1":
        try:
            return Peek("parquet", frozenset(pq.read_schema(path).names))
        except (pa.ArrowException, OSError) as fault:
            reason = str(fault).strip().splitlines()[0]
            raise ValueError(
                f"{path} cannot be opened ({reason}); it is cut off or damaged: fetch it again"
            ) from fault
    first = next((line for line in lines(path) if line.strip()), b"")
    try:
        values = parse_object(first)
    except ValueError:
        if first.strip() not in (b"{", b"[") and not first.lstrip().startswith(b'{"version"'):
            return Peek("jsonl")
        with path.open("rb") as file:
            return Peek("json", beginning=file.read(BEGINNING).decode(errors="replace"))
    return Peek("jsonl", frozenset(values), values=values)
