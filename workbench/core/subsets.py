"""Which K of a pool's N samples are looked at together."""

from __future__ import annotations

import hashlib
import json
import math
from itertools import chain, combinations
from math import comb

import numpy as np

from workbench.core.types import Ints


def draw_subsets(n: int, k: int, count: int, rng: np.random.Generator) -> Ints:
    """Draw subsets of ``k`` distinct samples, each uniformly at random and in random order.

    Args:
        n: samples in the pool.
        k: samples in each subset.
        count: how many subsets to draw; the same one may come up twice.
        rng: the only source of randomness.

    Returns:
        (count, k) indices into the pool, no index twice in a row.

    Raises:
        ValueError: ``k`` is not between 1 and ``n``, or ``count`` is negative.
    """
    _check(n, k)
    if count < 0:
        raise ValueError(f"cannot draw {count} subsets; ask for 0 or more")
    return np.ascontiguousarray(np.argsort(rng.random((count, n)), axis=1)[:, :k])


def choose_subsets(n: int, k: int, replicates: int, rng: np.random.Generator) -> Ints:
    """The subsets to look at: all of them where they are few, else random ones.

    Args:
        n: samples in the pool.
        k: samples in each subset.
        replicates: the most subsets wanted.
        rng: the only source of randomness.

    Returns:
        (S, k) indices into the pool, the members of each row in random order, so that whatever
        breaks ties by taking the first breaks them evenly. S = C(n, k), each subset once, where
        that is at most ``replicates`` (always so for k = n); else S = ``replicates`` independent
        draws.

    Raises:
        ValueError: ``k`` is not between 1 and ``n``, or ``replicates`` is below 1.
    """
    _check(n, k)
    if replicates < 1:
        raise ValueError(f"replicates must be at least 1, got {replicates}")
    if comb(n, k) > replicates:
        return draw_subsets(n, k, replicates, rng)
    every = np.fromiter(chain.from_iterable(combinations(range(n), k)), dtype=np.int64)
    return rng.permuted(every.reshape(-1, k), axis=1)


def pool_rng(seed: int, problem_id: str, temperature: float | None, k: int) -> np.random.Generator:
    """The generator behind one pool's subsets of one size.

    It depends on these four alone, so a pool's subsets stay the same when others are added,
    removed or visited in another order, and equal k of two pools are drawn independently.

    Args:
        seed: ``measure.seed`` of the experiment.
        problem_id: the pool's problem.
        temperature: the pool's temperature; None where it is unknown.
        k: samples in each subset.

    Returns:
        A fresh generator, seeded with the SHA-256 of the four.
    """
    # JSON keeps the parts apart: ("a1", 0.5) and ("a", 10.5) are different texts.
    known = math.nan if temperature is None else float(temperature)
    name = json.dumps([int(seed), problem_id, known, int(k)])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest(), "big"))


def members_of(subsets: Ints, n: int) -> Ints:
    """Return subsets as compiled loops take them, every index one of a pool's.

    Args:
        subsets: (S, K) indices, in any layout.
        n: samples in the pool.

    Returns:
        (S, K) int64 in one piece, the same numbers.

    Raises:
        ValueError: ``subsets`` is not (S, K), or an index is not from 0 to ``n`` - 1.
    """
    members = np.ascontiguousarray(subsets, dtype=np.int64)
    if members.ndim != 2:
        raise ValueError(f"subsets must be (S, K), one row per subset, got shape {members.shape}")
    if members.size and members.view(np.uint64).max() >= n:  # as it is, a negative one is large
        wrong = members[(members < 0) | (members >= n)][0]
        raise ValueError(f"there is no sample {wrong} in a pool of {n}; indices count from 0")
    return members


def _check(n: int, k: int) -> None:
    """Refuse a subset that the pool cannot hold."""
    if not 1 <= k <= n:
        raise ValueError(
            f"cannot draw {k} distinct samples from a pool of {n}; k must be between 1 and {n}"
        )
