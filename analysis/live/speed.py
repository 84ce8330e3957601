"""How fast samples come, as far as the files of a run and the looks at them tell."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

LATELY = 60.0
"""Seconds over which a speed is that of now."""


@dataclass
class Speed:
    """Remembers how many tokens there were at the looks of the last minute, and at the first."""

    looks: deque[tuple[float, int]] = field(default_factory=deque)
    """(seconds, tokens), the oldest of them a minute old or more."""
    first: tuple[float, int] | None = None

    def add(self, seconds: float, tokens: int) -> None:
        """Take in a look; seconds of any clock that does not go back."""
        self.first = self.first or (seconds, tokens)
        self.looks.append((seconds, tokens))
        while len(self.looks) > 2 and self.looks[1][0] <= seconds - LATELY:
            self.looks.popleft()

    @property
    def lately(self) -> float | None:
        """Tokens per second over the last minute; None before a second look.

        Example:
            >>> speed = Speed()
            >>> for second in range(0, 210, 10):
            ...     speed.add(second, 5 * second if second < 100 else 500)
            >>> speed.lately, speed.since_first
            (0.0, 2.5)
        """
        return _rate(self.looks[0], self.looks[-1]) if self.looks else None

    @property
    def span(self) -> float:
        """Seconds that ``lately`` is over: a minute or a little more, and less at the beginning."""
        return self.looks[-1][0] - self.looks[0][0] if self.looks else 0.0

    @property
    def since_first(self) -> float | None:
        """Tokens per second since the first look."""
        return _rate(self.first, self.looks[-1]) if self.first else None


def speed_of_drawing(entry: Mapping[str, Any], tokens: int, now: datetime) -> float | None:
    """Return the tokens per second that the manifest's entry of drawing tells of.

    While samples are drawn it is that of this attempt, the loading of the model counted; afterwards
    that of all attempts on the machine. None where it is not known.

    Args:
        entry: of the stage ``generate``.
        tokens: of all samples that are there.
        now: the moment of the look, or of the last sample where the run has ended.
    """
    if entry.get("status") != "running":
        drawing = entry.get("drawing", {})
        return drawing["tokens"] / drawing["seconds"] if drawing.get("seconds") else None
    if "there" not in entry:  # an older version draws
        return None
    seconds = (now - datetime.fromisoformat(entry["started"])).total_seconds()
    return (tokens - entry["there"]["tokens"]) / seconds if seconds > 0 else None


def _rate(before: tuple[float, int], after: tuple[float, int]) -> float | None:
    seconds = after[0] - before[0]
    return (after[1] - before[1]) / seconds if seconds > 0 else None
