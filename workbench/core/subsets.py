"""Draws the subsets of a pool: which K of its N samples are measured together."""

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

    Returns:
        (count, k) indices into the pool of ``n``, no index twice in a row; the same subset may come
        up twice.

    Raises:
        ValueError: ``k`` is not between 1 and ``n``, or ``count`` is negative.

    Example:
        >>> drawn = draw_subsets(n=4, k=4, count=2, rng=np.random.default_rng(0))
        >>> np.sort(drawn, axis=1).tolist()
        [[0, 1, 2, 3], [0, 1, 2, 3]]
    """
    _check(n, k)
    if count < 0:
        raise ValueError(f"cannot draw {count} subsets; ask for 0 or more")
    return np.ascontiguousarray(np.argsort(rng.random((count, n)), axis=1)[:, :k])


def choose_subsets(n: int, k: int, replicates: int, rng: np.random.Generator) -> Ints:
    """Return all subsets of a size where they are few, else random ones.

    Returns:
        (S, k) indices into the pool of ``n``, the members of each row in random order, so that
        whatever breaks ties by taking the first breaks them evenly. S = C(n, k), each subset once,
        where that is at most ``replicates`` (always so for k = n); else S = ``replicates``
        independent draws.

    Raises:
        ValueError: ``k`` is not between 1 and ``n``, or ``replicates`` is below 1.

    Example:
        There are three pairs of three samples; each is chosen once, in random order.

        >>> chosen = choose_subsets(n=3, k=2, replicates=10, rng=np.random.default_rng(0))
        >>> sorted(sorted(pair) for pair in chosen.tolist())
        [[0, 1], [0, 2], [1, 2]]
    """
    _check(n, k)
    if replicates < 1:
        raise ValueError(f"replicates must be at least 1, got {replicates}")
    if comb(n, k) > replicates:
        return draw_subsets(n, k, replicates, rng)
    every = np.fromiter(chain.from_iterable(combinations(range(n), k)), dtype=np.int64)
    return rng.permuted(every.reshape(-1, k), axis=1)


def pool_rng(seed: int, problem_id: str, key: float | str | None, k: int) -> np.random.Generator:
    """Return the random generator of one pool's subsets of one size.

    It is seeded with the SHA-256 of these four alone, so a pool's subsets stay the same when others
    are added, removed or visited in another order, and equal k of two pools are drawn
    independently. The seed is ``measure.seed``; the key is what ``drawing_key`` says of the pool's
    condition, None where its temperature is unknown.

    Example:
        >>> pool_rng(0, "p1", 0.7, 8).random() == pool_rng(0, "p1", 0.7, 8).random()
        True
        >>> pool_rng(0, "p1", 0.7, 8).random() == pool_rng(0, "p1", 0.7, 4).random()
        False
    """
    # JSON keeps the parts apart: ("a1", 0.5) and ("a", 10.5) are different texts.
    known = math.nan if key is None else key if isinstance(key, str) else float(key)
    name = json.dumps([int(seed), problem_id, known, int(k)])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest(), "big"))


def members_of(subsets: Ints, n: int) -> Ints:
    """Return subsets (S, K) as compiled loops need them, contiguous, after checking every index.

    Raises:
        ValueError: ``subsets`` is not (S, K), or an index is not from 0 to ``n`` - 1.

    Example:
        >>> members_of(np.array([[0, 2]], dtype=np.int32), 3)
        array([[0, 2]])
        >>> members_of(np.array([[0, 3]]), 3)
        Traceback (most recent call last):
        ValueError: there is no sample 3 in a pool of 3; indices count from 0
    """
    members = np.ascontiguousarray(subsets, dtype=np.int64)
    if members.ndim != 2:
        raise ValueError(f"subsets must be (S, K), one row per subset, got shape {members.shape}")
    if members.size and members.view(np.uint64).max() >= n:  # a negative one is large as uint64
        wrong = members[(members < 0) | (members >= n)][0]
        raise ValueError(f"there is no sample {wrong} in a pool of {n}; indices count from 0")
    return members


def _check(n: int, k: int) -> None:
    """Refuse a subset that the pool cannot hold."""
    if not 1 <= k <= n:
        raise ValueError(
            f"cannot draw {k} distinct samples from a pool of {n}; k must be between 1 and {n}"
        )
