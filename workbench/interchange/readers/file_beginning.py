"""The beginning of a file, by which its format is recognised."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.core.bounded_lines import read_lines
from workbench.core.unpacked_files import damaged, members, open_unpacked, packing_of
from workbench.interchange.column_names import ROW_NAMES, holds_texts
from workbench.interchange.readers import delimited, json_rows, xlsx
from workbench.tasks.problem_files import parse_object

LENGTH = 64 * 1024
"""Bytes read of a JSON object over several lines."""


@dataclass(frozen=True)
class FileBeginning:
    """What the beginning of a file tells about it."""

    kind: str
    """``zip`` of several files, ``xlsx``, ``parquet``, ``csv`` (or TSV), ``json`` (an array, or an
    object that holds rows or is one) or ``lines`` (JSONL, and other text)."""
    names: frozenset[str] = frozenset()
    """Members of a zip; otherwise the columns of the first row."""
    text: str = ""
    """The first characters, where they are not those of a row."""
    has_rows: bool = True
    """Whether a list of objects was found in ``json``, or its one object can be a row."""
    line: frozenset[str] = frozenset()
    """The keys of ``json`` that is one object in one line, and so may be JSONL with one row."""

    def mentions(self, *keys: str) -> bool:
        """Say whether one JSON object, in one line or over several, has keys near its beginning.

        In an object over several lines they may be keys of an object inside of it.

        Example:
            >>> FileBeginning("json", text='{"results": {"version": 3').mentions("version")
            True
            >>> FileBeginning("lines", frozenset({"results"})).mentions("results", "version")
            False
        """
        if self.kind not in ("json", "lines"):
            return False
        seen = bool(self.text) and all(f'"{key}"' in self.text for key in keys)
        return seen or self.names.issuperset(keys)


def read_beginning(path: Path) -> FileBeginning:
    """Read the beginning of a file.

    Raises:
        ValueError: it is a zip or a Parquet file that cannot be opened, or cannot be unpacked.
    """
    with path.open("rb") as file:
        magic = file.read(4)
    try:
        if packing_of(path) == "zip" and (path.suffix == ".eval" or len(members(path)) != 1):
            with zipfile.ZipFile(path) as archive:
                inside = frozenset(archive.namelist())
            if xlsx.WORKBOOK in inside:
                return FileBeginning("xlsx", xlsx.columns(path))
            return FileBeginning("zip", inside)
        if magic == b"PAR1":
            return FileBeginning("parquet", frozenset(pq.read_schema(path).names))
    except (zipfile.BadZipFile, pa.ArrowException, OSError) as fault:
        raise damaged(path, "cannot be opened", fault) from fault
    with open_unpacked(path) as unpacked:
        start = unpacked.read(LENGTH).removeprefix(b"\xef\xbb\xbf")
    text = start.decode(errors="replace")
    if start.lstrip()[:1] == b"[" or start.lstrip().startswith(b'{"version"'):
        return _of_json(path, text)
    if start.lstrip()[:1] == b"{":
        return _of_objects(path, text)
    first, second = (*text.splitlines(), "", "")[:2]
    is_called_so = bool({".csv", ".tsv"} & {*path.suffixes})
    if delimited.is_header(first, second, is_called_so):
        names = first.split(delimited.delimiter_of(first))
        return FileBeginning("csv", frozenset(name.strip('"') for name in names), text)
    return FileBeginning("lines", text=text)


def _of_objects(path: Path, text: str) -> FileBeginning:
    """Tell an object a line from one object, over several lines or in the only one."""
    lines = filter(bytes.strip, read_lines(path))
    try:
        first = next(lines, b"")
    except ValueError:  # longer than a line may be
        return _of_json(path, text)
    second = _next_or_nothing(lines)
    try:
        names = frozenset(parse_object(first))
    except ValueError:
        if second.lstrip().startswith(b"{") or (first.strip() != b"{" and not second):
            return FileBeginning("lines")  # its first line is damaged
        return _of_json(path, text)
    if second or json_rows.locate(path).path is None:
        return FileBeginning("lines", names)
    return replace(_of_json(path, text), line=names)


def _next_or_nothing(lines: Iterator[bytes]) -> bytes:
    try:
        return next(lines, b"")
    except ValueError as fault:  # its reader will say so, with the line
        return str(fault).encode()


def _of_json(path: Path, text: str) -> FileBeginning:
    try:
        found = json_rows.locate(path)
    except ValueError:  # as its reader says
        return FileBeginning("json", text=text)
    can_be_row = bool(found.names & ROW_NAMES) or holds_texts(found.names)
    return FileBeginning("json", found.names, text, found.path is not None or can_be_row)
