"""The beginning of a file, by which its format is recognised."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.core.bounded_lines import damaged, read_lines
from workbench.tasks.problem_files import parse_object

LENGTH = 64 * 1024
"""Bytes read of one JSON object over several lines."""


@dataclass(frozen=True)
class FileBeginning:
    """What the beginning of a file tells about it."""

    kind: str
    """``zip``, ``parquet``, ``json`` (one object over several lines) or ``lines`` (other text)."""
    names: frozenset[str] = frozenset()
    """Members of a zip, columns of a Parquet file, keys of a JSON object in the first line."""
    text: str = ""
    """The first characters of ``json``."""


def read_beginning(path: Path) -> FileBeginning:
    """Read the beginning of a file.

    Raises:
        ValueError: it is a zip or a Parquet file that cannot be opened, or cannot be unpacked.
    """
    with path.open("rb") as file:
        magic = file.read(4)
    try:
        if magic == b"PK\x03\x04":
            with zipfile.ZipFile(path) as archive:
                return FileBeginning("zip", frozenset(archive.namelist()))
        if magic == b"PAR1":
            return FileBeginning("parquet", frozenset(pq.read_schema(path).names))
    except (zipfile.BadZipFile, pa.ArrowException, OSError) as fault:
        raise damaged(path, "cannot be opened", fault) from fault
    with path.open("rb") as file:
        text = file.read(LENGTH).removeprefix(b"\xef\xbb\xbf")
    is_log = text.lstrip().startswith(b'{"version"')  # perhaps all of it in one line
    try:
        first = next(filter(bytes.strip, read_lines(path)), b"")
    except ValueError:
        if not is_log:
            raise
        first = b""
    try:
        return FileBeginning("lines", frozenset(parse_object(first)))
    except ValueError:
        if first.strip() not in (b"{", b"[") and not is_log:
            return FileBeginning("lines")
    with path.open("rb") as file:
        return FileBeginning("json", text=file.read(LENGTH).decode(errors="replace"))
