"""Choosing m of N samples that are unlike one another: medoids, far points, determinants.

k-medoids is written out here, as no library fits: kmedoids is GPL-3 (the tests check against it),
banditpam's PAM ignores the distances it is given, scikit-learn-extra does not load beside numpy 2,
onebatch and rustpam start at random (rustpam missed the best single medoid), aeon holds numba back,
and Bio.Cluster only alternates, which left sums of distances up to a fifth larger.
"""

from __future__ import annotations

import numpy as np

from workbench.types import Floats, Ints

SMALLEST_GAIN = 1e-9
"""A swap of medoids that saves less is rounding."""
NO_VOLUME = 1e-14
"""A sample that adds less to a determinant's square lies in the span of those kept."""


def k_medoids(distances: Floats, m: int) -> Ints:
    """Choose the samples that the others are closest to: PAM, which uses no chance.

    Args:
        distances: (N, N), symmetric, 0 on the diagonal.
        m: how many to keep.

    Returns:
        (m,) medoids: no single swap lowers the sum of the distances of all samples to the nearest
        of them. Those of the package kmedoids' ``pam(init="build")``, but for ties, which here go
        to the first sample.

    Raises:
        ValueError: ``m`` is not between 1 and N, or ``distances`` are no finite square.

    Source:
        Kaufman & Rousseeuw (1990), chapter 2: BUILD, then the best SWAP until none helps, all
        swaps judged at once as by Schubert & Rousseeuw (2021), arXiv:2008.05171, section 3.
    """
    _check(distances, m, "distances")
    nearest = np.full(len(distances), np.inf)
    medoids: list[int] = []
    for _ in range(m):
        sums = np.minimum(distances, nearest).sum(axis=1)
        sums[medoids] = np.inf
        medoids.append(int(sums.argmin()))
        nearest = np.minimum(nearest, distances[medoids[-1]])
    points = np.arange(len(distances))
    while m < len(distances):
        reach = distances[:, medoids]  # (N, m)
        owner = reach.argmin(axis=1)
        first = reach[points, owner]
        reach[points, owner] = np.inf
        second = reach.min(axis=1)  # infinite at m = 1
        # A new medoid takes what is closer to it. Of what its predecessor owned the rest goes to
        # the nearer of the new one and the second, at a further cost. (N points, N new ones)
        gain = np.minimum(distances - first[:, None], 0.0).sum(axis=0)
        cost = np.minimum(np.maximum(distances, first[:, None]), second[:, None]) - first[:, None]
        change = np.tile(gain, (m, 1))  # (m old, N new)
        order = np.argsort(owner, kind="stable")
        owners, starts = np.unique(owner[order], return_index=True)  # not all: repeats own nothing
        change[owners] += np.add.reduceat(cost[order], starts, axis=0)
        old, new = np.unravel_index(change.argmin(), change.shape)
        if change[old, new] > -SMALLEST_GAIN:
            break
        medoids[int(old)] = int(new)
    return np.array(medoids, dtype=np.int64)


def farthest_point(distances: Floats, m: int) -> Ints:
    """Choose the medoid of all samples, then again and again what is farthest from those chosen.

    Args:
        distances: (N, N), symmetric, 0 on the diagonal.
        m: how many to keep.

    Returns:
        (m,) samples as chosen, so that the first ones are the choice for a smaller m. Ties go to
        the first sample.

    Raises:
        ValueError: as ``k_medoids``.

    Source:
        Gonzalez (1985): no sample is more than twice as far from a chosen one as it has to be.
    """
    _check(distances, m, "distances")
    chosen = [int(distances.sum(axis=1).argmin())]
    nearest = distances[chosen[0]].astype(np.float64)
    while len(chosen) < m:
        nearest[chosen] = -np.inf  # a repeat is at distance 0 too, but has not been chosen
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, distances[chosen[-1]])
    return np.array(chosen, dtype=np.int64)


def greedy_map(kernel: Floats, m: int) -> Ints:
    """Choose one by one the sample that raises the determinant of the chosen ones' kernel most.

    Args:
        kernel: (N, N) symmetric and positive semi-definite. With a constant diagonal all samples
            tie for the first place, which goes to the first.
        m: how many to keep.

    Returns:
        (m,) samples as chosen. Once no sample adds to the determinant, the first that are left.

    Raises:
        ValueError: as ``k_medoids``.

    Source:
        Chen, Zhang & Zhou (2018), arXiv:1709.05135, algorithm 1, in O(N m²); dppy has none.
    """
    _check(kernel, m, "kernel")
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


def k_dpp(kernel: Floats, m: int, count: int, rng: np.random.Generator) -> Ints:
    """Draw sets of m samples with probability proportional to the determinant of their kernel.

    Eigenvectors are drawn here and samples, given these, by dppy: its own elementary symmetric
    polynomials underflow where m far exceeds the rank (128 of 256 samples with 20 distinct texts
    and a jitter of 1e-6), so these are kept as logarithms.

    Args:
        kernel: (N, N) symmetric and positive definite: a jitter on the diagonal makes it so, and
            lets m exceed the number of distinct samples.
        m: how many to keep.
        count: how many sets to draw.
        rng: the only source of randomness.

    Returns:
        (count, m) sets, in the order of drawing.

    Raises:
        ValueError: as ``k_medoids``, or the kernel is not positive definite.

    Source:
        Kulesza & Taskar (2012), arXiv:1207.6083, algorithms 7 and 8; Gautier et al. (2019), DPPy.
    """
    _check(kernel, m, "kernel")
    from dppy.exact_sampling import proj_dpp_sampler_eig
    from dppy.utils import check_random_state

    values, vectors = np.linalg.eigh(kernel)
    if values[0] <= 0:
        raise ValueError(
            f"the kernel of a k-DPP must be positive definite, its least eigenvalue is {values[0]};"
            " add a jitter to its diagonal (measure.dpp_jitter)"
        )
    logs = np.log(values)
    size = len(kernel)
    sums = np.full((size + 1, m + 1), -np.inf)  # [n, k]: log e_k of the first n eigenvalues
    sums[:, 0] = 0.0
    for n in range(size):
        sums[n + 1, 1:] = np.logaddexp(sums[n, 1:], logs[n] + sums[n, :-1])
    older = check_random_state(int(rng.integers(2**31)))  # dppy knows no other generator
    drawn = []
    for _ in range(count):
        taken: list[int] = []
        for n, chance in zip(range(size, 0, -1), rng.random(size), strict=True):
            wanted = m - len(taken)
            if not wanted:
                break
            if chance < np.exp(logs[n - 1] + sums[n - 1, wanted - 1] - sums[n, wanted]):
                taken.append(n - 1)
        drawn.append(proj_dpp_sampler_eig(vectors[:, taken], random_state=older))
    return np.array(drawn, dtype=np.int64)


def _check(matrix: Floats, m: int, name: str) -> None:
    """Refuse what is no finite square, and an m that it does not hold."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
        raise ValueError(
            f"{name} must be a square of finite numbers, a row and a column per sample, got shape "
            f"{matrix.shape} with {int((~np.isfinite(matrix)).sum())} that are not finite"
        )
    if not 1 <= m <= len(matrix):
        raise ValueError(
            f"cannot keep {m} of {len(matrix)} samples; m must be between 1 and {len(matrix)}"
        )
