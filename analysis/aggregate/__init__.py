"""AGGREGATORS: how one sample is picked of each subset, and how right the picks are.

The first half of the analysis stage: it reads subsets, scores and pools, and writes outcomes and
exact expectations beside them. Imports ``workbench`` alone. Start reading in ``rules.py``, which
picks from one subset in plain Python; ``batched.py`` picks from all subsets of a pool at once,
``exact.py`` has the expectations over all subsets, and ``stage.py`` writes the tables. Adding an
aggregator is one function here and one row of the table.
"""

import numpy as np

from analysis.aggregate.aggregator import Aggregator
from analysis.aggregate.batched import (
    best_picks,
    borda_picks,
    filtered_picks,
    majority_picks,
    mbr_picks,
    ranked_answers,
    weighted_picks,
)
from analysis.aggregate.exact import best_at_k, maj_at_k
from analysis.aggregate.rules import best_of_n, majority, mbr, weighted_majority
from workbench.config.schema import Selection
from workbench.core.lookup import lookup
from workbench.core.types import Floats, Ints
from workbench.pools import Pool
from workbench.rewards import REWARDS

__all__ = [
    "AGGREGATORS",
    "best_at_k",
    "best_of_n",
    "maj_at_k",
    "majority",
    "mbr",
    "rewards_of",
    "weighted_majority",
]


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


def _pick_maj(pool: Pool, subsets: Ints, settings: Selection) -> Ints:
    return majority_picks(pool.clusters, subsets)


def _pick_best(pool: Pool, subsets: Ints, settings: Selection) -> Ints:
    return best_picks(rewards_of(pool, settings), subsets)


def _pick_weighted(pool: Pool, subsets: Ints, settings: Selection) -> Ints:
    return weighted_picks(pool.clusters, _weights(pool, subsets, settings), subsets)


def _pick_best_of_majority(pool: Pool, subsets: Ints, settings: Selection) -> Ints:
    rewards = rewards_of(pool, settings)
    return ranked_answers(pool.clusters, rewards, subsets, settings.threshold, 1)[:, 0]


def _pick_filtered(pool: Pool, subsets: Ints, settings: Selection) -> Ints:
    rewards, weights = rewards_of(pool, settings), _weights(pool, subsets, settings)
    return filtered_picks(pool.clusters, rewards, weights, subsets, settings.kept)


def _pick_borda(pool: Pool, subsets: Ints, settings: Selection) -> Ints:
    return borda_picks(pool.clusters, rewards_of(pool, settings), subsets, settings.power)


def _pick_sem_mbr(pool: Pool, subsets: Ints, settings: Selection) -> Ints:
    return mbr_picks(pool.similarity, subsets)


def _pick_lex_mbr(pool: Pool, subsets: Ints, settings: Selection) -> Ints:
    return mbr_picks(pool.bleu, subsets)


def _maj_at_k(pool: Pool, sizes: Ints, settings: Selection) -> Floats:
    return maj_at_k(pool.clusters, pool.correct, sizes)


def _best_at_k(pool: Pool, sizes: Ints, settings: Selection) -> Floats:
    return best_at_k(rewards_of(pool, settings), pool.correct, sizes)


# `expected` refuses a pool whose correctness is unknown somewhere: its caller replaces NaN by 0 and
# by 1 for the two extremes.
AGGREGATORS: dict[str, Aggregator] = {
    "maj": Aggregator(
        pick=_pick_maj,
        summary="first sample of the commonest answer",
        needs=("clusters",),
        expected=_maj_at_k,
    ),
    "best": Aggregator(
        pick=_pick_best,
        summary="highest reward",
        needs=("rewards",),
        expected=_best_at_k,
        uses_reward=True,
    ),
    "weighted": Aggregator(
        pick=_pick_weighted,
        summary="answer with the largest sum of rewards (exp of log-probabilities)",
        needs=("clusters", "rewards"),
        uses_reward=True,
    ),
    "best_of_majority": Aggregator(
        pick=_pick_best_of_majority,
        summary="highest mean reward among answers with selection.threshold of the votes or more",
        needs=("clusters", "rewards"),
        uses_reward=True,
    ),
    "filtered": Aggregator(
        pick=_pick_filtered,
        summary="weighted vote among the share selection.kept of the samples with the highest "
        "reward",
        needs=("clusters", "rewards"),
        uses_reward=True,
    ),
    "borda": Aggregator(
        pick=_pick_borda,
        summary="vote in which the rank of a sample's reward, to selection.power, is its weight",
        needs=("clusters", "rewards"),
        uses_reward=True,
    ),
    "sem_mbr": Aggregator(
        pick=_pick_sem_mbr,
        summary="largest mean cosine similarity with the others",
        needs=("similarity",),
    ),
    "lex_mbr": Aggregator(
        pick=_pick_lex_mbr,
        summary="largest mean sentence BLEU with the others",
        needs=("bleu",),
    ),
}
