"""A large JSON object read piece by piece: its keys, and one list in it element by element.

ijson was tried instead and not taken: it refuses NaN, infinities and integers beyond 64 bits, which
Python's json (and so a log of Inspect) may hold, replaces half a surrogate pair by ``?`` without a
word, and takes 1.4 to 3.3 times as long for a log of 50 MB, with the same peak of memory.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from workbench.core.bounded_lines import LONGEST_LINE
from workbench.core.unpacked_files import MIB

CHUNK = 1 << 16
"""Characters read at first; doubled while a value is longer."""
AFTER_VALUE = frozenset(",:]} \t\r\n")
"""Characters that may follow a value."""


class DamagedJsonError(ValueError):
    """Text that is not JSON, or is cut off; the message names the character."""


class JsonStream:
    """The text of a JSON file, of which only what is not parsed yet is in memory."""

    def __init__(self, file: TextIO, decoder: json.JSONDecoder | None = None) -> None:
        """Begin at the file's position; ``decoder`` where JSON is read more strictly."""
        self._file = file
        self._text = ""
        self._dropped = 0
        """Characters before ``_text``, for messages."""
        self._decoder = decoder or json.JSONDecoder()

    def _read_more(self) -> bool:
        added = self._file.read(max(CHUNK, len(self._text)))
        self._text += added
        return bool(added)

    def _drop(self, count: int) -> None:
        self._text = self._text[count:]
        self._dropped += count

    def peek(self) -> str:
        """Return the next character that is no white space, without taking it; empty at the end."""
        while True:
            self._drop(len(self._text) - len(self._text.lstrip()))
            if self._text or not self._read_more():
                return self._text[:1]

    def take(self, expected: str) -> None:
        """Take one character; DamagedJsonError if it is another one."""
        found, place = self.peek() or "its end", self._dropped + 1
        if found != expected:
            raise DamagedJsonError(f"{expected} expected at character {place}, got {found}")
        self._drop(1)

    def value(self) -> Any:
        """Take a whole value; DamagedJsonError if it is no JSON, or cut off."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text)
                is_whole = self._text[end : end + 1] in AFTER_VALUE  # or a number may go on
                if is_whole or not self._read_more():
                    self._drop(end)
                    return value
            except json.JSONDecodeError as error:
                if not self._read_more():
                    place = self._dropped + error.pos + 1
                    raise DamagedJsonError(f"{error.msg} at character {place}") from error
                if len(self._text) > LONGEST_LINE:
                    longer = f"a value is longer than {LONGEST_LINE // MIB} MiB"
                    raise DamagedJsonError(f"{longer}, at character {self._dropped + 1}") from error
            except (RecursionError, ValueError) as error:  # thousands of lists in lists, of digits
                why = "a value is too long" if "conversion" in str(error) else str(error)
                if isinstance(error, RecursionError):
                    why = "a value is nested too deeply"
                raise DamagedJsonError(f"{why}, at character {self._dropped + 1}") from error

    def members(self) -> Iterator[str]:
        """Yield the keys of an object; whoever asks takes the value of each before the next."""
        self.take("{")
        while self.peek() != "}":
            key = self.value()
            self.take(":")
            yield key
            if self.peek() != "}":
                self.take(",")
        self.take("}")

    def elements(self) -> Iterator[Any]:
        """Yield the elements of a list."""
        self.take("[")
        while self.peek() != "]":
            yield self.value()
            if self.peek() != "]":
                self.take(",")
        self.take("]")


def stream_members(path: Path, streamed: str) -> Iterator[tuple[str, Any]]:
    """Yield (key, value) of a file's object; the list ``streamed`` as (key, element) for each.

    Raises:
        DamagedJsonError: the file is no such object, or cut off.
        UnicodeDecodeError: it is not UTF-8.
    """
    with path.open(encoding="utf-8") as file:
        stream = JsonStream(file)
        for key in stream.members():
            if key == streamed and stream.peek() == "[":
                yield from ((key, element) for element in stream.elements())
            else:
                yield key, stream.value()
