"""Choosing m of N samples that are unlike one another: medoids, far points, determinants.

k-medoids is written out here, as no library fits: kmedoids is GPL-3 (the tests check against it),
banditpam's PAM ignores the distances it is given, scikit-learn-extra does not load beside numpy 2,
onebatch and rustpam start at random (rustpam missed the best single medoid), aeon holds numba back,
and Bio.Cluster only alternates, which left sums of distances up to a fifth larger.

So are the draws of a k-DPP: dppy (the tests check against it) takes 7 to 16 times as long at 64 and
256 samples, knows no ``Generator``, and its elementary symmetric polynomials underflow where m far
exceeds the rank (128 of 256 samples with 20 distinct texts and a jitter of 1e-6).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.core.jit import compiled
from workbench.core.types import Floats, Ints

SMALLEST_GAIN = 1e-9
"""A swap of medoids that saves less is rounding."""
TIE = SMALLEST_GAIN / 2
"""Sums of distances that differ by less are equal, as they are rounded: the first is taken."""
NO_VOLUME = 1e-14
"""A sample that adds less to a determinant's square lies in the span of those kept."""
DRAWN_AT_ONCE = 32
"""So many samples of a determinantal draw come faster one by one than by products of matrices."""


def k_medoids(distances: Floats, sizes: Sequence[int]) -> list[Ints]:
    """Choose the samples that the others are closest to: PAM, which uses no chance.

    Distances (N, N) are symmetric, 0 on the diagonal. Of several sizes m, what is built for the
    largest begins with what is built for the others.

    Returns:
        For each m, (m,) medoids: no single swap lowers the sum of the distances of all samples to
        the nearest of them. Those of the package kmedoids' ``pam(init="build")``, but for ties,
        which here go to the first sample.

    Raises:
        ValueError: an m is not between 1 and N, or ``distances`` are no finite square.

    Source:
        Kaufman & Rousseeuw (1990), chapter 2: BUILD, then the best SWAP until none helps, all
        swaps judged at once as by Schubert & Rousseeuw (2021), arXiv:2008.05171, section 3.
    """
    _check(distances, sizes, "distances")
    distances = np.ascontiguousarray(distances, dtype=np.float64)
    built = _build(distances, max(sizes), TIE)
    return [_swap(distances, built[:m].copy(), SMALLEST_GAIN, TIE) for m in sizes]


@compiled
def _build(distances: Floats, m: int, tie: float) -> Ints:
    """Medoids (m,), each the sample that lowers the sum of distances to the nearest one most.

    What a sample saves only falls as others are chosen, in floating point too: one that saved less
    than another does now need not be looked at again (Minoux 1978).
    """
    size = len(distances)
    sums = distances.sum(axis=1)
    first = 0
    while sums[first] > sums.min() + tie:
        first += 1
    medoids = np.full(m, first)
    nearest = distances[first].copy()
    saved = np.full(size, np.inf)  # at most
    saved[first] = -np.inf
    place, known = 1, np.zeros(size, np.int64)  # for which place it was worked out
    while place < m:
        enough, best = saved.max() - tie, 0
        while saved[best] < enough:
            best += 1
        if known[best] == place:
            medoids[place] = best
            nearest = np.minimum(nearest, distances[best])
            saved[best] = -np.inf
            place += 1
        else:
            saving = 0.0
            for i in range(size):
                saving += max(nearest[i] - distances[best, i], 0.0)
            saved[best], known[best] = saving, place
    return medoids


