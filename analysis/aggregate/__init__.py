"""How one sample is picked from a subset, by name, and what each rule needs."""

import numpy as np

from analysis.aggregate.expected import best_at_k, maj_at_k
from analysis.aggregate.picks import best_picks, majority_picks, mbr_picks, weighted_picks
from analysis.aggregate.select import best_of_n, majority, mbr, weighted_majority
from analysis.aggregate.votes import best_of_majority, filtered_majority
from workbench.lookup import lookup
from workbench.rewards import REWARDS
from workbench.types import NOBODY, Aggregator, Floats, Ints, Pool

__all__ = [
    "AGGREGATORS",
    "best_at_k",
    "best_of_majority",
    "best_of_n",
    "filtered_majority",
    "maj_at_k",
    "majority",
    "mbr",
    "weighted_majority",
]

MAJORITY = 0.15
"""Share of the votes from which on ``best_of_majority`` takes an answer seriously: with less, a
wrong answer that the reward loves may come through, with more, a right one may be missed."""
KEPT = 0.5
"""Share of the samples that ``filtered`` lets vote."""


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


def _pick_best_of_majority(pool: Pool, subsets: Ints, reward: str) -> Ints:
    values = _rewards(pool, reward)
    found = [best_of_majority(pool.clusters[s], values[s], MAJORITY) for s in subsets]
    return _positions(found)


def _pick_filtered(pool: Pool, subsets: Ints, reward: str) -> Ints:
    values = _rewards(pool, reward)[subsets]
    rows = zip(pool.clusters[subsets], values, _weights(values, reward), strict=True)
    return _positions([filtered_majority(*row, KEPT) for row in rows])


def _positions(found: list[int | None]) -> Ints:
    return np.array([NOBODY if place is None else place for place in found], dtype=np.int64)


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
    "best_of_majority": Aggregator(
        _pick_best_of_majority,
        f"highest mean reward among answers with {MAJORITY:.0%} of the votes or more",
        needs=("clusters", "rewards"),
        uses_reward=True,
    ),
    "filtered": Aggregator(
        _pick_filtered,
        f"weighted vote among the {KEPT:.0%} of the samples with the highest reward",
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
