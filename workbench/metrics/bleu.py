"""How similar a subset's texts are in wording: sentence BLEU of every pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.core.jit import compiled
from workbench.core.lookup import lookup
from workbench.core.types import Floats, Ints
from workbench.metrics.cosine import mean_off_diagonal
from workbench.metrics.ngrams import Ngrams, number_ngrams

MAX_ORDER = 4
"""BLEU counts n-grams of 1 to 4 tokens."""
EPSILON = 0.1
"""What nltk's method 1 takes as the number of matches where there are none."""


def _method1(hits: Floats, missed: Ints, totals: Ints) -> Floats:
    """An order without matches, or that the hypothesis is too short for, counts ``EPSILON``."""
    possible = np.log(np.maximum(totals, 1)).sum(axis=0)
    return np.asarray((hits + np.log(EPSILON) * missed - possible[:, None]) / MAX_ORDER)


def _exp(hits: Floats, missed: Ints, totals: Ints) -> Floats:
    """The i-th order without matches counts 1/2^i; none that the hypothesis is too short for."""
    possible = np.log(np.maximum(totals, 1)).sum(axis=0)
    orders = (totals > 0).sum(axis=0)  # sacreBLEU's effective order, its default for sentences
    missed = missed - (MAX_ORDER - orders)[:, None]
    halvings = missed * (missed + 1) / 2  # 1 + 2 + ... + missed
    logs = hits - np.log(2) * halvings - possible[:, None]
    return np.asarray(logs / np.maximum(orders, 1)[:, None])


SMOOTHINGS: dict[str, Callable[[Floats, Ints, Ints], Floats]] = {"method1": _method1, "exp": _exp}
"""From the logs of the matches, summed over the orders that have any (U, U), the number of the
others (U, U) and the n-grams of each hypothesis (4, U): the log of the precisions' geometric mean,
smoothed as nltk's method 1 and sacreBLEU's ``exp``."""


def pairwise_bleu(
    texts: Sequence[str], tokenize: str = "whitespace", smoothing: str = "method1"
) -> Floats:
    """Sentence BLEU of every ordered pair of texts, up to 4-grams with equal weights.

    Between 0 (no word in common) and 1; larger means more alike. Not symmetric. A text scores 1
    against itself, but under ``method1`` less if it has fewer than 4 tokens, and an empty one 0.

    Args:
        texts: N texts. Equal ones are counted once.
        tokenize: ``whitespace`` (as written) or ``13a`` (sacreBLEU's).
        smoothing: ``method1`` (nltk's) or ``exp`` (sacreBLEU's, with effective order).

    Returns:
        (N, N) with [i, j] = BLEU(hypothesis i, reference j), dimensionless.

    Raises:
        ValueError: no such tokenisation or smoothing.

    Source:
        Papineni et al. (2002), ACL P02-1040; smoothing: Chen & Cherry (2014), W14-3346, methods 1
        and 3. Checked against nltk's ``sentence_bleu`` with ``method1`` on ``str.split``, and
        against 1/100 of sacreBLEU's ``sentence_bleu`` with its defaults.

    Example:
        All n-grams of the first text are in the second, but it is shorter: exp(1 - 6/5). Of the
        second's, 5/6, 4/5, 3/4 and 2/3 are in the first: their geometric mean is (1/3)^(1/4).

        >>> pairwise_bleu(["a b c d e", "a b c d e f"]).round(4).tolist()
        [[1.0, 0.8187], [0.7598, 1.0]]
    """
    return bleu_of(number_ngrams(texts, MAX_ORDER, tokenize), smoothing)


