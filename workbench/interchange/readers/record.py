"""Where in a file a sample is, and what a reader yields."""

from __future__ import annotations

from typing import Any, NamedTuple

Record = dict[str, Any]
"""A sample's columns by name."""

Item = tuple[str, Record | ValueError]
"""Where in its file a sample is, in words, and its columns or what is wrong with it."""


class Place(NamedTuple):
    """Where a sample is among all that are read. Places sort in the order of reading."""

    number: int
    """Which of all the samples it is, from 1."""
    label: str
    """In words: ``line 3``."""
