"""What has come into a run's folder since one last looked, while it is being written.

A process may append to journals, compact them into Parquet and replace a file that held error rows,
all between two looks or during one. Nothing is written here and no lock is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pyarrow as pa

from workbench.core.types import Sample
from workbench.storage.journal import JournalReader, as_sample
from workbench.storage.parquet import KEY, read_table
from workbench.storage.run_folder import Folder

COUNTED = (*KEY, "stop_reason", "num_output_tokens")
"""The columns that are read of every sample."""
AT_ONCE = 1024
"""Samples of a journal that are in memory together, with all their tokens."""

Stamp = tuple[int, int]
"""When a file was changed last, in nanoseconds, and its size: a file of other content has another
one."""


@dataclass
class NewSamples:
    """Remembers what has been read of a run's samples, by file, and not the samples."""

    folder: Folder
    parts: dict[Path, Stamp] = field(default_factory=dict)
    """The finished files that were read."""
    journals: dict[int, JournalReader] = field(default_factory=dict)
    """How far the journal of each block was read."""

    def look(self, block: int) -> Iterator[pa.Table]:
        """Yield the new rows of a block, of ``COUNTED``; those of a journal have their texts.

        A sample comes again when its journal has become a file, and when it was drawn in the place
        of an error row: who counts has to go by the key. No sample that is on disk when the look
        begins is missed: the file is there before the journal goes.

        Raises:
            ValueError: a file is damaged; the message names it. What was read before is remembered.
        """
        yield from self._from_journal(block)
        for path in self.folder.parts(block):
            with suppress(FileNotFoundError):  # the folder was deleted just now
                stamp = stamp_of(path)
                if self.parts.get(path) != stamp:
                    table = read_table(path, COUNTED)
                    self.parts[path] = stamp
                    self.journals.pop(block, None)  # the next one is read from its start
                    yield table

    def _from_journal(self, block: int) -> Iterator[pa.Table]:
        path = self.folder.journal(block)
        try:
            entries = iter(self.journals.setdefault(block, JournalReader(path)))
            while some := [as_sample(entry) for entry in islice(entries, AT_ONCE)]:
                yield _rows(some)
        except FileNotFoundError:
            self.journals.pop(block, None)


def texts_of(folder: Folder, block: int) -> Iterator[pa.Table]:
    """Yield the finished files of a block with the texts of the samples."""
    for path in folder.parts(block):
        with suppress(FileNotFoundError):
            yield read_table(path, (*COUNTED, "completion"))


def stamp_of(path: Path) -> Stamp:
    """Return what a file is told from its earlier and later content by."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _rows(samples: list[Sample]) -> pa.Table:
    return pa.table({
        "problem_id": pa.array([one.problem_id for one in samples], pa.string()),
        "condition": pa.array([one.condition for one in samples], pa.string()),
        "sample_index": pa.array([one.sample_index for one in samples], pa.int32()),
        "stop_reason": pa.array([one.stop_reason for one in samples], pa.string()),
        "num_output_tokens": pa.array([one.length for one in samples], pa.int32()),
        "completion": pa.array([one.completion for one in samples], pa.string()),
    })  # fmt: skip
