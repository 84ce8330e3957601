"""Values that may pass between a program and those who call it: literals, as JSON with tags.

Whatever a program returns is taken apart by the methods of the built-in types themselves, so that
a subclass which claims to equal everything arrives as the plain value that it holds. What is no
literal arrives as ``Opaque``, which equals nothing.
"""

from __future__ import annotations

import json
import math
import socket
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

MOST_BYTES = 4_000_000
"""Of one message."""
MOST_VALUES = 200_000
"""Of one message, those inside others counted."""
DEEPEST = 60
"""Lists within lists and the like, in one message."""
MOST_OF_ITERATOR = 10_000
"""Values that are taken from an iterator."""
MOST_DIGITS = 100_000
"""Of a whole number."""

Hold = Callable[[object], int]
"""Keeps an object that is no literal, and returns the number that it can be called by."""


class TooLarge(ValueError):
    """A value or message is larger or deeper than may pass."""


class Opaque:
    """Stands for an object of the other process; it equals nothing but itself."""

    def __init__(self, kind: str, number: int) -> None:
        """Keep the name of its type, and the number that the other process knows it by."""
        self.kind, self.number = kind, number

    def __repr__(self) -> str:
        """Name its type."""
        return f"<object of type {self.kind}>"


def encode(value: object, hold: Hold) -> Any:
    """Return a value as what JSON can hold.

    Raises:
        TooLarge: it has too many values or is too deep.
    """
    return _Encoder(hold).encode(value, 0)


class _Encoder:
    """Counts the values of one message."""

    def __init__(self, hold: Hold) -> None:
        self.hold = hold
        self.count = 0

    def encode(self, value: object, depth: int) -> Any:
        self.count += 1
        if depth > DEEPEST or self.count > MOST_VALUES:
            raise TooLarge(f"a value with more than {MOST_VALUES} parts or {DEEPEST} levels")
        kind = type(value)
        if value is None or kind is bool:
            return value
        if isinstance(value, int):
            return _whole(int.__index__(value))
        if isinstance(value, float):
            number = float.__float__(value)
            return number if math.isfinite(number) else {"f": float.__repr__(number)}
        if isinstance(value, str):
            return str.__str__(value)
        return self._compound(value, kind, depth)

    def _compound(self, value: object, kind: type, depth: int) -> Any:
        if isinstance(value, complex):
            parts = complex.__complex__(value)
            return {"c": [self.encode(part, depth + 1) for part in (parts.real, parts.imag)]}
        if isinstance(value, bytes | bytearray):
            tag = "b" if isinstance(value, bytes) else "y"
            return {tag: bytes(memoryview(value)).hex()}
        if isinstance(value, range):
            return {"r": [_whole(part) for part in (value.start, value.stop, value.step)]}
        for base, tag, items in SEQUENCES:
            if isinstance(value, base):
                return {tag: [self.encode(item, depth + 1) for item in items(value)]}
        if isinstance(value, dict):
            pairs = [list(pair) for pair in dict.items(value)]
            return {"d": [[self.encode(part, depth + 1) for part in pair] for pair in pairs]}
        if isinstance(value, Iterator):
            return {"i": [self.encode(item, depth + 1) for item in _taken(value)]}
        if isinstance(value, type({}.keys()) | type({}.values()) | type({}.items())):
            tag = {"dict_keys": "k", "dict_values": "v"}.get(kind.__name__, "t")
            return {tag: [self.encode(item, depth + 1) for item in list(value)]}
        name = type.__getattribute__(kind, "__name__")
        return {"o": [name if isinstance(name, str) else "object", self.hold(value)]}


SEQUENCES: tuple[tuple[type, str, Callable[[Any], Any]], ...] = (
    (list, "l", list.__iter__),
    (tuple, "u", tuple.__iter__),
    (set, "s", lambda value: sorted_set(set.__iter__(value))),
    (frozenset, "z", lambda value: sorted_set(frozenset.__iter__(value))),
    (deque, "q", deque.__iter__),
)
"""Type, its tag in a message, and how its items are reached past a subclass's own methods."""


