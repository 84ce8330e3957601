"""Exact accuracy of a majority vote for every k of a pool."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from analysis.aggregate import maj_at_k
from tests.bench import Row, seconds

CLUSTERS = 60


def rows(full: bool) -> Iterator[Row]:
    """Time all k at N = 256 and N = 1,024; there is no peer."""
    rng = np.random.default_rng(0)
    for size, target in ((256, "under 5 ms"), (1024, "under 50 ms")):
        # most samples share a few answers, as they do, and every cluster is there
        clusters = np.concatenate([np.arange(CLUSTERS), rng.zipf(1.5, size) % CLUSTERS])[:size]
        correct = clusters == 1
        ks = np.arange(1, size + 1)
        taken = seconds(partial(maj_at_k, clusters, correct, ks))
        yield Row(
            f"maj@k for all k, N = {size:,}, {CLUSTERS} answers",
            f"{1e3 * taken:.2f} ms", "", None, target,
        )  # fmt: skip
