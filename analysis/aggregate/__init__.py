"""How one sample is picked from a subset, by name, and what each rule needs."""

import numpy as np

from analysis.aggregate.expected import best_at_k, maj_at_k
from analysis.aggregate.picks import best_picks, majority_picks, mbr_picks, weighted_picks
from analysis.aggregate.select import best_of_n, majority, mbr, weighted_majority
from workbench.lookup import lookup
from workbench.rewards import REWARDS
from workbench.types import Aggregator, Floats, Ints, Pool

__all__ = [
    "AGGREGATORS",
    "best_at_k",
    "best_of_n",
    "maj_at_k",
    "majority",
    "mbr",
    "weighted_majority",
]


def _rewards(pool: Pool, reward: str) -> Floats:
    """(N,) rewards of the pool by name."""
    return lookup(pool.rewards, reward, kind="reward of this pool")


def _weights(rewards: Floats, reward: str) -> Floats:
    """Rewards (S, K) as the weights of votes: exp of a log-probability, others as they are."""
    if not lookup(REWARDS, reward, kind="reward").is_log:
        return rewards
    # Relative to the likeliest, which changes no vote and keeps long sequences from underflowing.
    top = np.where(np.isfinite(rewards), rewards, -np.inf).max(axis=1, keepdims=True)
    return np.asarray(np.exp(rewards - np.where(np.isfinite(top), top, 0.0)))


def _pick_maj(pool: Pool, subsets: Ints, reward: str) -> Ints:
    return majority_picks(pool.clusters, subsets)


def _pick_best(pool: Pool, subsets: Ints, reward: str) -> Ints:
    return best_picks(_rewards(pool, reward), subsets)


def _pick_weighted(pool: Pool, subsets: Ints, reward: str) -> Ints:
    return weighted_picks(pool.clusters, _weights(_rewards(pool, reward)[subsets], reward), subsets)


def _pick_sem_mbr(pool: Pool, subsets: Ints, reward: str) -> Ints:
    return mbr_picks(pool.similarity, subsets)


def _pick_lex_mbr(pool: Pool, subsets: Ints, reward: str) -> Ints:
    return mbr_picks(pool.bleu, subsets)


def _maj_at_k(pool: Pool, sizes: Ints, reward: str) -> Floats:
    return maj_at_k(pool.clusters, pool.correct, sizes)


def _best_at_k(pool: Pool, sizes: Ints, reward: str) -> Floats:
    return best_at_k(_rewards(pool, reward), pool.correct, sizes)


# `expected` refuses a pool whose correctness is unknown somewhere: its caller replaces NaN by 0 and
# by 1 for the two extremes.
AGGREGATORS: dict[str, Aggregator] = {
    "maj": Aggregator(
        _pick_maj,
        "first sample of the commonest answer",
        needs=("clusters",),
        expected=_maj_at_k,
    ),
    "best": Aggregator(
        _pick_best,
        "highest reward",
        needs=("rewards",),
        expected=_best_at_k,
        uses_reward=True,
    ),
    "weighted": Aggregator(
        _pick_weighted,
        "answer with the largest sum of rewards (exp of log-probabilities)",
        needs=("clusters", "rewards"),
        uses_reward=True,
    ),
    "sem_mbr": Aggregator(
        _pick_sem_mbr,
        "largest mean cosine similarity with the others",
        needs=("similarity",),
    ),
    "lex_mbr": Aggregator(
        _pick_lex_mbr,
        "largest mean sentence BLEU with the others",
        needs=("bleu",),
    ),
}
