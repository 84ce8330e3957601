"""How much of a subset's text is not a repetition: distinct n-grams and distinct texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.core.jit import compiled
from workbench.core.subsets import members_of
from workbench.core.types import Floats, Ints
from workbench.metrics.ngrams import Ngrams, number_ngrams


def distinct(ngrams: Ngrams, subsets: Ints, n: int) -> Floats:
    """Share of distinct n-grams among all n-grams of each subset, pooled over its texts.

    In (0, 1]; larger means more diverse, 1 that no n-gram occurs twice; NaN where every text of the
    subset is shorter than ``n``. It falls as a subset's texts grow in length or number, so compare
    at equal K and like lengths. Tokens are separated by whitespace and otherwise as written: "Four"
    and "four." are different. N-grams of up to ``n`` tokens are to be numbered (``number_ngrams``).
    A text is the part of a sample that ``measure.text`` names.

    Raises:
        ValueError: an index is not of the pool.

    Source:
        Li et al. (2016), arXiv:1510.03055, section 5.2 ("distinct-n"), over a subset's texts.

    Example:
        The first subset has two different words among five, the second three among three.

        >>> ngrams = number_ngrams(["a b a", "b a", "c"], 1)
        >>> distinct(ngrams, np.array([[0, 1], [1, 2]]), n=1).tolist()
        [0.4, 1.0]
    """
    members = ngrams.text[members_of(subsets, len(ngrams.text))]
    totals = np.maximum(ngrams.lengths - n + 1, 0)[members].sum(axis=1)
    counts = np.zeros(len(members), np.int64)
    row_of = np.full(ngrams.different[n - 1], -1)  # the last row that each n-gram was seen in
    _count_distinct(ngrams.numbers[n - 1], ngrams.starts, members, n, row_of, counts)
    return np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)


@compiled
def _count_distinct(
    numbers: Ints, starts: Ints, members: Ints, n: int, row_of: Ints, counts: Ints
) -> None:
    """Add to (S,) ``counts`` the distinct n-grams of the texts in each row."""
    for row in range(len(members)):
        for text in members[row]:
            for t in range(starts[text], starts[text + 1] - n + 1):
                counts[row] += row_of[numbers[t]] != row
                row_of[numbers[t]] = row


def distinct_n(texts: Sequence[str], n: int) -> float:
    """Share of distinct n-grams among all n-grams of one subset of texts.

    Read it as ``distinct``: in (0, 1], larger means more diverse; NaN if every text is shorter than
    ``n`` tokens.

    Raises:
        ValueError: ``n`` is below 1.

    Example:
        The pairs of words are "a b", "b a" and "b c", and none of them crosses from text to text.

        >>> distinct_n(["a b a", "b c"], 2), distinct_n(["a b", "a b"], 2)
        (1.0, 0.5)
    """
    return float(distinct(number_ngrams(texts, n), np.arange(len(texts))[None], n)[0])


def distinct_texts(text_ids: Ints, subsets: Ints) -> Floats:
    """Share of distinct texts in each subset.

    Between 1/K (all the same) and 1 (no two the same, and always at K = 1); larger means more
    diverse. Texts are the same only if every character is: then only are their (N,) numbers equal.
    A text is the part of a sample that ``measure.text`` names.

    Example:
        >>> distinct_texts(np.array([0, 0, 1]), np.array([[0, 1], [0, 2]])).tolist()
        [0.5, 1.0]
    """
    ranked = np.sort(text_ids[subsets], axis=1)
    new = np.diff(ranked, axis=1) != 0
    return np.asarray((1.0 + new.sum(axis=1)) / subsets.shape[1])
