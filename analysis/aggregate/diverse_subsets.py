"""Choosing m of N samples that are unlike one another: far points and determinants.

The draws of a k-DPP are written out here: dppy (the tests check against it) takes 7 to 16 times as
long at 64 and 256 samples, knows no ``Generator``, and its elementary symmetric polynomials
underflow where m far exceeds the rank (128 of 256 samples with 20 distinct texts and a jitter of
1e-6). The samples that the others are closest to are chosen in ``medoids.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.core.jit import compiled
from workbench.core.types import Floats, Ints

NO_VOLUME = 1e-14
"""A sample that adds less to a determinant's square lies in the span of those kept."""
DRAWN_AT_ONCE = 32
"""So many samples of a determinantal draw come faster one by one than by products of matrices."""


def farthest_point(distances: Floats, m: int) -> Ints:
    """Choose the medoid of all samples, then again and again what is farthest from those chosen.

    Returns:
        (m,) samples as chosen, so that the first ones are the choice for a smaller m. Ties go to
        the first sample.

    Raises:
        ValueError: as ``require_square``.

    Source:
        Gonzalez (1985): no sample is more than twice as far from a chosen one as it has to be.
    """
    require_square(distances, [m], "distances")
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
        ValueError: as ``require_square``.

    Source:
        Chen, Zhang & Zhou (2018), arXiv:1709.05135, algorithm 1, in O(N m²); dppy has none.
    """
    require_square(kernel, [m], "kernel")
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
        ValueError: as ``require_square``, or the kernel is not positive definite.

    Source:
        Kulesza & Taskar (2012), arXiv:1207.6083, algorithms 7 and 8.
    """
    require_square(kernel, sizes, "kernel")
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
        taken = np.empty((count, m), np.int64)
        _take_eigenvectors(logs, sums, rng.random((count, size)), taken)
        drawn.append(projection_dpp(vectors, taken, rng))
    return drawn


@compiled
def _take_eigenvectors(logs: Floats, sums: Floats, chances: Floats, taken: Ints) -> None:
    """Set numbers (count, m) of eigenvectors, drawn in proportion to the product of their values.

    Of ``chances`` (count, N), even in [0, 1), each row decides about the eigenvectors of one draw.
    """
    for draw in range(len(taken)):
        n, wanted = chances.shape[1], taken.shape[1]
        while wanted:
            chance = np.exp(logs[n - 1] + sums[n - 1, wanted - 1] - sums[n, wanted])
            if chances[draw, n - 1] < chance:
                wanted -= 1
                taken[draw, wanted] = n - 1
            n -= 1


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
        return _some_rows(vectors, taken, none, taken.shape[1], rng)
    sets = np.empty_like(taken)
    for place, columns in enumerate(taken):
        across, rows = vectors.take(columns, axis=1), none
        while missing := across.shape[1]:
            count = missing if missing <= DRAWN_AT_ONCE else missing // 2
            every = np.arange(missing)[None]
            more = _some_rows(across, every, rows, count, rng)[0]
            rows = np.concatenate([rows, more])
            across = across @ np.linalg.qr(across[more].T, mode="complete").Q[:, count:]
        sets[place] = rows
    return sets


def _some_rows(
    vectors: Floats, taken: Ints, rows: Ints, count: int, rng: np.random.Generator
) -> Ints:
    """Draw (sets, count) rows, of each set the first ones or those after ``rows``."""
    size, width = len(vectors), taken.shape[1]
    drawn = np.empty((len(taken), count), np.int64)
    basis, turned = np.empty((count, width)), np.empty((width, count))
    left, shares, lengths = np.empty(width), np.empty(count), np.empty((2, size))
    for columns, some in zip(taken, drawn, strict=True):
        own = vectors.take(columns, axis=1)
        _draw_rows(own, rows, NO_VOLUME, rng, lengths, basis, turned, left, shares, some)
    return drawn


@compiled
def _draw_rows(
    own: Floats,
    rows: Ints,
    no_volume: float,
    rng: np.random.Generator,
    lengths: Floats,
    basis: Floats,
    turned: Floats,
    left: Floats,
    shares: Floats,
    drawn: Ints,
) -> None:
    """Draw (count,) rows of ``own`` (N, M) beside those in ``rows``.

    A row is proposed by its squared length and taken by the share of this that lies across the
    rows taken before, so that few rows have to be brought up to date; all are whenever half of
    what was left has been taken. ``lengths`` are squared, and their sums up to each row; ``basis``
    spans the rows taken, ``turned`` is its transpose, which the inner loops read in order.
    """
    size, width = own.shape
    place, known = 0, 0  # rows taken, and when the lengths were true
    total = 0.0
    for i in range(size):
        lengths[0, i] = 0.0
        for j in range(width):
            lengths[0, i] += own[i, j] * own[i, j]
    for i in range(len(rows)):
        lengths[0, rows[i]] = 0.0  # but for rounding
    for i in range(size):
        total += lengths[0, i]
        lengths[1, i] = total
    while place < len(drawn):
        if place - known > (width - known) // 2:
            total = 0.0
            for i in range(size):
                for b in range(known, place):
                    shares[b] = 0.0
                for j in range(width):
                    for b in range(known, place):
                        shares[b] += own[i, j] * turned[j, b]
                lost = 0.0
                for b in range(known, place):
                    lost += shares[b] * shares[b]
                lengths[0, i] -= lost
                total += max(lengths[0, i], 0.0)
                lengths[1, i] = total
            known = place
        goal = rng.random() * total
        row, end = 0, size - 1  # the first whose sum is beyond the goal, or the last
        while row < end:
            middle = (row + end) // 2
            if lengths[1, middle] > goal:
                end = middle
            else:
                row = middle + 1
        for b in range(place):
            shares[b] = 0.0
        for j in range(width):
            left[j] = own[row, j]
            for b in range(place):
                shares[b] += own[row, j] * turned[j, b]
        volume = 0.0
        for b in range(place):
            for j in range(width):
                left[j] -= shares[b] * basis[b, j]
        for j in range(width):
            volume += left[j] * left[j]
        if volume > no_volume and rng.random() * lengths[0, row] < volume:
            for j in range(width):
                basis[place, j] = turned[j, place] = left[j] / np.sqrt(volume)
            drawn[place] = row
            place += 1


def require_square(matrix: Floats, sizes: Sequence[int], name: str) -> None:
    """Refuse what is no finite square, and an m that it does not hold.

    Raises:
        ValueError: ``matrix``, called ``name``, is no square of finite numbers, or a size m is not
            between 1 and N.

    Example:
        >>> require_square(np.eye(2), [3], "kernel")
        Traceback (most recent call last):
            ...
        ValueError: cannot keep 3 of 2 samples; m must be between 1 and 2
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
        raise ValueError(
            f"{name} must be a square of finite numbers, a row and a column per sample, got shape "
            f"{matrix.shape} with {int((~np.isfinite(matrix)).sum())} that are not finite"
        )
    n = len(matrix)
    for m in sizes:
        if not 1 <= m <= n:
            raise ValueError(f"cannot keep {m} of {n} samples; m must be between 1 and {n}")
