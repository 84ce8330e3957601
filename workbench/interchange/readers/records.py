"""What the reader of a format yields: the columns of a sample, and where in its file it is."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from workbench.core.console import notice
from workbench.interchange.column_names import OTHER_NAMES

Record = dict[str, Any]
"""The columns of a sample, or of a row that holds several samples, by name."""
LocatedRecord = tuple[str, Record | ValueError]
"""Where in its file a record is, in words (``line 3``), and the record or what is wrong with it."""


def split_row(
    row: LocatedRecord, split: Callable[[Record], Iterator[tuple[str, Record]]], malformed: str
) -> Iterator[LocatedRecord]:
    """Yield the samples of a row that holds several; none of them if the row has a fault.

    A row that is a fault is handed on. ``split`` yields which of the row's samples it is, in words,
    and its columns; ``malformed`` is said of a row that has not the shape which ``split`` expects.
    A row that holds none becomes a record without columns, so that it can be counted.

    Example:
        >>> row = ("line 1", {"texts": ["a", "b"]})
        >>> list(split_row(row, lambda r: ((t, {"text": t}) for t in r["texts"]), "not as ours"))
        [('line 1, a', {'text': 'a'}), ('line 1, b', {'text': 'b'})]
        >>> list(split_row(row, lambda r: iter(()), "not as ours"))
        [('line 1', {})]
        >>> list(split_row(row, lambda r: r["answers"], "not as ours"))
        [('line 1', ValueError("not as ours (KeyError: 'answers')"))]
    """
    label, record = row
    if isinstance(record, ValueError):
        yield label, record
        return
    try:
        samples = list(split(record))
    except (KeyError, TypeError, AttributeError, IndexError) as fault:
        yield label, ValueError(f"{malformed} ({type(fault).__name__}: {fault})")
    except ValueError as fault:
        yield label, fault
    else:
        if not samples:
            yield label, {}
        for which, sample in samples:
            yield f"{label}, {which}" if which else label, sample


def limits_of(settings: Mapping[str, Any]) -> Record:
    """Return the limits among the settings of a request to a model, under our names.

    Example:
        >>> limits_of({"max_new_tokens": 40, "temperature": 0.7})
        {'max_tokens': 40, 'top_p': None}
    """
    names = (settings.get(name) for name in ("max_tokens", *OTHER_NAMES["max_tokens"]))
    most = next((value for value in names if value is not None), None)
    return {"max_tokens": most, "top_p": settings.get("top_p")}


@lru_cache(maxsize=1024)
def say_once(remark: str) -> None:
    """Print what a person has to know of a file; once, because an import reads a file twice."""
    notice(f"import: {remark}")
