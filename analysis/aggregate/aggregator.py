"""What a rule is that picks one sample of each subset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.config.schema import Selection
from workbench.core.call_check import refuse_call
from workbench.core.types import Floats, Ints

if TYPE_CHECKING:
    from workbench.pools import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregator:
    """A rule that picks one sample of each subset."""

    pick: Callable[[Pool, Ints, Selection], Ints]
    """(pool, subsets (S, K), settings, whose reward is the one to go by) -> (S,) positions among
    the members, or ``NOBODY``."""
    summary: str
    needs: tuple[str, ...]
    """Fields of ``Pool`` it reads, so that a stage knows what it may skip. One that reads
    ``rewards`` can be given another reward as ``NAME:REWARD``."""
    expected: Callable[[Pool, Ints, Selection], Floats] | None = None
    """(pool, sizes k, settings) -> exact mean outcome over all k-subsets for each k, where one is
    known."""

    def __post_init__(self) -> None:
        """Refuse functions that do not take what they will be given; TypeError."""
        refuse_call("pick", self.pick, ("pool", "subsets", "settings"))
        if self.expected is not None:
            refuse_call("expected", self.expected, ("pool", "sizes", "settings"))

    def __repr__(self) -> str:
        """Say what it picks and what it needs."""
        return f"Aggregator({self.summary!r}, needs={self.needs})"
