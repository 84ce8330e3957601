"""The reward ``self_certainty``: how far the model's next-token distributions are from uniform.

The mean over a sample's tokens of KL(uniform || p), nats: 0 for a model that holds every token
equally likely, and the larger the surer it is. It is no probability, and grows with the size of the
vocabulary, so compare it only under one model. From whole distributions, so it is read again with
transformers: the 20 likeliest tokens, which vLLM tells, say nothing of those that make up the sum.

Source:
    Kang et al. (2025), arXiv:2502.18581, equation 9, under the untempered model; they vote with it
    by ranks (the selection ``borda``). Checked against the package scorio on whole distributions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from workbench.config.schema import Experiment
from workbench.rewards.second_model_rewards import read_said, write_reward
from workbench.storage.manifest import Manifest
from workbench.storage.run_folder import Folder

VERSION = 1
"""Raise when a certainty would come out otherwise, so that finished runs are looked at again."""


def self_certainty(folder: Folder, manifest: Manifest, experiment: Experiment) -> None:
    """Take the certainty of the model ``scoring.self_certainty`` as a reward.

    Raises:
        ValueError: there is no such model, or it has not read the samples.
    """
    name = experiment.scoring.self_certainty
    if name is None:
        raise ValueError("the reward 'self_certainty' needs scoring.self_certainty")

    def columns(block: int, samples: pa.Table) -> dict[str, Any]:
        told = read_said(folder, name, block, samples).column("mean_certainty")
        values = np.asarray(told.to_numpy(zero_copy_only=False), dtype=np.float64)
        # an impossible token makes a model infinitely certain, which ranks nothing
        return {"reward": pa.array(np.where(np.isfinite(values), values, np.nan), from_pandas=True)}

    write_reward(
        folder, manifest, "self_certainty", {"version": VERSION, "model": name}, [name], columns
    )