@compiled
def _swap(distances: Floats, medoids: Ints, smallest_gain: float, tie: float) -> Ints:
    """Medoids (m,) after the best swap of one of them for another sample, again and again."""
    size, m = len(distances), len(medoids)
    change = np.empty((m, size))  # [old, new]: of the sum of distances to the nearest medoid
    while True:
        owner = np.zeros(size, np.int64)
        first, second = np.full(size, np.inf), np.full(size, np.inf)  # second: infinite at m = 1
        for k in range(m):
            for i in range(size):
                away = distances[medoids[k], i]
                if away < first[i]:
                    second[i], first[i], owner[i] = first[i], away, k
                elif away < second[i]:
                    second[i] = away
        # A new medoid takes what is closer to it. Of what its predecessor owned the rest goes to
        # the nearer of the new one and the second, at a further cost.
        gain = np.zeros(size)
        change[:] = 0.0
        for i in range(size):
            row, cost, near, later = distances[i], change[owner[i]], first[i], second[i]
            for new in range(size):
                gain[new] += min(row[new] - near, 0.0)
                cost[new] += min(max(row[new], near), later) - near
        change += gain
        best = change.min()
        if best > -smallest_gain:
            return medoids
        place = 0
        while change[place // size, place % size] > best + tie:
            place += 1
        medoids[place // size] = place % size


def farthest_point(distances: Floats, m: int) -> Ints:
    """Choose the medoid of all samples, then again and again what is farthest from those chosen.

    Returns:
        (m,) samples as chosen, so that the first ones are the choice for a smaller m. Ties go to
        the first sample.

    Raises:
        ValueError: as ``k_medoids``.

    Source:
        Gonzalez (1985): no sample is more than twice as far from a chosen one as it has to be.
    """
    _check(distances, [m], "distances")
    chosen = [int(distances.sum(axis=1).argmin())]
    nearest = distances[chosen[0]].astype(np.float64)
    while len(chosen) < m:
        nearest[chosen] = -np.inf  # a repeat is at distance 0 too, but has not been chosen
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, distances[chosen[-1]])
    return np.array(chosen, dtype=np.int64)


def greedy_map(kernel: Floats, m: int) -> Ints:
    """Choose one by one the sample that raises the determinant of the chosen ones' kernel most.

    The kernel (N, N) is symmetric and positive semi-definite. With a constant diagonal all samples
    tie for the first place, which goes to the first.

    Returns:
        (m,) samples as chosen, so that the first ones are the choice for a smaller m. Once no
        sample adds to the determinant, the first that are left.

    Raises:
        ValueError: as ``k_medoids``.

    Source:
        Chen, Zhang & Zhou (2018), arXiv:1709.05135, algorithm 1, in O(N m²); dppy has none.
    """
    _check(kernel, [m], "kernel")
    gains = np.diag(kernel).astype(np.float64)  # squared volume that each sample would add
    factors = np.zeros((m, len(kernel)))  # rows of the Cholesky factor
    chosen: list[int] = []
    for place in range(m):
        gains[chosen] = -np.inf
        best = int(gains.argmax())
        chosen.append(best)
        if gains[best] > NO_VOLUME:
            rest = kernel[best] - factors[:place, best] @ factors[:place]
            factors[place] = rest / np.sqrt(gains[best])
            gains = np.maximum(gains - factors[place] ** 2, 0.0)
    return np.array(chosen, dtype=np.int64)


def k_dpp(
    kernel: Floats, sizes: Sequence[int], count: int, rngs: Sequence[np.random.Generator]
) -> list[Ints]:
    """Draw sets of m samples with probability proportional to the determinant of their kernel.

    The kernel (N, N) is symmetric and positive definite: a jitter on the diagonal makes it so, and
    lets m exceed the number of distinct samples. Each size has its own generator.

    Returns:
        For each m, (count, m) sets, in the order of drawing.

    Raises:
        ValueError: as ``k_medoids``, or the kernel is not positive definite.

    Source:
        Kulesza & Taskar (2012), arXiv:1207.6083, algorithms 7 and 8.
    """
    _check(kernel, sizes, "kernel")
    values, vectors = np.linalg.eigh(kernel)
    if values[0] <= 0:
        raise ValueError(
            f"the kernel of a k-DPP must be positive definite, its least eigenvalue is {values[0]};"
            " add a jitter to its diagonal (measure.dpp_jitter)"
        )
    logs = np.log(values)
    size = len(kernel)
    sums = np.full((size + 1, max(sizes) + 1), -np.inf)  # [n, k]: log e_k of the first n values
    sums[:, 0] = 0.0
    for n in range(size):
        sums[n + 1, 1:] = np.logaddexp(sums[n, 1:], logs[n] + sums[n, :-1])
    drawn = []
    for m, rng in zip(sizes, rngs, strict=True):
        taken = _eigenvectors(logs, sums, m, rng.random((count, size)))
        drawn.append(projection_dpp(vectors, taken, rng))
    return drawn


@compiled
def _eigenvectors(logs: Floats, sums: Floats, m: int, chances: Floats) -> Ints:
    """Numbers (count, m) of eigenvectors, drawn in proportion to the product of their values.

    Of ``chances`` (count, N), even in [0, 1), each row decides about the eigenvectors of one draw.
    """
    count, size = chances.shape
    taken = np.empty((count, m), np.int64)
    for draw in range(count):
        n, wanted = size, m
        while wanted:
            chance = np.exp(logs[n - 1] + sums[n - 1, wanted - 1] - sums[n, wanted])
            if chances[draw, n - 1] < chance:
                wanted -= 1
                taken[draw, wanted] = n - 1
            n -= 1
    return taken


def projection_dpp(vectors: Floats, taken: Ints, rng: np.random.Generator) -> Ints:
    """Draw sets of m rows with probability the squared determinant of the rows.

    Of a large set half the rows one by one, then half of those that are missing from what of each
    row lies across the rows drawn, and so on: Gram-Schmidt by products of matrices. The columns of
    ``vectors`` (N, N) are orthonormal; the rows of a set consist of the columns ``taken``
    (count, m).

    Returns:
        (count, m) rows in the order of drawing.
    """
    none = np.empty(0, np.int64)
    if taken.shape[1] <= DRAWN_AT_ONCE:
        return _some_rows(vectors, taken, none, taken.shape[1], NO_VOLUME, rng)
    sets = np.empty_like(taken)
    for place, columns in enumerate(taken):
        across, rows = vectors.take(columns, axis=1), none
        while missing := across.shape[1]:
            count = missing if missing <= DRAWN_AT_ONCE else missing // 2
            every = np.arange(missing)[None]
            more = _some_rows(across, every, rows, count, NO_VOLUME, rng)[0]
            rows = np.concatenate([rows, more])
            across = across @ np.linalg.qr(across[more].T, mode="complete").Q[:, count:]
        sets[place] = rows
    return sets


@compiled
def _some_rows(
    vectors: Floats, taken: Ints, rows: Ints, count: int, no_volume: float, rng: np.random.Generator
) -> Ints:
    """Draw (sets, count) rows, of each set the first ones or those after ``rows``.

    A row is proposed by its squared length and taken by the share of this that lies across the
    rows taken before, so that few rows have to be brought up to date; all are whenever half of
    what was left has been taken.
    """
    drawn = np.empty((len(taken), count), np.int64)
    for which in range(len(taken)):
        own = vectors[:, taken[which]]
        lengths = np.square(own).sum(axis=1)
        lengths[rows] = 0.0  # but for rounding
        ends = lengths.cumsum()
        basis = np.empty((count, own.shape[1]))
        place, known = 0, 0  # rows taken, and when the lengths were true
        while place < count:
            if place - known > (own.shape[1] - known) // 2:
                lengths = lengths - np.square(own @ basis[known:place].T).sum(axis=1)
                ends = np.maximum(lengths, 0.0).cumsum()
                known = place
            row = min(np.searchsorted(ends, rng.random() * ends[-1], side="right"), len(ends) - 1)
            left = own[row] - (basis[:place] @ own[row]) @ basis[:place]
            volume = np.square(left).sum()
            if volume > no_volume and rng.random() * lengths[row] < volume:
                basis[place] = left / np.sqrt(volume)
                drawn[which, place] = row
                place += 1
    return drawn


def _check(matrix: Floats, sizes: Sequence[int], name: str) -> None:
    """Refuse what is no finite square, and an m that it does not hold."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
        raise ValueError(
            f"{name} must be a square of finite numbers, a row and a column per sample, got shape "
            f"{matrix.shape} with {int((~np.isfinite(matrix)).sum())} that are not finite"
        )
    n = len(matrix)
    for m in sizes:
        if not 1 <= m <= n:
            raise ValueError(f"cannot keep {m} of {n} samples; m must be between 1 and {n}")
