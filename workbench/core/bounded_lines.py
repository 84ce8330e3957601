"""The lines of a file that may be packed, and may be damaged or made to fill the memory."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

MIB = 1 << 20
LONGEST_LINE = 64 * MIB
"""Bytes of one line: a row with 1,024 samples of 16,000 tokens each. A line is in memory whole,
several times over while it is read."""
EMPTY_LINES = 1_000_000
"""Lines without anything, of which a file of samples has none; a packed file can hold billions."""
MOST_PACKED = 300
"""Bytes that one packed byte may stand for, beyond the first ``LONGEST_LINE`` bytes. gzip can reach
1,032, but only where the same few characters are repeated, and not where lines differ."""


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, without a byte order mark; gzip is unpacked whatever its name.

    Raises:
        ValueError: it cannot be unpacked, or one of the limits above is exceeded.
    """
    with path.open("rb") as raw:
        is_packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        number = unpacked = empty = 0
        try:
            with gzip.open(raw) if is_packed else raw as file:
                while line := file.readline(LONGEST_LINE + 1):
                    number += 1
                    unpacked += len(line)
                    empty += line == b"\n"
                    _refuse_excess(path, number, len(line), empty)
                    if is_packed and unpacked > max(LONGEST_LINE, MOST_PACKED * raw.tell()):
                        raise ValueError(
                            f"{path} unpacks to more than {MOST_PACKED} times its size, by line "
                            f"{number:,}, as no file of different lines does; unpack it yourself"
                        )
                    yield line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        except (EOFError, gzip.BadGzipFile, zlib.error) as fault:
            raise damaged(path, f"cannot be unpacked beyond line {number}", fault) from fault


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


def damaged(path: Path, what: str, fault: Exception) -> ValueError:
    """Return the error for a file that cannot be read on; ``what`` says how far it can be read.

    Example:
        >>> print(damaged(Path("a.eval"), "cannot be opened", OSError("no end")))
        a.eval cannot be opened (no end); it is cut off or damaged: fetch it again
    """
    reason = str(fault).strip().partition("\n")[0]
    return ValueError(f"{path} {what} ({reason}); it is cut off or damaged: fetch it again")
