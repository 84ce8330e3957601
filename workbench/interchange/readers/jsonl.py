"""Plain JSONL: one sample a line, its columns as their author named them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.interchange.readers.lines import lines
from workbench.interchange.readers.record import Item
from workbench.tasks.problem_files import parse_object

if TYPE_CHECKING:
    from workbench.interchange.readers.sniff import Peek


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
