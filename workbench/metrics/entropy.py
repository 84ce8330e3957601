"""How uncertain the model was while it drew a subset's samples."""

from __future__ import annotations

import numpy as np

from workbench.core.types import Floats, Ints


def mean_entropy(entropies: Floats | None, subsets: Ints) -> Floats:
    """Mean over a subset of each sample's mean token entropy, (N,), in nats.

    At least 0; larger means that the model was less certain what to write, so usually more
    diverse samples. Every sample weighs the same, however long it is. Comparable between subset
    sizes, but not between exact entropies and lower bounds; NaN where any member's is NaN. The
    study's sequence-level entropy: the mean over tokens of -sum p ln p. Of the part of a sample
    that ``measure.text`` names.

    Raises:
        ValueError: the samples were drawn without entropies.

    Example:
        >>> mean_entropy(np.array([0.5, 1.5, 3.0]), np.array([[0, 1], [1, 2]])).tolist()
        [1.0, 2.25]
    """
    if entropies is None:
        raise ValueError(
            "these samples were drawn without entropies; set generation.logprobs to 20, and draw "
            "them into another folder"
        )
    return np.asarray(entropies[subsets].mean(axis=1, dtype=np.float64))
