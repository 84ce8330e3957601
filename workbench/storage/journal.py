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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.core.types import Sample

HEAD = 8
"""Bytes of a line's checksum."""


def read_entries(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of a journal, in the order in which they were added.

    Raises:
        ValueError: a line other than an unfinished last one is damaged; the message names it.
    """
    if path.exists():
        yield from JournalReader(path)


def read_journal(path: Path) -> Iterator[Sample]:
    """Yield the samples of a journal, in the order in which they finished.

    Raises:
        ValueError: as ``read_entries``.
    """
    for entry in read_entries(path):
        yield as_sample(entry)


def as_sample(entry: Mapping[str, Any]) -> Sample:
    """Return an entry of a journal of samples as the sample that it was."""
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
    }
    return Sample(**fields)


@dataclass
class JournalReader:
    """Reads a journal to its end, and later on what was added since."""

    path: Path
    position: int = 0
    """Bytes that are read."""
    lines: int = 0
    """Lines that are read."""
    head: bytes = b""
    """How the first line begins: with its checksum, by which another journal is told."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the entries behind the position, up to a line that is not finished.

        Raises:
            ValueError: a line is damaged; the message names it.
            FileNotFoundError: there is no such file, or no longer.
        """
        with self.path.open("rb") as file:
            head = file.read(HEAD)
            if self.position and head != self.head:
                self.position = self.lines = 0  # a new journal in the place of the one before
            self.head = head
            file.seek(self.position)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # is being written, or the process died in it
                check, _, body = line.partition(b" ")
                if check != _checksum(body):
                    raise ValueError(
                        f"{self.path}, line {self.lines + 1}: damaged (its checksum does not "
                        "match); delete that line to have what it held made again, or restore the "
                        "file"
                    )
                self.position += len(line)
                self.lines += 1
                yield json.loads(body)


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
        if fields.get("parent", 0) is None:  # runs without second answers have no such field
            del fields["parent"]
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
