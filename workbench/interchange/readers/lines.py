"""The lines of a text file, unpacked where it is compressed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from workbench.interchange.readers.records import damaged


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
