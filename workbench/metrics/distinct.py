"""How much of a subset's text is not a repetition: distinct n-grams and distinct texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.types import Floats, Ints


def ngram_ids(tokens: Sequence[Sequence[str]], n: int) -> list[Ints]:
    """Number the n-grams of token sequences: equal n-grams get equal numbers.

    Args:
        tokens: one sequence of tokens per text; n-grams never cross from one to the next.
        n: tokens in an n-gram.

    Returns:
        One (L - n + 1,) array per text of L tokens, empty for a text shorter than ``n``.
        Numbers count up from 0 in order of first appearance, so they fit one call only.

    Raises:
        ValueError: ``n`` is below 1.
    """
    if n < 1:
        raise ValueError(f"an n-gram needs at least one token, got n={n}")
    numbers: dict[tuple[str, ...], int] = {}
    return [
        np.array(
            [
                numbers.setdefault(ngram, len(numbers))
                for ngram in zip(*(words[start:] for start in range(n)), strict=False)
            ],
            dtype=np.int64,
        )
        for words in tokens
    ]


def distinct_subsets(texts: Sequence[str], subsets: Ints, n: int) -> Floats:
    """Share of distinct n-grams among all n-grams of each subset, pooled over its texts.

    In (0, 1]; larger means more diverse, 1 that no n-gram occurs twice. It falls as a subset's
    texts grow in length or number, so compare at equal K and like lengths. Tokens are separated by
    whitespace and otherwise as written: "Four" and "four." are different.

    Args:
        texts: the N texts of a pool.
        subsets: (S, K) indices into them.
        n: tokens in an n-gram.

    Returns:
        (S,) ratios; NaN where every text of the subset is shorter than ``n``.

    Raises:
        ValueError: ``n`` is below 1.

    Source:
        Li et al. (2016), arXiv:1510.03055, section 5.2 ("distinct-n"), over a subset's texts.
    """
    ids = ngram_ids([text.split() for text in texts], n)
    lengths = np.array([len(own) for own in ids], dtype=np.int64)
    # A text is in many subsets, so its inner repetitions are dropped once.
    once = [np.unique(own) for own in ids]
    values = np.full(len(subsets), np.nan)
    for row, members in enumerate(subsets):
        total = lengths[members].sum()
        if total:
            values[row] = np.unique(np.concatenate([once[i] for i in members])).size / total
    return values


def distinct_n(texts: Sequence[str], n: int) -> float:
    """Share of distinct n-grams among all n-grams of one subset of texts.

    Read it as ``distinct_subsets``: in (0, 1], larger means more diverse.

    Args:
        texts: the texts of the subset.
        n: tokens in an n-gram.

    Returns:
        The ratio; NaN if every text is shorter than ``n``.

    Raises:
        ValueError: ``n`` is below 1.
    """
    everything = np.arange(len(texts), dtype=np.int64)[None, :]
    return float(distinct_subsets(texts, everything, n)[0])


def distinct_texts(texts: Sequence[str], subsets: Ints) -> Floats:
    """Share of distinct texts in each subset.

    Between 1/K (all the same) and 1 (no two the same, and always at K = 1); larger means more
    diverse. Texts are the same only if every character is.

    Args:
        texts: the N texts of a pool.
        subsets: (S, K) indices into them.

    Returns:
        (S,) ratios.
    """
    numbers: dict[str, int] = {}
    ids = np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.int64)
    ranked = np.sort(ids[subsets], axis=1)
    new = np.diff(ranked, axis=1) != 0
    return np.asarray((1.0 + new.sum(axis=1)) / subsets.shape[1])
