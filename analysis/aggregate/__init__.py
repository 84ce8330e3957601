"""AGGREGATORS: how one sample is picked of each subset, and how right the picks are.

The first half of the analysis stage: it reads subsets, scores and pools, and writes outcomes and
exact expectations beside them. Imports ``workbench`` alone. Start reading in ``rules.py``, which
picks from one subset in plain Python; ``batched.py`` picks from all subsets of a pool at once,
``exact.py`` has the expectations over all subsets, and ``stage.py`` writes the tables. Adding an
aggregator is one function here and one row of the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.aggregate import batched
from workbench.analysis.aggregate.aggregator import Aggregator
from workbench.analysis.aggregate.exact import best_at_k, maj_at_k
from workbench.analysis.aggregate.rules import best_of_n, majority, mbr, weighted_majority
from workbench.config.schema import Selection
from workbench.core.lookup import lookup
from workbench.core.name_table import NameTable
from workbench.core.types import Floats, Ints
from workbench.rewards import REWARDS

if TYPE_CHECKING:
    from workbench.pools import Pool

__all__ = [
    "AGGREGATORS", "best_at_k", "best_of_n", "maj_at_k", "majority", "mbr", "rewards_of",
    "weighted_majority",
]  # fmt: skip


def rewards_of(pool: Pool, settings: Selection) -> Floats:
    """(N,) rewards of the pool that a selection goes by."""
    return lookup(pool.rewards, settings.reward or "", kind="reward of this pool")


def _weights(pool: Pool, subsets: Ints, settings: Selection) -> Floats:
    """(S, K) rewards as the weights of votes: exp of a log-probability, others as they are."""
    rewards = rewards_of(pool, settings)[subsets]
    if not lookup(REWARDS, settings.reward or "", kind="reward").is_log:
        return rewards
    # Relative to the likeliest, which changes no vote and keeps long sequences from underflowing.
    top = np.where(np.isfinite(rewards), rewards, -np.inf).max(axis=1, keepdims=True)
    return np.asarray(np.exp(rewards - np.where(np.isfinite(top), top, 0.0)))


# `expected` refuses a pool whose correctness is unknown somewhere: its caller leaves such samples
# out, or takes them for wrong and for right, for the two extremes.
AGGREGATORS = NameTable("aggregator", {
    "maj": Aggregator(
        pick=lambda pool, subsets, _: batched.majority_picks(pool.clusters, subsets),
        summary="first sample of the commonest answer",
        needs=("clusters",),
        expected=lambda pool, sizes, _: maj_at_k(pool.clusters, pool.correct, sizes),
    ),
    "best": Aggregator(
        pick=lambda pool, subsets, told: batched.best_picks(rewards_of(pool, told), subsets),
        summary="highest reward",
        needs=("rewards",),
        expected=lambda pool, sizes, told: best_at_k(rewards_of(pool, told), pool.correct, sizes),
    ),
    "weighted": Aggregator(
        pick=lambda pool, subsets, told: batched.weighted_picks(
            pool.clusters, _weights(pool, subsets, told), subsets
        ),
        summary="answer with the largest sum of rewards (exp of log-probabilities)",
        needs=("clusters", "rewards"),
    ),
    "best_of_majority": Aggregator(
        pick=lambda pool, subsets, told: batched.ranked_answers(
            pool.clusters, rewards_of(pool, told), subsets, told.threshold, 1
        )[:, 0],
        summary="highest mean reward among answers with selection.threshold of the votes or more",
        needs=("clusters", "rewards"),
    ),
    "filtered": Aggregator(
        pick=lambda pool, subsets, told: batched.filtered_picks(
            pool.clusters, rewards_of(pool, told), _weights(pool, subsets, told), subsets, told.kept
        ),
        summary="weighted vote among the share selection.kept of the samples with the highest "
        "reward",
        needs=("clusters", "rewards"),
    ),
    "borda": Aggregator(
        pick=lambda pool, subsets, told: batched.borda_picks(
            pool.clusters, rewards_of(pool, told), subsets, told.power
        ),
        summary="vote in which the rank of a sample's reward, to selection.power, is its weight",
        needs=("clusters", "rewards"),
    ),
    "sem_mbr": Aggregator(
        pick=lambda pool, subsets, _: batched.mbr_picks(pool.similarity, subsets),
        summary="largest mean cosine similarity with the others",
        needs=("similarity",),
    ),
    "lex_mbr": Aggregator(
        pick=lambda pool, subsets, _: batched.mbr_picks(pool.bleu, subsets),
        summary="largest mean sentence BLEU with the others",
        needs=("bleu",),
    ),
    "exec_mbr": Aggregator(
        pick=lambda pool, subsets, _: batched.mbr_picks(pool.agreement, subsets),
        summary="program whose outputs agree with the others' on the largest share of the calls",
        needs=("agreement",),
    ),
})  # fmt: skip
