"""How alike a subset's texts are in wording: sentence BLEU of every pair."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from workbench.lookup import lookup
from workbench.metrics.cosine import mean_off_diagonal
from workbench.metrics.distinct import ngram_ids
from workbench.types import Floats, Ints

MAX_ORDER = 4
"""BLEU counts n-grams of 1 to 4 tokens."""

EPSILON = 0.1
"""What nltk's method 1 puts in place of a count of no matches."""

COLUMNS = 4096
"""Columns of the incidence matrix multiplied at once: 16 MB at N = 1024."""

# The four rules of mteval-v13a.pl for Western languages, in its order and sacreBLEU's spelling.
RULES_13A = (
    (re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])"), r" \1 "),  # punctuation and symbols
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),  # period, comma: unless after a digit
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),  # or before one
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),  # dash after a digit
)


def tokens_13a(text: str) -> list[str]:
    """Split a text as NIST's mteval-v13a.pl does, sacreBLEU's default.

    Written out here because sacreBLEU's own tokeniser keeps the last 65,536 texts in memory.

    Source:
        sacreBLEU 2.6, ``tokenizers/tokenizer_13a.py`` and ``tokenizer_re.py``; checked against it.
    """
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, character in (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")):
        text = text.replace(entity, character)
    text = f" {text} "
    for rule, spaced in RULES_13A:
        text = rule.sub(spaced, text)
    return text.split()


TOKENIZERS: dict[str, Callable[[str], list[str]]] = {"whitespace": str.split, "13a": tokens_13a}


def _method1(matches: Floats, totals: Floats) -> Floats:
    """Geometric mean of the four precisions, (U, U), smoothed as nltk's method 1.

    An order without matches counts ``EPSILON``, and an order that the hypothesis is too short for
    counts as one n-gram without a match.
    """
    hits = np.where(matches == 0, EPSILON, matches)
    logs = np.log(hits) - np.log(np.maximum(totals, 1.0))[:, :, None]
    return np.asarray(np.exp(logs.mean(axis=0)))


def _exp(matches: Floats, totals: Floats) -> Floats:
    """Geometric mean of the precisions, (U, U), smoothed as sacreBLEU's ``exp``.

    The i-th order without matches counts 1/2^i of one; an order that the hypothesis is too short
    for is left out (sacreBLEU's effective order, as its ``sentence_bleu`` has it by default).
    """
    halvings = np.cumsum(matches == 0, axis=0)
    hits = np.where(matches == 0, 0.5**halvings, matches)
    logs = np.log(hits) - np.log(np.maximum(totals, 1.0))[:, :, None]
    counted = totals > 0
    logs = np.where(counted[:, :, None], logs, 0.0)
    return np.asarray(np.exp(logs.sum(axis=0) / np.maximum(counted.sum(axis=0), 1)[:, None]))


SMOOTHINGS: dict[str, Callable[[Floats, Floats], Floats]] = {"method1": _method1, "exp": _exp}


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
    """
    split = lookup(TOKENIZERS, tokenize, kind="BLEU tokenisation")
    smooth = lookup(SMOOTHINGS, smoothing, kind="BLEU smoothing")
    places: dict[str, int] = {}
    inverse = np.array([places.setdefault(text, len(places)) for text in texts], dtype=np.int64)
    tokens = [split(text) for text in places]  # the U different texts

    lengths = np.array([len(words) for words in tokens], dtype=np.float64)
    totals = np.maximum(lengths - np.arange(MAX_ORDER)[:, None], 0.0)  # (4, U)
    matches = np.stack([_matches(ngram_ids(tokens, n)) for n in range(1, MAX_ORDER + 1)])
    brevity = np.exp(np.minimum(0.0, 1.0 - lengths / np.maximum(lengths, 1.0)[:, None]))
    bleu = np.where(matches[0] > 0, brevity * smooth(matches, totals), 0.0)
    return np.asarray(bleu[np.ix_(inverse, inverse)])


def _matches(ids: list[Ints]) -> Floats:
    """(U, U) clipped matches of n-grams: each counts as often as in the text that has it less.

    That is the number of pairs (n-gram, occurrence number) which both texts have, so it is a
    product of 0/1 matrices. Their counts stay far below 2^24, so float32 holds them exactly.
    """
    size = len(ids)
    owners = np.repeat(np.arange(size), [len(own) for own in ids])
    numbers = np.concatenate([np.empty(0, dtype=np.int64), *ids])
    order = np.lexsort((numbers, owners))  # by text, then n-gram
    owners, numbers = owners[order], numbers[order]
    position = np.arange(len(numbers))
    first = np.ones(len(numbers), dtype=bool)
    first[1:] = (np.diff(owners) != 0) | (np.diff(numbers) != 0)
    occurrence = position - np.maximum.accumulate(np.where(first, position, 0))
    keys = numbers * (len(numbers) + 1) + occurrence
    _, columns, holders = np.unique(keys, return_inverse=True, return_counts=True)
    shared = holders[columns] > 1  # the others match nothing but their own text
    owners, columns = owners[shared], np.unique(columns[shared], return_inverse=True)[1]

    matches = np.zeros((size, size))
    by_column = np.argsort(columns, kind="stable")
    owners, columns = owners[by_column], columns[by_column]
    width = int(columns.max(initial=-1)) + 1
    for start in range(0, width, COLUMNS):
        low, high = np.searchsorted(columns, [start, start + COLUMNS])
        block = np.zeros((size, min(COLUMNS, width - start)), dtype=np.float32)
        block[owners[low:high], columns[low:high] - start] = 1.0
        matches += block @ block.T
    np.fill_diagonal(matches, [len(own) for own in ids])
    return matches


def self_bleu(bleu: Floats, subsets: Ints) -> Floats:
    """Mean sentence BLEU over the ordered pairs of each subset.

    Between 0 and 1; larger means LESS diverse wording. May be compared between subset sizes.

    Args:
        bleu: (N, N) from ``pairwise_bleu``.
        subsets: (S, K) indices into the N texts.

    Returns:
        (S,) means, dimensionless; NaN at K = 1.

    Source:
        Zhu et al. (2018), arXiv:1802.01886, but with each other text as the one reference of a
        pair instead of all at once, as in minimum-Bayes-risk decoding.
    """
    return mean_off_diagonal(bleu, subsets)
