"""Choosing the m of N samples that the others are closest to: k-medoids.

It is written out here, as no library fits: kmedoids is GPL-3 (the tests check against it),
banditpam's PAM ignores the distances it is given, scikit-learn-extra does not load beside numpy 2,
onebatch and rustpam start at random (rustpam missed the best single medoid), aeon holds numba back,
and Bio.Cluster only alternates, which left sums of distances up to a fifth larger.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.analysis.aggregate.diverse_subsets import require_square
from workbench.core.jit import compiled
from workbench.core.types import Floats, Ints

SMALLEST_GAIN = 1e-9
"""A swap of medoids that saves less is rounding."""
TIE = SMALLEST_GAIN / 2
"""Sums of distances that differ by less are equal, as they are rounded: the first is taken."""


def k_medoids(distances: Floats, sizes: Sequence[int]) -> list[Ints]:
    """Choose the samples that the others are closest to: PAM, which uses no chance.

    Distances (N, N) are symmetric, 0 on the diagonal. Of several sizes m, what is built for the
    largest begins with what is built for the others.

    Returns:
        For each m, (m,) medoids: no single swap lowers the sum of the distances of all samples to
        the nearest of them. Those of the package kmedoids' ``pam(init="build")``, but for ties,
        which here go to the first sample.

    Raises:
        ValueError: as ``require_square``.

    Source:
        Kaufman & Rousseeuw (1990), chapter 2: BUILD, then the best SWAP until none helps, all
        swaps judged at once as by Schubert & Rousseeuw (2021), arXiv:2008.05171, section 3.
    """
    require_square(distances, sizes, "distances")
    distances = np.ascontiguousarray(distances, dtype=np.float64)
    sums, nearest, saved = np.full((3, len(distances)), np.inf)
    built, known = np.zeros(max(sizes), np.int64), np.zeros(len(distances), np.int64)
    _build(distances, TIE, sums, nearest, saved, known, built)
    return [_swapped(distances, built[:m].copy()) for m in sizes]


@compiled
def _build(
    distances: Floats,
    tie: float,
    sums: Floats,
    nearest: Floats,
    saved: Floats,
    known: Ints,
    medoids: Ints,
) -> None:
    """Set medoids (m,), each the sample that lowers the sum of distances to the nearest one most.

    What a sample saves only falls as others are chosen, in floating point too: one that saved less
    than another does now need not be looked at again (Minoux 1978). It is ``saved`` (N,) at most,
    worked out for place ``known``; the others are ``sums`` of distances and the ``nearest`` medoid.
    """
    size = len(distances)
    least = np.inf
    for i in range(size):
        total = 0.0
        for j in range(size):
            total += distances[i, j]
        sums[i] = total
        least = min(least, total)
    first = 0
    while sums[first] > least + tie:
        first += 1
    medoids[0] = first
    for i in range(size):
        nearest[i] = distances[first, i]
    saved[first] = -np.inf
    place = 1
    while place < len(medoids):
        most = -np.inf
        for i in range(size):
            most = max(most, saved[i])
        best = 0
        while saved[best] < most - tie:
            best += 1
        if known[best] == place:
            medoids[place] = best
            for i in range(size):
                nearest[i] = min(nearest[i], distances[best, i])
            saved[best] = -np.inf
            place += 1
        else:
            saving = 0.0
            for i in range(size):
                saving += max(nearest[i] - distances[best, i], 0.0)
            saved[best], known[best] = saving, place


def _swapped(distances: Floats, medoids: Ints) -> Ints:
    """Medoids (m,) after the best swap of one of them for another sample, again and again."""
    size, m = len(distances), len(medoids)
    change, gain = np.empty((m, size)), np.empty(size)
    nearest, owner = np.empty((2, size)), np.empty(size, np.int64)
    while _swap(distances, SMALLEST_GAIN, TIE, change, gain, nearest, owner, medoids):
        pass
    return medoids


@compiled
def _swap(
    distances: Floats,
    smallest_gain: float,
    tie: float,
    change: Floats,
    gain: Floats,
    nearest: Floats,
    owner: Ints,
    medoids: Ints,
) -> bool:
    """Make the best swap of one of the medoids for another sample; False where none gains.

    [old, new] of ``change`` is that of the sum of distances to the nearest medoid; ``gain`` is what
    a new one saves whichever is left out; ``nearest`` has the two smallest distances to a medoid.
    """
    size, m = len(distances), len(medoids)
    for i in range(size):
        gain[i], owner[i] = 0.0, 0
        nearest[0, i] = nearest[1, i] = np.inf  # the second stays infinite at m = 1
        for k in range(m):
            change[k, i] = 0.0
    for k in range(m):
        for i in range(size):
            away = distances[medoids[k], i]
            if away < nearest[0, i]:
                nearest[1, i], nearest[0, i], owner[i] = nearest[0, i], away, k
            elif away < nearest[1, i]:
                nearest[1, i] = away
    # A new medoid takes what is closer to it. Of what its predecessor owned the rest goes to the
    # nearer of the new one and the second, at a further cost.
    for i in range(size):
        row, cost, near, later = distances[i], change[owner[i]], nearest[0, i], nearest[1, i]
        for new in range(size):
            gain[new] += min(row[new] - near, 0.0)
            cost[new] += min(max(row[new], near), later) - near
    best = np.inf
    for k in range(m):
        for new in range(size):
            change[k, new] += gain[new]
            best = min(best, change[k, new])
    if best > -smallest_gain:
        return False
    place = 0
    while change[place // size, place % size] > best + tie:
        place += 1
    medoids[place // size] = place % size
    return True
