"""REWARDS: how good a sample is thought to be, without knowing the right answer.

Adding one is one function over the sample rows and one line in the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.types import Floats

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Reward:
    """A function over sample rows and what a reader needs in order to use it."""

    fn: Callable[[pd.DataFrame], Floats]
    """(R rows of ``samples``) -> (R,); NaN where a sample has none. Larger is better."""
    summary: str
    is_log: bool
    """True for a log-probability: a vote is weighted by its exponential. False for a value in
    [0, 1], which is a weight as it is."""


def likelihood(samples: pd.DataFrame) -> Floats:
    """Mean token log-probability of each sample, nats per token; 0 at most, larger is likelier."""
    return samples["mean_logprob"].to_numpy(dtype=float)


REWARDS: dict[str, Reward] = {
    "likelihood": Reward(likelihood, "mean token log-probability [nats/token]", is_log=True),
}
