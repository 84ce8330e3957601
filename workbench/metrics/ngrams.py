"""The n-grams of a pool's texts as numbers, which several metrics count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import TypeVar

import numpy as np

from workbench.core.jit import compiled
from workbench.core.lookup import lookup
from workbench.core.types import Ints
from workbench.metrics.tokens import TOKENIZERS

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Ngrams:
    """The n-grams of N texts, of which U are different, with T tokens in all of those."""

    text: Ints
    """(N,) which of the U different texts each one is."""
    starts: Ints
    """(U + 1,) where the tokens of each different text begin, and T."""
    numbers: Ints
    """(orders, T): [n - 1, t] is the number of the n-gram that begins at token t, equal just where
    the n-grams are, -1 where the text ends before it does."""
    different: Ints
    """(orders,) how many different n-grams there are of each order: numbers are below it."""

    @property
    def lengths(self) -> Ints:
        """(U,) tokens of each different text."""
        return np.diff(self.starts)


def number_ngrams(texts: Sequence[str], orders: int, tokenize: str = "whitespace") -> Ngrams:
    """Number the n-grams of N texts, for each n from 1 to ``orders``.

    N-grams never cross from one text to the next. Equal texts are read once. The numbers fit this
    call only. ``tokenize`` is a row of ``TOKENIZERS``.

    Raises:
        ValueError: ``orders`` is below 1, or there is no such tokenisation.

    Example:
        Words 0 and 1, and the pairs "a b" and "b a"; no pair begins at the last word.

        >>> number_ngrams(["a b a"], 2).numbers.tolist()
        [[0, 1, 0], [0, 1, -1]]
    """
    if orders < 1:
        raise ValueError(f"an n-gram needs at least one token, got n={orders}")
    rules = lookup(TOKENIZERS, tokenize, kind="BLEU tokenisation")
    text_ids, own = numbered(texts)
    words = [rules.words(text) for text in own]
    starts = _starts([len(each) for each in words])
    tokens, vocabulary = numbered(list(chain.from_iterable(words)))
    if rules.parts is not None:  # of each different word once
        parts = rules.parts(vocabulary)
        begins = _starts([len(each) for each in parts])
        pieces, vocabulary = numbered(list(chain.from_iterable(parts)))
        sizes = np.diff(begins)[tokens]
        ends = _starts(sizes)
        shift = np.repeat(begins[:-1][tokens] - ends[:-1], sizes)
        tokens, starts = pieces[np.arange(ends[-1]) + shift], ends[starts]
    numbers = np.full((orders, len(tokens)), -1)
    different = np.zeros(orders, np.int64)
    numbers[0], different[0] = tokens, len(vocabulary)
    slots = 1 << max(1, 2 * len(tokens) - 1).bit_length()  # of a hash table, half of it in use
    pairs, names = np.empty((2, slots), np.int64)
    _number(tokens, starts, len(vocabulary), pairs, names, numbers, different)
    return Ngrams(text_ids, starts, numbers, different)


def numbered(names: Sequence[T]) -> tuple[Ints, list[T]]:
    """Number things in order of first appearance: (one number for each, the different ones).

    Example:
        >>> numbers, different = numbered(["x", "y", "x"])
        >>> numbers.tolist(), different
        ([0, 1, 0], ['x', 'y'])
    """
    number_of: defaultdict[T, int] = defaultdict(count().__next__)
    numbers = np.fromiter(map(number_of.__getitem__, names), dtype=np.int64, count=len(names))
    return numbers, list(number_of)


def _starts(sizes: Sequence[int] | Ints) -> Ints:
    """Where pieces of these sizes begin, laid end to end, and where the last one ends."""
    starts = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=starts[1:])
    return starts


@compiled
def _number(
    tokens: Ints, starts: Ints, words: int, pairs: Ints, names: Ints, numbers: Ints, different: Ints
) -> None:
    """Set ``Ngrams.numbers`` and ``.different`` of n > 1 for tokens that are below ``words``."""
    # An n-gram is the (n - 1)-gram that begins where it does, and one more token: a pair of
    # numbers, looked up in a hash table with open addressing.
    slots = len(pairs)
    for n in range(1, len(numbers)):
        for slot in range(slots):
            pairs[slot] = -1
        for text in range(len(starts) - 1):
            for t in range(starts[text], starts[text + 1] - n):
                pair = numbers[n - 1, t] * words + tokens[t + n]
                slot = (pair * 0x1E3779B97F4A7C15 >> 32) & (slots - 1)
                while pairs[slot] != pair and pairs[slot] != -1:
                    slot = (slot + 1) & (slots - 1)
                if pairs[slot] == -1:
                    pairs[slot], names[slot] = pair, different[n]
                    different[n] += 1
                numbers[n, t] = names[slot]
