"""Look up a name in a table, with a helpful error."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")


def lookup(table: Mapping[str, T], name: str, kind: str) -> T:
    """Return ``table[name]``; ``kind`` is what the names stand for ("metric", "task").

    Raises:
        ValueError: no such name; the message lists the choices and the nearest one.

    Example:
        >>> lookup({"dpp": 1, "cos_sim": 2}, "dppp", "metric")
        Traceback (most recent call last):
        ValueError: unknown metric 'dppp'; did you mean 'dpp'? (known: dpp, cos_sim)
    """
    if name in table:
        return table[name]
    raise ValueError(unknown(name, table, kind))


def unknown(name: str, known: Iterable[str], kind: str = "") -> str:
    """Return what to say of a name that is not known; without ``kind`` it is a section's key.

    Example:
        >>> unknown("temprature", ["n", "temperatures"])
        "unknown key; did you mean 'temperatures'? (known: n, temperatures)"
    """
    choices = list(known)
    near = get_close_matches(name, choices, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    what = f"{kind} {name!r}" if kind else "key"
    return f"unknown {what}{hint} (known: {', '.join(choices)})"
