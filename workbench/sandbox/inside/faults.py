"""What can go wrong with a program that the tests call, and how values are told of."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from functools import cache
from typing import Any

from workbench.sandbox.inside.literals import Opaque

LONGEST = 400
"""Letters of a value in what is told of a failed test."""
UNREADABLE = {"exception": "ValueError", "says": "no answer that can be read"}
"""What a program is taken to have raised that sends what is no message."""
NEVER_CAUGHT = (Exception, StopIteration, StopAsyncIteration)
"""Built-in exceptions that a program's are not raised as: the last two would end a test's loop."""


class Gone(BaseException):
    """The program's process is gone; no test that catches every Exception catches this."""


class Unsupported(BaseException):
    """A test needs of the program what no proxy can give it; not to be caught, either."""


class Raised(Exception):
    """The program raised an exception: its type, what it said, and what it tells of limits."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        """Keep what is told of it, as ``raised`` has read it."""
        self.told = told
        self.text = plain(f"{told['exception']}: {told['says']}")
        super().__init__(self.text)

    def __str__(self) -> str:
        """Return what is said of it, whichever built-in exception it is raised as."""
        return self.text


@cache
def _raised_as(name: str) -> type[Raised]:
    """Return the class of exceptions that tests can catch as the built-in one of this name."""
    return type(f"Raised{name}", (Raised, getattr(builtins, name)), {})


def raised(told: Any) -> Raised:
    """Return the exception that a program's answer tells of, whatever that answer is."""
    if not isinstance(told, dict) or not isinstance(told.get("exception"), str):
        return Raised(UNREADABLE)
    read: dict[str, Any] = {name: plain(told.get(name)) for name in ("exception", "says", "base")}
    number = told.get("number")
    read["number"] = number if isinstance(number, int) else None
    read["compiling"] = told.get("compiling") is True
    base = getattr(builtins, read["base"], None)
    if not (isinstance(base, type) and issubclass(base, Exception)) or base in NEVER_CAUGHT:
        return Raised(read)
    try:
        return _raised_as(base.__name__)(read)
    except TypeError:  # a built-in one that is made in a way of its own
        return Raised(read)


def plain(text: object) -> str:
    r"""Return the beginning of a text, such as every file can hold; "" for what is none.

    >>> plain("half of a character: \ud800"), plain(["no text"])
    ('half of a character: \\ud800', '')
    """
    if not isinstance(text, str):
        return ""
    return text[:LONGEST].encode("utf-8", "backslashreplace").decode()


def spelt(value: object) -> str:
    """Return a value as it is told of; the program is not asked."""
    if isinstance(value, Opaque):
        return plain(Opaque.__repr__(value))
    try:
        return plain(repr(value))
    except BaseException as fault:
        return f"<{type(value).__name__}: {type(fault).__name__}>"
