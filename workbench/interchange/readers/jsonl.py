"""Plain JSONL: one sample a line, its columns as their author named them."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from workbench.interchange.readers.records import LocatedRecord, damaged
from workbench.tasks.problem_files import parse_object


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the object of each line that is not empty; the file may be gzip."""
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            try:
                yield f"line {number}", parse_object(line)
            except ValueError as fault:
                yield f"line {number}", fault


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, without a byte order mark; gzip is unpacked whatever its name.

    Raises:
        ValueError: it cannot be unpacked.
    """
    with path.open("rb") as raw:
        is_packed = raw.read(2) == b"\x1f\x8b"
    number = 0
    try:
        with gzip.open(path, "rb") if is_packed else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
    except (EOFError, gzip.BadGzipFile, zlib.error) as fault:
        raise damaged(path, f"cannot be unpacked beyond line {number}", fault) from fault