def sorted_set(items: Any) -> list[Any]:
    """Return the items of a set in an order of their own, so that equal sets are spelt alike."""
    found = list(items)
    try:
        return sorted(found, key=lambda item: (type(item).__name__, repr(item)))
    except Exception:  # the items are the program's: whatever they do, any order will do
        return found


def _whole(number: int) -> Any:
    """Return a whole number; a large one as text, which JSON would read slowly."""
    if -(2**53) < number < 2**53:
        return number
    if number.bit_length() > MOST_DIGITS * 3:
        raise TooLarge(f"a whole number of more than {MOST_DIGITS} digits")
    return {"n": hex(number)}


def _taken(values: Iterator[object]) -> Iterator[object]:
    for place, value in enumerate(values):
        if place == MOST_OF_ITERATOR:
            raise TooLarge(f"an iterator with more than {MOST_OF_ITERATOR} values")
        yield value


def decode(message: Any, opaque: Callable[[str, int], object] = Opaque) -> Any:
    """Return the value of a message.

    Args:
        message: as ``encode`` returns it.
        opaque: makes what stands for an object of the other process.

    Raises:
        ValueError: it is no such message.
    """
    if not isinstance(message, dict):
        if isinstance(message, list):
            raise ValueError("a list without a tag")
        return message
    (tag, body) = next(iter(message.items()))
    if tag in PLAIN:
        return PLAIN[tag](body)
    if tag == "o":
        return opaque(str(body[0]), int(body[1]))
    if tag == "d":
        return {decode(key, opaque): decode(value, opaque) for key, value in body}
    if tag in MADE:
        return MADE[tag]([decode(item, opaque) for item in body])
    raise ValueError(f"a value with the unknown tag {tag!r}")


PLAIN: dict[str, Callable[[Any], Any]] = {
    "f": float,
    "b": bytes.fromhex,
    "y": bytearray.fromhex,
    "n": lambda text: int(text, 16),
    "r": lambda parts: range(*map(decode, parts)),
}
MADE: dict[str, Callable[[list[Any]], Any]] = {
    "c": lambda parts: complex(*parts),
    "l": list,
    "u": tuple,
    "s": set,
    "z": frozenset,
    "q": deque,
    "i": iter,
    "k": lambda items: dict.fromkeys(items).keys(),
    "v": list,
    "t": lambda items: dict(items).items(),
}


class Line:
    """A connection on which both sides send messages of JSON, one answer for each request."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over a connected stream socket."""
        self.connection = connection
        self.rest = b""

    def send(self, message: Any) -> None:
        """Send one message.

        Raises:
            TooLarge: it is larger than may pass.
            OSError: the other side is gone.
        """
        text = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode()
        if len(text) > MOST_BYTES:
            raise TooLarge(f"a message of more than {MOST_BYTES} bytes")
        self.connection.sendall(len(text).to_bytes(4, "big") + text)

    def receive(self) -> Any:
        """Return the next message.

        Raises:
            EOFError: the other side is gone.
            ValueError: what came is no message, or larger than may pass.
        """
        size = int.from_bytes(self._read(4), "big")
        if size > MOST_BYTES:
            raise TooLarge(f"a message of more than {MOST_BYTES} bytes")
        try:
            return json.loads(self._read(size))
        except RecursionError as fault:
            raise ValueError("a message that is too deep") from fault

    def _read(self, size: int) -> bytes:
        while len(self.rest) < size:
            try:
                part = self.connection.recv(65536)
            except ConnectionResetError as fault:
                raise EOFError("the other side is gone") from fault
            if not part:
                raise EOFError("the other side is gone")
            self.rest += part
        found, self.rest = self.rest[:size], self.rest[size:]
        return found
