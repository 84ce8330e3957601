"""What is wrong with the rows of a file, as one message: each kind of fault once, with its rows."""

import re
from dataclasses import dataclass, field

from workbench.core.counted import counted
from workbench.tasks.problem_files import FAULTS_SHOWN

VALUE = re.compile(r"(, got ).*|'[^']*'|\d[\d,.]*", re.DOTALL)
"""What differs between faults of one kind: values and numbers."""


@dataclass
class RowFaults:
    """Faults by kind, in order of appearance."""

    first_of: dict[str, str] = field(default_factory=dict)
    """Kind -> its first fault, with where it is."""
    more: dict[str, int] = field(default_factory=dict)
    """Kind -> how many more there are."""
    kinds_hidden: int = 0
    """Faults of kinds beyond the first few."""

    def add(self, label: str, message: str) -> None:
        """Count a fault.

        Example:
            >>> faults = RowFaults()
            >>> for line in range(1, 4):
            ...     faults.add(f"line {line}", f"text: expected a text, got {line}")
            >>> print(faults.listed())
              line 1: text: expected a text, got 1 (and 2 more rows like it)
        """
        kind = VALUE.sub(r"\1", message)
        if kind in self.first_of:
            self.more[kind] = self.more.get(kind, 0) + 1
        elif len(self.first_of) < FAULTS_SHOWN:
            self.first_of[kind] = f"  {label}: {message}"
        else:
            self.kinds_hidden += 1

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self.first_of)

    def listed(self) -> str:
        """Return a line for each kind."""
        lines = []
        for kind, first in self.first_of.items():
            more = self.more.get(kind)
            lines.append(first + (f" (and {counted(more, 'more row')} like it)" if more else ""))
        if self.kinds_hidden:
            lines.append(f"  and {self.kinds_hidden:,} more")
        return "\n".join(lines)
