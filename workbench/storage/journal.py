"""An append-only file of finished work: what survives a kill, a full disk or a power cut.

One entry a line, each line ``CRC32 JSON``: a sample, or a few values of another stage. A line that
was being written when the process died is incomplete at the end of the file and is dropped; a
damaged line anywhere else is refused. Python writes the shortest decimal that reads back as the
same float, so nothing is lost.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from workbench.core.types import Sample


def read_entries(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of a journal, in the order in which they were added.

    Raises:
        ValueError: a line other than an unfinished last one is damaged; the message names it.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return  # the write that the process died in
            check, _, body = line.partition(b" ")
            if check != _checksum(body):
                raise ValueError(
                    f"{path}, line {number}: damaged (its checksum does not match); delete that "
                    "line to have what it held made again, or restore the file"
                )
            yield json.loads(body)


def read_journal(path: Path) -> Iterator[Sample]:
    """Yield the samples of a journal, in the order in which they finished.

    Raises:
        ValueError: as ``read_entries``.
    """
    for entry in read_entries(path):
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
        }
        yield Sample(**fields)


class Journal(AbstractContextManager["Journal"]):
    """A journal open for appending. Each entry is with the operating system when added."""

    def __init__(self, path: Path) -> None:
        """Open ``path``, cutting off an unfinished last line."""
        self.path = path
        self._file = path.open("ab")
        if size := path.stat().st_size:
            kept = path.read_bytes().rfind(b"\n") + 1
            if kept < size:
                os.truncate(path, kept)

    def add(self, entry: Sample | Mapping[str, Any]) -> None:
        """Append one sample, or one entry of named values.

        Raises:
            OSError: the disk is full or the folder gone; earlier entries are safe.
        """
        # not by asdict, which copies token by token: most of the time that a long sample took
        fields = dict(vars(entry) if isinstance(entry, Sample) else entry)
        body = json.dumps(fields, ensure_ascii=False).encode() + b"\n"
        self._file.write(_checksum(body) + b" " + body)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __exit__(self, *exception: object) -> None:
        """Close the file."""
        self.close()


def _checksum(body: bytes) -> bytes:
    return b"%08x" % zlib.crc32(body)
