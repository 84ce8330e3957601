"""The lines of a file that may be packed, and may be damaged or made to fill the memory."""

from collections.abc import Iterator
from pathlib import Path

from workbench.core.unpacked_files import MIB, open_unpacked

LONGEST_LINE = 64 * MIB
"""Bytes of one line: a row with 1,024 samples of 16,000 tokens each. A line is in memory whole,
several times over while it is read."""
EMPTY_LINES = 1_000_000
"""Lines without anything, of which a file of samples has none; a packed file can hold billions."""


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, without a byte order mark; a packed one is unpacked.

    Raises:
        ValueError: it cannot be unpacked, or one of the limits above is exceeded.
    """
    with open_unpacked(path) as file:
        number = empty = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            empty += line == b"\n"
            _refuse_excess(path, number, len(line), empty)
            yield line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def _refuse_excess(path: Path, number: int, length: int, empty: int) -> None:
    if length > LONGEST_LINE:
        raise ValueError(
            f"{path}, line {number}: longer than {LONGEST_LINE // MIB} MiB, which is the most that "
            "is read of one line; write one JSON object a line"
        )
    if empty > EMPTY_LINES:
        raise ValueError(
            f"{path} has more than {EMPTY_LINES:,} empty lines, by line {number:,}; take them out"
        )
