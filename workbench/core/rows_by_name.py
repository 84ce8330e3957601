"""RowsByName: a table of what there is by name, such as METRICS, that prints as a list."""

from __future__ import annotations

import shutil
import textwrap
from typing import Any, TypeVar

T = TypeVar("T")


class RowsByName(dict[str, T]):
    """A dictionary of rows by name. It prints a line for each: the name and what the row is.

    The line is the row's ``summary``, or else the first line of its docstring.

    >>> from workbench.metrics.likelihood import mean_length
    >>> RowsByName({"num_tokens": mean_length, "own": mean_length})
    num_tokens  Mean length of a subset's samples, in tokens.
    own         Mean length of a subset's samples, in tokens.
    """

    def __repr__(self) -> str:
        """List the names, each with what it is; long lines are wrapped."""
        width = max(map(len, self), default=0)
        room = max(20, shutil.get_terminal_size((100, 24)).columns - width - 3)
        lines: list[str] = []
        for name, row in self.items():
            first, *rest = textwrap.wrap(_summary(row), room) or [""]
            lines += [f"{name:<{width}}  {first}", *(f"{'':<{width}}  {line}" for line in rest)]
        return "\n".join(lines)


def _summary(row: Any) -> str:
    said = getattr(row, "summary", None)
    return said if isinstance(said, str) else str(row.__doc__ or "").strip().partition("\n")[0]
