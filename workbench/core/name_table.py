"""Tables of what an experiment can name; they know which of their rows a plug-in has added."""

from __future__ import annotations

import os
import re
import shutil
import textwrap
import time
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from workbench.core.lookup import unknown

Row = TypeVar("Row")

NAME_TABLES: list[NameTable[Any]] = []
"""Every table that has been imported."""
NOT_LOADED: dict[str, None] = {}
"""Plug-ins of runs that this process has opened or made and that are not loaded now: an unknown
name may be theirs."""
SESSION = f"of process {os.getpid()}, {time.time_ns()}"
"""Stands for the hash of a row that is in no file: the results of another session are not its."""


class NameTable(dict[str, Row]):
    """A dict of what there is of one kind, by name, such as ``METRICS``.

    A plug-in adds a row as any code does, ``METRICS["spread"] = Metric(...)``;
    ``workbench.core.plugins`` then writes into ``added_by`` whose row it is.

    Example:
        >>> COLOURS = NameTable("colour", {"red": 1, "green": 2})
        >>> COLOURS["rd"]
        Traceback (most recent call last):
        ValueError: unknown colour 'rd'; did you mean 'red'? (known: red, green)
        >>> _ = NAME_TABLES.remove(COLOURS)
    """

    def __init__(self, kind: str, rows: Mapping[str, Row]) -> None:
        """Take what the rows are called in messages ("metric"), and the rows that ship."""
        super().__init__(rows)
        self.kind = kind
        self.shipped = dict(rows)
        """The rows that ship with the workbench."""
        self.added_by: dict[str, tuple[str, str]] = {}
        """By name of a row that a plug-in added: the plug-in, and its SHA-256."""
        NAME_TABLES.append(self)

    def __missing__(self, name: str) -> Row:
        """Refuse a name that is not in the table; the plug-in that has it may not be loaded.

        Raises:
            ValueError: always; the message lists the names that there are.
        """
        raise ValueError(unknown(name, self, self.kind) + unloaded_hint())

    def __repr__(self) -> str:
        """List the names, each with its row's summary or docstring; long lines are wrapped."""
        width = max(map(len, self), default=0)
        room = max(20, shutil.get_terminal_size((100, 24)).columns - width - 3)
        lines: list[str] = []
        for name, row in self.items():
            first, *rest = textwrap.wrap(summary_of(row), room) or [""]
            lines += [f"{name:<{width}}  {first}", *(f"{'':<{width}}  {line}" for line in rest)]
        return "\n".join(lines)

    def hashes(self, names: Iterable[str]) -> dict[str, str]:
        """Return the SHA-256 of the plug-in behind each of some names; none for rows that ship.

        A stage puts them into its fingerprint, so that a changed plug-in makes its results stale.
        A row that was written into the table by hand, as in a notebook, has no file to be compared
        with: what it makes is made again in each session.

        Example:
            >>> table = NameTable("metric", {"dpp": 1})
            >>> table["spread"] = 2
            >>> table.added_by["spread"] = ("my_metrics.py", "ab12")
            >>> table.hashes(["dpp", "spread"])
            {'spread': 'ab12'}
            >>> _ = NAME_TABLES.remove(table)
        """
        found = {}
        for name in names:
            if name in self.added_by:
                found[name] = self.added_by[name][1]
            elif self.get(name) is not self.shipped.get(name):
                found[name] = SESSION
        return found


def unloaded_hint() -> str:
    """Return what to add to a message about an unknown name; '' where no plug-in is missing."""
    named = ", ".join(NOT_LOADED)
    return f"; it may be of a plug-in that is not loaded: {named}" if named else ""


def summary_of(row: Any) -> str:
    """Return what a row is, in a line: its ``summary``, or the first line of its docstring.

    Example:
        >>> summary_of(summary_of)
        'Return what a row is, in a line: its ``summary``, or the first line of its docstring.'
    """
    told = getattr(row, "summary", None)
    return told if isinstance(told, str) else str(row.__doc__ or "").strip().partition("\n")[0]


def plugin_hashes(**parts: dict[str, str]) -> dict[str, Any]:
    """Return what plug-ins add to a fingerprint, by kind; nothing where none is used.

    Fingerprints of runs without plug-ins stay what they were before there were any.

    Example:
        >>> plugin_hashes(metrics={}), plugin_hashes(metrics={"spread": "ab12"}, pruners={})
        ({}, {'plugins': {'metrics': {'spread': 'ab12'}}})
    """
    used = {kind: hashes for kind, hashes in parts.items() if hashes}
    return {"plugins": used} if used else {}


def take_additions(table: NameTable[Any], before: Mapping[str, Any], plugin: str, sha: str) -> None:
    """Note which rows a plug-in has added to a table that held ``before``.

    Raises:
        ValueError: it replaced or removed a row, or added one of the wrong type or under a name
            that cannot be given in an experiment.
    """
    for name, row in before.items():
        if table.get(name) is not row:
            here = "the workbench itself" if name in table.shipped else "this session"
            owner, _ = table.added_by.get(name, (here, ""))
            raise ValueError(
                f"there is a {table.kind} {name!r} already, of {owner}; give yours another name"
            )
    wanted = type(next(iter(table.shipped.values())))
    for name, row in table.items():
        if name in before:
            continue
        if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]*", name):
            allowed = "letters, digits, '_', '.' and '-'"
            raise ValueError(f"the name of a {table.kind} is made of {allowed}, got {name!r}")
        if not isinstance(row, wanted):
            got = type(row).__name__
            raise ValueError(f"the {table.kind} {name!r} must be a {wanted.__name__}, got {got}")
        table.added_by[name] = (plugin, sha)
