"""A metric of your own: how many different first words the samples of a subset have."""

import numpy as np

from workbench.metrics import METRICS, Metric


def first_words(texts: tuple[str, ...], subsets: np.ndarray) -> np.ndarray:
    """Return the number of different first words in each subset, as a share of its samples.

    Args:
        texts: the N samples of one problem at one temperature.
        subsets: (S, K) indices into them, a row for each subset.
    """
    words = np.array([" ".join(text.split()[:1]).lower() for text in texts])
    return np.array([len(set(subset)) / len(subset) for subset in words[subsets]])


METRICS["first_words"] = Metric(
    fn=first_words,
    needs=("texts", "subsets"),
    label="different first words [ratio]",
    summary="share of different first words; larger: more diverse",
    larger_means="more diverse",
    range=(0, 1),
)
