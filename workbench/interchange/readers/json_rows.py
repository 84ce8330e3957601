"""JSON files of rows: an array, an object that holds a list of them, or an object that is one.

Of an object that holds a list, the model, the temperature, ``max_tokens`` and ``top_p`` beside the
list are those of all its rows. An object with the name or question of a problem is itself a row, as
where each problem has a file of its own. Rows are read one at a time, from files of any size.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.core.strict_json import DECODER, refuse_deep
from workbench.core.unpacked_files import open_unpacked
from workbench.interchange.column_names import OTHER_NAMES, ROW_NAMES
from workbench.interchange.readers.json_stream import DamagedJsonError, JsonStream
from workbench.interchange.readers.records import LocatedRecord, Record

LISTS = ("results", "samples", "eval", "data", "rows", "instances", "examples", "records")
"""Keys of the list of rows; without any of them it is the first list of objects, not nested."""
OF_ALL_ROWS = ("temperature", "condition", "top_p", "model", "max_tokens", *OTHER_NAMES["model"])
DEEPEST = 3
"""Objects inside one another in which a list of rows is looked for."""
SMALL = 8 << 20
"""Characters of a file that is searched to its end; of a larger one only up to the first list."""


@dataclass
class Found:
    """Where the rows of a file are."""

    path: tuple[str, ...] | None = None
    """Keys that lead to their list; none for an array, None for an object that is itself a row."""
    names: frozenset[str] = frozenset()
    """The columns of the first row."""
    shared: Record = field(default_factory=dict)
    """What all rows have in common."""


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the rows of a file.

    Raises:
        ValueError: it is no JSON, or cut off.
    """
    found = locate(path)
    with _stream(path) as stream:
        number = 0
        while stream.peek():  # several objects may follow one another
            rows = iter([stream.value()]) if found.path is None else _rows(stream, found.path)
            for number, row in enumerate(rows, start=number + 1):  # noqa: B020
                yield f"row {number}", _checked(row, found.shared)


def locate(path: Path) -> Found:
    """Return where the rows of a file are; ValueError if it is no JSON."""
    with _stream(path) as stream:
        if stream.peek() == "[":
            first = next(stream.elements(), None)
            return Found((), frozenset(first) if isinstance(first, dict) else frozenset())
        found = Found()
        names: dict[str, None] = {}
        small = path.stat().st_size < SMALL
        _search(stream, (), found, names, small)
        if found.path is None or names.keys() & ROW_NAMES:
            return Found(None, frozenset(names))
        return found


def _search(
    stream: JsonStream, path: tuple[str, ...], found: Found, names: dict[str, None], whole: bool
) -> bool:
    """Look for the list of rows in the object that comes next; True if the rest is not read."""
    for key in stream.members():
        if not path:
            names[key] = None
        here = (*path, key)
        if stream.peek() == "[":
            first = None
            for first in stream.elements():
                is_known = isinstance(first, dict) and key in LISTS
                if path and not is_known:
                    continue  # such as the choices of an answer
                better = found.path is None or (is_known and found.path[-1] not in LISTS)
                if isinstance(first, dict) and better:
                    found.path, found.names = here, frozenset(first)
                    if is_known and not whole:
                        return True
        elif stream.peek() == "{" and len(here) < DEEPEST:
            if _search(stream, here, found, names, whole):
                return True
        else:
            value = stream.value()
            if key in OF_ALL_ROWS and isinstance(value, str | int | float):
                found.shared[key] = value
    return False


def _rows(stream: JsonStream, path: tuple[str, ...]) -> Iterator[Any]:
    """Yield the elements of the list to which keys lead, in the value that comes next."""
    if not path:
        yield from stream.elements()
        return
    for key in stream.members():
        if key == path[0]:
            yield from _rows(stream, path[1:])
        elif stream.peek() == "[":
            for _ in stream.elements():
                pass
        else:
            stream.value()


def _checked(row: Any, shared: Record) -> Record | ValueError:
    if not isinstance(row, dict):
        return ValueError(f"expected a JSON object, got {type(row).__name__}")
    try:
        refuse_deep(row)
    except ValueError as fault:
        return fault
    return shared | row


@contextmanager
def _stream(path: Path) -> Iterator[JsonStream]:
    """Open a file as a stream of JSON; its faults become messages that name the file."""
    try:
        with open_unpacked(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig") as text:
            yield JsonStream(text, DECODER)
    except DamagedJsonError as fault:
        raise ValueError(f"{path} is no JSON as far as it can be read: {fault}") from fault
    except UnicodeDecodeError as fault:
        raise ValueError(f"{path} is not UTF-8 ({fault.reason}); save it as UTF-8") from fault
