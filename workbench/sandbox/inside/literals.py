"""Values that may pass between a program and those who call it: literals, as JSON with tags.

Whatever a program returns is taken apart by the methods of the built-in types themselves, so that
a subclass which claims to equal everything arrives as the plain value that it holds. What is no
literal arrives as the name of its type and a number; ``proxies.py`` says what becomes of it.
"""

from __future__ import annotations

import json
import math
import socket
from collections import deque
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

MOST_BYTES = 4_000_000
"""Of one message."""
MOST_VALUES = 200_000
"""Of one message, those inside others counted."""
DEEPEST = 60
"""Lists within lists and the like, in one message."""
MOST_OF_ITERATOR = 10_000
"""Values that are taken from an iterator."""
MOST_BITS = 400_000
"""Of a whole number: as many as 120,000 digits."""

Hold = Callable[[object], int]
"""Keeps an object that is no literal, and returns the number that it can be called by."""


class TooLarge(ValueError):
    """A value or message is larger or deeper than may pass."""


class Opaque:
    """Stands for an object of the other process; it equals nothing but itself."""

    _yields: ClassVar[bool] = False
    """Whether it is handed over as what it yields: some of that may have been asked for."""

    def __init__(self, kind: str, number: int) -> None:
        """Keep the name of its type, and the number that the other process knows it by."""
        self.__dict__.update(_kind=kind, _number=number)

    def __repr__(self) -> str:
        """Name its type."""
        return f"<object of type {self.__dict__['_kind']}>"


def encode(value: object, hold: Hold, lazily: bool = False) -> Any:
    """Return a value as what JSON can hold.

    Args:
        value: anything.
        hold: for what is no literal; what it raises is passed on.
        lazily: keep iterators too, instead of taking all that they yield.

    Raises:
        TooLarge: it has too many values or is too deep.
    """
    return _Encoder(hold, lazily).encode(value, 0)


class _Encoder:
    """Counts the values of one message."""

    def __init__(self, hold: Hold, lazily: bool) -> None:
        self.hold, self.lazily = hold, lazily
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
        for base, tag, items in COLLECTIONS:
            if isinstance(value, base):
                found = [self.encode(item, depth + 1) for item in items(value)]
                return {tag: sorted(found, key=repr) if tag in UNORDERED else found}
        return self._other(value, kind, depth)

    def _other(self, value: object, kind: type, depth: int) -> Any:
        if isinstance(value, dict):
            pairs = dict.items(value)
            return {"d": [[self.encode(part, depth + 1) for part in pair] for pair in pairs]}
        if isinstance(value, complex):
            return {"c": [float.__repr__(part) for part in (value.real, value.imag)]}
        if isinstance(value, bytes | bytearray):
            tag = "b" if isinstance(value, bytes) else "y"
            return {tag: bytes(memoryview(value)).hex()}
        if isinstance(value, range):
            return {"r": [_whole(part) for part in (value.start, value.stop, value.step)]}
        if isinstance(value, Fraction):
            return {"F": [_whole(value.numerator), _whole(value.denominator)]}
        if isinstance(value, Decimal):
            return {"D": Decimal.__str__(value)}
        for base, tag in VIEWS:
            if isinstance(value, base):
                return {tag: [self.encode(item, depth + 1) for item in list(value)]}  # type: ignore[call-overload]
        if isinstance(value, Opaque) and not value._yields:
            return {"o": [value.__dict__["_kind"], self.hold(value)]}
        if isinstance(value, Iterator) and not self.lazily:
            return {"i": [self.encode(item, depth + 1) for item in _taken(value)]}
        tag = "j" if isinstance(value, Iterator) else "o"
        name = type.__getattribute__(kind, "__name__")
        return {tag: [name if isinstance(name, str) else "object", self.hold(value)]}


COLLECTIONS: tuple[tuple[type, str, Callable[[Any], Any]], ...] = (
    (list, "l", list.__iter__),
    (tuple, "u", tuple.__iter__),
    (set, "s", set.__iter__),
    (frozenset, "z", frozenset.__iter__),
    (deque, "q", deque.__iter__),
)
"""Type, its tag in a message, and how its items are reached past a subclass's own methods."""
UNORDERED = ("s", "z")
"""Spelt in an order of their own, so that equal sets are spelt alike."""
VIEWS: tuple[tuple[type, str], ...] = (
    (type({}.keys()), "k"), (type({}.values()), "v"), (type({}.items()), "t")
)  # fmt: skip


def _whole(number: int) -> Any:
    """Return a whole number; a large one as text, which JSON would read slowly."""
    if -(2**53) < number < 2**53:
        return number
    if number.bit_length() > MOST_BITS:
        raise TooLarge(f"a whole number of more than {MOST_BITS} bits")
    return {"n": hex(number)}


def _taken(values: Iterator[object]) -> Iterator[object]:
    for place, value in enumerate(values):
        if place == MOST_OF_ITERATOR:
            raise TooLarge(f"an iterator with more than {MOST_OF_ITERATOR} values")
        yield value


Makes = Callable[[str, int], object]


def decode(message: Any, opaque: Makes = Opaque, iterator: Makes | None = None) -> Any:
    """Return the value of a message.

    Args:
        message: as ``encode`` returns it.
        opaque: makes what stands for an object of the other process.
        iterator: the same for an iterator.

    Raises:
        Exception: it is no such message. What a program sends may hold anything.
    """
    if not isinstance(message, dict):
        if isinstance(message, list):
            raise ValueError("a list without a tag")
        return message
    if len(message) != 1:
        raise ValueError(f"a value with {len(message)} tags")
    ((tag, body),) = message.items()
    if tag in PLAIN:
        return PLAIN[tag](body)
    if tag in ("o", "j"):
        kind, number = body
        makes = iterator if tag == "j" and iterator is not None else opaque
        return makes(str(kind)[:100], int(number))
    if tag == "d":
        pairs = ((key, value) for key, value in body)
        return {decode(k, opaque, iterator): decode(v, opaque, iterator) for k, v in pairs}
    if tag in MADE:
        return MADE[tag]([decode(item, opaque, iterator) for item in body])
    raise ValueError(f"a value with the unknown tag {tag!r}")


def _hexadecimal(text: str) -> int:
    if len(text) > MOST_BITS // 4 + 4:
        raise TooLarge(f"a whole number of more than {MOST_BITS} bits")
    return int(text, 16)


PLAIN: dict[str, Callable[[Any], Any]] = {
    "f": float,
    "c": lambda parts: complex(*map(float, parts)),
    "b": bytes.fromhex,
    "y": bytearray.fromhex,
    "n": _hexadecimal,
    "r": lambda parts: range(*map(decode, parts)),
    "F": lambda parts: Fraction(*map(decode, parts)),
    "D": Decimal,
}
MADE: dict[str, Callable[[list[Any]], Any]] = {
    "l": list,
    "u": tuple,
    "s": set,
    "z": frozenset,
    "q": deque,
    "i": iter,
    "k": lambda items: dict.fromkeys(items).keys(),
    "v": lambda items: dict(enumerate(items)).values(),
    "t": lambda items: dict(items).items(),
}


class Line:
    """A connection on which both sides send messages of JSON, one answer for each request."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over a connected stream socket."""
        self.connection = connection
        self.rest = bytearray()

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
        found = bytes(self.rest[:size])
        del self.rest[:size]
        return found
