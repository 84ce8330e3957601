"""REWARDS: how good a sample is thought to be, without knowing the right answer.

Adding one is one function over the sample rows and one line in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.types import Floats

if TYPE_CHECKING:
    import pandas as pd

    from workbench.config.schema import Experiment
    from workbench.storage.manifest import Manifest
    from workbench.storage.run_folder import Folder


@dataclass(frozen=True, slots=True)
class Reward:
    """A function over sample rows and what a reader needs in order to use it."""

    summary: str
    is_log: bool
    """True for a log-probability or a log-ratio: a vote is weighted by its exponential. False for a
    value of at least 0, which is a weight as it is; in [0, 1] it is a chance of being right."""
    fn: Callable[[pd.DataFrame], Floats] | None = None
    """(R rows of ``samples``) -> (R,); NaN where a sample has none. Larger is better."""
    judge: Callable[[Folder, Manifest, Experiment], None] | None = None
    """Instead of ``fn``, for a reward that needs a model: a step of its own, which leaves a table
    ``rewards/NAME`` beside the samples (key and ``reward``) and does only what is missing."""
    learn: Callable[[Folder, Manifest, Experiment, Mapping[int, str]], None] | None = None
    """Instead of ``fn``, for a reward that is learned from the run's own correctness and
    embeddings: the same, after these are there. Given what each block's are made of."""


def likelihood(samples: pd.DataFrame) -> Floats:
    """Mean token log-probability of each sample, nats per token; 0 at most, larger is likelier."""
    return samples["mean_logprob"].to_numpy(dtype=float)


def given(samples: pd.DataFrame) -> Floats:
    """Reward that each sample of an imported run came with, as a weight in [0, 1]; else NaN."""
    if "given_reward" not in samples:
        return np.full(len(samples), np.nan)
    return samples["given_reward"].to_numpy(dtype=float)


def _orm(folder: Folder, manifest: Manifest, experiment: Experiment) -> None:
    from workbench.rewards.outcome_model import judge  # it needs the folder, which needs this table

    judge(folder, manifest, experiment)


def _density_ratio(folder: Folder, manifest: Manifest, experiment: Experiment) -> None:
    from workbench.rewards.log_ratio import density_ratio

    density_ratio(folder, manifest, experiment)


def _implicit_reward(folder: Folder, manifest: Manifest, experiment: Experiment) -> None:
    from workbench.rewards.log_ratio import implicit_reward

    implicit_reward(folder, manifest, experiment)


def _self_certainty(folder: Folder, manifest: Manifest, experiment: Experiment) -> None:
    from workbench.rewards.self_certainty import self_certainty

    self_certainty(folder, manifest, experiment)


def _quality(
    folder: Folder, manifest: Manifest, experiment: Experiment, made_of: Mapping[int, str]
) -> None:
    from workbench.rewards.quality import learn

    learn(folder, manifest, experiment, made_of)


REWARDS: dict[str, Reward] = {
    "likelihood": Reward("mean token log-probability [nats/token]", is_log=True, fn=likelihood),
    "given": Reward("the reward that imported samples came with", is_log=False, fn=given),
    "orm": Reward(
        "probability of + against - from an outcome reward model", is_log=False, judge=_orm
    ),
    "density_ratio": Reward(
        "log-ratio of a strong model over a weak one [nats/token]",
        is_log=True,
        judge=_density_ratio,
    ),
    "implicit_reward": Reward(
        "beta x log-ratio of a policy over its reference [nats]",
        is_log=True,
        judge=_implicit_reward,
    ),
    "self_certainty": Reward(
        "mean distance of next-token distributions from uniform [nats]",
        is_log=False,
        judge=_self_certainty,
    ),
    "quality": Reward(
        "chance of being right, learned from features across problems", is_log=False, learn=_quality
    ),
}