def bleu_of(ngrams: Ngrams, smoothing: str = "method1") -> Floats:
    """``pairwise_bleu`` of texts whose n-grams of up to four tokens are numbered.

    Example:
        >>> bleu_of(number_ngrams(["a b c d", "e f g h"], MAX_ORDER)).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    smooth = lookup(SMOOTHINGS, smoothing, kind="BLEU smoothing")
    lengths = ngrams.lengths
    totals = np.maximum(lengths - np.arange(MAX_ORDER)[:, None], 0)  # (4, U)
    logs = np.log(np.maximum(np.arange(lengths.max(initial=0) + 1), 1))
    hits = np.zeros((len(lengths), len(lengths)))
    missed = np.zeros(hits.shape, dtype=np.int64)
    for n in range(1, MAX_ORDER + 1):
        matches = _matches(ngrams.numbers[n - 1], ngrams.starts, n, ngrams.different[n - 1])
        hits += logs[matches]
        missed += matches == 0
        if n == 1:
            alike = matches > 0
    brevity = np.minimum(0.0, 1.0 - lengths / np.maximum(lengths, 1)[:, None])
    bleu = np.where(alike, np.exp(brevity + smooth(hits, missed, totals)), 0.0)
    return np.asarray(bleu[ngrams.text[:, None], ngrams.text])


def _matches(numbers: Ints, starts: Ints, n: int, different: int) -> Ints:
    """(U, U) clipped matches of n-grams: each counts as often as in the text that has it less."""
    # That is the number of keys (n-gram, how often the text has had it before) which both texts
    # have. So a text is a set of keys, one bit for each key that is in more than one text.
    texts = len(starts) - 1
    owner, latest = np.full((2, different), -1)
    after = np.full(different + len(numbers), -1)
    holders, keys = np.zeros(len(after), np.int64), np.zeros(len(numbers), np.int64)
    _name_keys(numbers, starts, n, owner, latest, after, holders, keys)
    shared = holders > 1  # the others match nothing but their own text
    bit = np.where(shared, np.cumsum(shared) - 1, -1)
    sets = np.zeros((texts, (int(shared.sum()) + 63) // 64), np.uint64)
    matches = np.zeros((texts, texts), np.int64)
    _count_shared(starts, n, bit[keys], sets, matches)
    return matches


@compiled
def _name_keys(
    numbers: Ints,
    starts: Ints,
    n: int,
    owner: Ints,
    latest: Ints,
    after: Ints,
    holders: Ints,
    keys: Ints,
) -> None:
    """Set the key of each n-gram of each text, and count the texts that have a key.

    Of an n-gram ``owner`` is the last text that it was seen in, and ``latest`` its last key there;
    ``after`` is the key of one more occurrence than a key's.
    """
    used = len(owner)  # an n-gram's first key is its own number
    for text in range(len(starts) - 1):
        for t in range(starts[text], starts[text + 1] - n + 1):
            ngram = key = numbers[t]
            if owner[ngram] == text:
                if after[latest[ngram]] < 0:
                    after[latest[ngram]] = used
                    used += 1
                key = after[latest[ngram]]
            owner[ngram], latest[ngram], keys[t] = text, key, key
            holders[key] += 1


@compiled
def _count_shared(
    starts: Ints, n: int, bits: Ints, sets: NDArray[np.uint64], matches: Ints
) -> None:
    """Set the ``bits`` (T,) that are not -1 in each text's set, and count those of every pair."""
    texts = len(starts) - 1
    for text in range(texts):
        for t in range(starts[text], starts[text + 1] - n + 1):
            if bits[t] >= 0:
                sets[text, bits[t] // 64] |= np.uint64(1) << np.uint64(bits[t] % 64)
    twos, fours = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
    eights, ones = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
    for one in range(texts):
        matches[one, one] = max(starts[one + 1] - starts[one] - n + 1, 0)
        for other in range(one):
            both = np.int64(0)
            for word in range(sets.shape[1]):
                x = sets[one, word] & sets[other, word]  # and its bits, counted in parallel
                x -= (x >> np.uint64(1)) & twos
                x = (x & fours) + ((x >> np.uint64(2)) & fours)
                x = (x + (x >> np.uint64(4))) & eights
                both += np.int64((x * ones) >> np.uint64(56))
            matches[one, other] = matches[other, one] = both


def self_bleu(bleu: Floats, subsets: Ints) -> Floats:
    """Mean sentence BLEU over the ordered pairs of each subset.

    Between 0 and 1; larger means LESS diverse wording. May be compared between subset sizes; NaN at
    K = 1. The (N, N) ``bleu`` is from ``pairwise_bleu``, of the part of each sample that
    ``measure.text`` names.

    Source:
        Zhu et al. (2018), arXiv:1802.01886, but with each other text as the one reference of a
        pair instead of all at once, as in minimum-Bayes-risk decoding.

    Example:
        >>> self_bleu(np.array([[1, 0.75], [0.25, 1]]), np.array([[0, 1]])).tolist()
        [0.5]
    """
    return mean_off_diagonal(bleu, subsets)
