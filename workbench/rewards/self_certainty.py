"""The reward ``self_certainty``: how far the model's next-token distributions are from uniform.

The mean over a sample's tokens of KL(uniform || p), nats: 0 for a model that holds every token
equally likely, and the larger the more certain the model is. It is not a probability, and it grows
with the size of the vocabulary, so compare it only under one model. It needs whole distributions,
so the samples are scored again with transformers: the 20 likeliest tokens, which vLLM returns, say
nothing about the unlikely ones, which make up most of the sum.

Source:
    Kang et al. (2025), arXiv:2502.18581, equation 9, under the untempered model; they vote with it
    by ranks (the selection ``borda``). Checked against the package scorio on whole distributions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from workbench.config.scoring_schema import Scoring
from workbench.rewards.second_model_rewards import read_second_model, write_reward
from workbench.storage.open_run import OpenRun

VERSION = 1
"""Raise when a certainty would come out otherwise, so that finished runs are computed again."""


def self_certainty(run: OpenRun, scoring: Scoring) -> None:
    """Take the certainty of the model ``scoring.self_certainty`` as a reward.

    Raises:
        ValueError: there is no such model, or it has not scored the samples.
    """
    name = scoring.self_certainty
    if name is None:
        raise ValueError("the reward 'self_certainty' needs scoring.self_certainty")

    def columns(block: int, samples: pa.Table) -> dict[str, Any]:
        table = read_second_model(run, name, block, samples)
        certainties = table.column("mean_certainty")
        values = np.asarray(certainties.to_numpy(zero_copy_only=False), dtype=np.float64)
        # one impossible token makes a certainty infinite, and such values cannot be ranked
        return {"reward": pa.array(np.where(np.isfinite(values), values, np.nan), from_pandas=True)}

    settings = {"version": VERSION, "model": name}
    write_reward(run, "self_certainty", settings, [name], columns)
