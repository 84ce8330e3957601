"""Look up a name in a table, with a helpful error."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")


def lookup(table: Mapping[str, T], name: str, kind: str) -> T:
    """Return ``table[name]``.

    Args:
        table: all entries by name.
        name: the name asked for.
        kind: what the names stand for, for the message ("metric", "task").

    Raises:
        ValueError: no such name; the message lists the choices and the nearest one.

    Example:
        >>> lookup({"dpp": 1, "cos_sim": 2}, "dpp", "metric")
        1
        >>> lookup({"dpp": 1, "cos_sim": 2}, "dppp", "metric")
        Traceback (most recent call last):
        ValueError: unknown metric 'dppp'; did you mean 'dpp'? (known: dpp, cos_sim)
    """
    if name in table:
        return table[name]
    near = get_close_matches(name, table, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"unknown {kind} {name!r}{hint} (known: {', '.join(table)})")
