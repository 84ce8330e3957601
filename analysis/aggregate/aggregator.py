"""What a rule that picks one sample of each subset is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.core.types import Floats, Ints
from workbench.pools import Pool

if TYPE_CHECKING:
    from workbench.config.schema import Selection


@dataclass(frozen=True, slots=True)
class Aggregator:
    """A rule that picks one sample of each subset."""

    pick: Callable[[Pool, Ints, Selection], Ints]
    """(pool, subsets (S, K), settings, whose reward is the one to go by) -> (S,) positions among
    the members, or ``NOBODY``."""
    summary: str
    needs: tuple[str, ...]
    """Fields of ``Pool`` it reads, so that a stage knows what it may skip."""
    expected: Callable[[Pool, Ints, Selection], Floats] | None = None
    """(pool, sizes k, settings) -> exact mean outcome over all k-subsets for each k, where one is
    known."""
    uses_reward: bool = False
    """Whether ``NAME:REWARD`` chooses another reward for it."""
