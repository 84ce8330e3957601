"""Plain JSONL: one sample a line, its columns as their author named them."""

from collections.abc import Iterator
from pathlib import Path

from workbench.core.bounded_lines import read_lines
from workbench.interchange.readers.records import LocatedRecord
from workbench.tasks.problem_files import parse_object


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the object of each line that is not empty; the file may be gzip."""
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            try:
                yield f"line {number}", parse_object(line)
            except ValueError as fault:
                yield f"line {number}", fault
