"""Rewards: how good a sample is thought to be, without knowing the right answer.

Imports ``config``, ``core``, ``storage``, ``tasks``, ``models``, ``metrics``, ``pools``, and from
``generate`` the names and versions of the backends. Start reading with the table ``REWARDS`` below,
then ``block_step.py`` and ``model_step.py``, which all rewards with a table of their own share.

To add a reward, write a function and one row of ``REWARDS``. There are three kinds, by what the
values are computed from; see the fields of ``Reward``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.core.call_check import refuse_call
from workbench.core.name_table import NameTable
from workbench.core.types import Floats

if TYPE_CHECKING:
    import pandas as pd

    from workbench.config.scoring_schema import Scoring
    from workbench.storage.open_run import OpenRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Reward:
    """A reward: exactly one of ``fn``, ``judge`` and ``learn`` computes it."""

    summary: str
    """What it is, with the unit in brackets."""
    is_log: bool
    """True for a log-probability or a log-ratio: in a vote its exponential is the weight. False for
    a value of at least 0, which is itself the weight; a value in [0, 1] is a probability of being
    right."""
    fn: Callable[[pd.DataFrame], Floats] | None = None
    """Computes the reward from the samples alone: R rows of ``samples`` -> (R,), NaN where a sample
    has none. Larger is better."""
    judge: Callable[[OpenRun, Scoring], None] | None = None
    """Computes the reward with a model, before the samples are graded. It is a step of its own that
    writes the table ``rewards/NAME`` (key and ``reward``, one row for each sample) for the blocks
    that do not have one."""
    learn: Callable[[OpenRun, Scoring, int, Mapping[int, str]], None] | None = None
    """Learns the reward from the run's own correctness and embeddings, after the samples are graded
    and encoded. It writes the same table as ``judge``. The last arguments are the seed by which
    problems are dealt into parts and, for each block, the fingerprint of its correctness and
    embeddings."""

    def __post_init__(self) -> None:
        """Refuse a row with none or two of the functions, and one that takes something else.

        Raises:
            TypeError: as said.
        """
        taken = {
            "fn": ("samples",),
            "judge": ("run", "scoring"),
            "learn": ("run", "scoring", "seed", "fingerprints"),
        }
        given = {key: fn for key in taken if (fn := getattr(self, key)) is not None}
        if len(given) != 1:
            raise TypeError(f"a reward has one of fn, judge and learn, got {[*given] or 'none'}")
        for key, fn in given.items():
            refuse_call(key, fn, taken[key])

    def __repr__(self) -> str:
        """Say what it is."""
        return f"Reward({self.summary!r}, is_log={self.is_log})"


def likelihood(samples: pd.DataFrame) -> Floats:
    """Mean token log-probability of each sample, nats per token; 0 at most, larger is likelier.

    Of the whole sample, thought and answer, whatever ``measure.text`` says.

    >>> import pandas as pd
    >>> likelihood(pd.DataFrame({"mean_logprob": [-0.5, None]}))
    array([-0.5,  nan])
    """
    return samples["mean_logprob"].to_numpy(dtype=float)


def given(samples: pd.DataFrame) -> Floats:
    """Reward that each sample of an imported run came with, as a weight in [0, 1]; else NaN.

    >>> import pandas as pd
    >>> given(pd.DataFrame({"given_reward": [0.75]})), given(pd.DataFrame({"mean_logprob": [-0.5]}))
    (array([0.75]), array([nan]))
    """
    if "given_reward" not in samples:
        return np.full(len(samples), np.nan)
    return samples["given_reward"].to_numpy(dtype=float)


def partial(samples: pd.DataFrame) -> Floats:
    """Share of its problem's tests that a program passes; NaN where that is unknown.

    It knows the hidden tests, as correctness does: a reward to learn from, not one to select by.

    >>> import pandas as pd
    >>> partial(pd.DataFrame({"share_passed": [0.75]}))
    array([0.75])
    """
    if "share_passed" not in samples:
        return np.full(len(samples), np.nan)
    return samples["share_passed"].to_numpy(dtype=float)


def _deferred(module: str, function: str) -> Callable[..., None]:
    """Return a function of this package that is imported when it is called.

    Every command reads the table, and what is behind it takes a second to import.
    """

    def call(*settings: Any) -> None:
        getattr(import_module(module), function)(*settings)

    return call


REWARDS = NameTable("reward", {
    "likelihood": Reward(
        summary="mean token log-probability [nats/token]", is_log=True,
        fn=likelihood),
    "given": Reward(
        summary="the reward that imported samples came with", is_log=False,
        fn=given),
    "partial": Reward(
        summary="share of the tests that a program passes, hidden ones too", is_log=False,
        fn=partial),
    "orm": Reward(
        summary="probability of + against - from an outcome reward model", is_log=False,
        judge=_deferred("workbench.rewards.outcome_model", "judge")),
    "density_ratio": Reward(
        summary="log-ratio of a strong model over a weak one [nats/token]", is_log=True,
        judge=_deferred("workbench.rewards.second_model_rewards", "density_ratio")),
    "implicit_reward": Reward(
        summary="beta x log-ratio of a policy over its reference [nats]", is_log=True,
        judge=_deferred("workbench.rewards.second_model_rewards", "implicit_reward")),
    "self_certainty": Reward(
        summary="mean distance of next-token distributions from uniform [nats]", is_log=False,
        judge=_deferred("workbench.rewards.second_model_rewards", "self_certainty")),
    "quality": Reward(
        summary="chance of being right, learned from features across problems", is_log=False,
        learn=_deferred("workbench.rewards.quality", "learn")),
})  # fmt: skip
