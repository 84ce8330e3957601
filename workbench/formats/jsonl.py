"""Plain JSONL: one sample a line, its columns as their author named them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.formats.places import Item
from workbench.tasks.problems import parse_object

if TYPE_CHECKING:
    from workbench.formats.peek import Peek


def recognise(seen: Peek) -> bool:
    """Take any text by lines: what is wrong with it is said line by line."""
    return seen.kind == "jsonl"


def read(path: Path) -> Iterator[Item]:
    """Yield the objects of a file, gzip or not; empty lines are passed over."""
    for number, line in enumerate(lines(path), start=1):
        if line.strip():
            try:
                yield f"line {number}", parse_object(line)
            except ValueError as fault:
                yield f"line {number}", fault


def lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, unpacked if it is gzip, whatever its name.

    Raises:
        ValueError: it cannot be unpacked.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    number = 0
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} cannot be unpacked beyond line {number} ({error}); it is cut off or damaged: "
            "fetch it again"
        ) from error
