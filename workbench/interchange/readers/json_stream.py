"""A large JSON object read piece by piece: its keys, and one list in it element by element."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

CHUNK = 1 << 16
"""Characters read at first; doubled while a value is longer."""

BEHIND = frozenset(",:]} \t\r\n")
"""What may stand behind a value."""


class Pieces:
    """The text of a JSON file, of which what is parsed is dropped."""

    def __init__(self, file: TextIO) -> None:
        """Begin at the file's position."""
        self._file = file
        self._text = ""
        self._decoder = json.JSONDecoder()

    def _more(self) -> bool:
        added = self._file.read(max(CHUNK, len(self._text)))
        self._text += added
        return bool(added)

    def next(self) -> str:
        """Return the next character that is no white space, without taking it; empty at the end."""
        self._text = self._text.lstrip()
        while not self._text and self._more():
            self._text = self._text.lstrip()
        return self._text[:1]

    def take(self, expected: str) -> str:
        """Take one character.

        Raises:
            ValueError: it is none of the expected ones.
        """
        there = self.next()
        if not there or there not in expected:
            raise ValueError(f"{' or '.join(expected)} expected, got {there or 'its end'}")
        self._text = self._text[1:]
        return there

    def value(self) -> Any:
        """Take a whole value.

        Raises:
            ValueError: it is no JSON, or cut off.
        """
        self.next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text)
                whole = self._text[end : end + 1] in BEHIND  # or a number may go on
                if whole or not self._more():
                    self._text = self._text[end:]
                    return value
            except ValueError:
                if not self._more():
                    raise


def members(path: Path, streamed: str) -> Iterator[tuple[str, Any]]:
    """Yield (key, value) of a file's object; the list ``streamed`` as (key, element) for each.

    Raises:
        ValueError: the file is no such object, or cut off.
    """
    with path.open(encoding="utf-8") as file:
        pieces = Pieces(file)
        pieces.take("{")
        while pieces.next() != "}":
            key = pieces.value()
            pieces.take(":")
            if key == streamed and pieces.next() == "[":
                pieces.take("[")
                while pieces.next() != "]":
                    yield key, pieces.value()
                    if pieces.next() != "]":
                        pieces.take(",")
                pieces.take("]")
            else:
                yield key, pieces.value()
            if pieces.next() != "}":
                pieces.take(",")
