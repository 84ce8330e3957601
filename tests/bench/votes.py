"""Exact accuracy of a majority vote for every k of a pool."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from math import comb

import numpy as np

from tests.bench import Row, seconds
from workbench.analysis.aggregate import maj_at_k

CLUSTERS = 60
RIGHT = 1
"""The cluster that is correct, one of the larger ones."""


def rows(full: bool) -> Iterator[Row]:
    """Time all k of pools of several shapes and report the slowest; there is no peer."""
    for size, target in ((256, "under 5 ms"), (1024, "under 50 ms")):
        taken = {}
        for shape, counts in _shapes(size).items():
            clusters = np.repeat(np.arange(CLUSTERS), counts)
            # right samples in every cluster, so that every one of them counts if it wins
            work = partial(maj_at_k, clusters, np.arange(size) % 3 == 0, np.arange(1, size + 1))
            taken[shape] = seconds(work)
        slowest = max(taken, key=taken.__getitem__)
        yield Row(
            f"maj@k for all k, N = {size:,}, {CLUSTERS} answers",
            f"{1e3 * taken[slowest]:.2f} ms ({slowest}, the slowest of {', '.join(taken)})",
            "", None, target,
        )  # fmt: skip
    error = max(_error(counts) for counts in _shapes(256).values())
    yield Row(
        f"maj@k for all k, N = 256, {CLUSTERS} answers: largest relative error",
        f"{error:.0e}", "exact rationals", None, "under 1e-12", "one rounding is 1e-16",
    )  # fmt: skip


def _shapes(size: int) -> dict[str, np.ndarray]:
    """Sizes of the clusters of pools in which every cluster is there."""
    rng = np.random.default_rng(0)
    rest = size - CLUSTERS
    rank = 1.0 / np.arange(1, CLUSTERS + 1)
    shapes = {
        "Zipf": rng.multinomial(rest, rank / rank.sum()),
        "equal": np.bincount(np.arange(rest) % CLUSTERS, minlength=CLUSTERS),
        "uniform": rng.multinomial(rest, np.full(CLUSTERS, 1 / CLUSTERS)),
        "one dominates": rng.multinomial(rest, [0.9, *[0.1 / (CLUSTERS - 1)] * (CLUSTERS - 1)]),
        "four lead": rng.multinomial(rest, [*[0.24] * 4, *[0.04 / 56] * (CLUSTERS - 4)]),
    }
    return {name: counts + 1 for name, counts in shapes.items()}


def _error(counts: np.ndarray) -> float:
    """Largest relative error over all k, against whole numbers."""
    clusters = np.repeat(np.arange(len(counts)), counts)
    found = maj_at_k(clusters, clusters == RIGHT, np.arange(1, len(clusters) + 1))
    errors = []
    for value, exact in zip(found.tolist(), _exact([int(n) for n in counts]), strict=True):
        errors.append(abs(Fraction(value) / exact - 1) if exact else Fraction(value))
    return float(max(errors))


def _exact(counts: list[int]) -> list[Fraction]:
    """maj@k for k = 1…N, in whole numbers: by the winner's votes and by how many are tied."""
    size, mine = sum(counts), counts[RIGHT]
    others = counts[:RIGHT] + counts[RIGHT + 1 :]
    found = [Fraction(0)] * (size + 1)
    for votes in range(1, mine + 1):
        ways = [np.array([1], dtype=object)]  # [t]: subsets of the others of which t are tied
        for other in (n for n in others if n >= votes):
            fewer = np.array([*(comb(other, drawn) for drawn in range(votes)), 0], dtype=object)
            tie = np.array([*[0] * votes, comb(other, votes)], dtype=object)
            none = [0 * ways[0]]
            ways = [
                np.convolve(untied, fewer) + np.convolve(tied, tie)
                for untied, tied in zip(ways + none, none + ways, strict=True)
            ]
        rest = sum(n for n in others if n < votes)
        smaller = np.array([comb(rest, drawn) for drawn in range(rest + 1)], dtype=object)
        for tied, row in enumerate(ways):
            share = Fraction(comb(mine, votes), tied + 1)
            for used, number in enumerate(np.convolve(row, smaller), votes):
                found[used] += share * int(number)
    return [value / comb(size, k) for k, value in enumerate(found) if k]
