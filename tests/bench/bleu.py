"""Sentence BLEU of every pair of a pool's texts, beside nltk and sacreBLEU."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from sacrebleu.metrics.bleu import BLEU

from tests.bench import DATA, Row, in_turn, seconds
from workbench.core.types import Floats
from workbench.metrics.bleu import MAX_ORDER, _matches, pairwise_bleu
from workbench.metrics.ngrams import number_ngrams

SOLUTIONS = DATA / "problems" / "gsm8k_test.jsonl"
N = 64
WORDS = 100
CALLS = 20
"""Of ours for one of a peer's, so that both take long enough to time."""
COUNTING = 24e6
"""Ordered pairs a second of another way of counting: merging sorted n-grams, compiled, on two cores
like those of `results/bench`. It is not measured again here."""


def rows(full: bool) -> Iterator[Row]:
    """Time a pool of 64 solutions that resemble each other, tokenisation included."""
    if not SOLUTIONS.exists():
        print(f"bleu: left out, there is no {SOLUTIONS}")
        return
    texts = edited_solutions(N, np.random.default_rng(0))
    yield _row("nltk", by_nltk, texts, {}, "at least 150 x, equal within 1e-12")
    options = {"tokenize": "13a", "smoothing": "exp"}
    yield _row("sacreBLEU", by_sacrebleu, texts, options, "at least 100 x, equal within 1e-12")


def edited_solutions(count: int, rng: np.random.Generator) -> list[str]:
    """Texts of about 100 words each, as alike as samples are: one, with words put in, out and by.

    Every text has an edit rate of its own, up to a quarter of its words.
    """
    with SOLUTIONS.open() as lines:
        solutions = [json.loads(line)["solution"].split() for line in lines]
    words = np.array(sorted({word for solution in solutions for word in solution}))
    first = list(chain.from_iterable(solutions[:20]))[:WORDS]
    texts = []
    for rate in rng.uniform(0.0, 0.25, size=count):
        edited = []
        for word in first:
            other = str(rng.choice(words))
            choice = rng.integers(3) if rng.random() < rate else None
            edited += {None: [word], 0: [], 1: [other], 2: [word, other]}[choice]
        texts.append(" ".join(edited))
    return texts


def by_nltk(texts: Sequence[str]) -> Floats:
    """As a researcher would: each text split once, then a call per pair."""
    smooth = SmoothingFunction().method1
    split = [text.split() for text in texts]
    return np.array(
        [[sentence_bleu([one], other, smoothing_function=smooth) for one in split]
         for other in split]
    )  # fmt: skip


def by_sacrebleu(texts: Sequence[str]) -> Floats:
    """An object for each reference, which counts its n-grams once, and a call per pair."""
    scorers = [BLEU(effective_order=True, references=[[text]]) for text in texts]
    return np.array(
        [[scorer.corpus_score([text], None).score / 100 for scorer in scorers] for text in texts]
    )


def _row(
    name: str,
    peer: Callable[[Sequence[str]], Floats],
    texts: Sequence[str],
    options: dict[str, str],
    target: str,
) -> Row:
    np.testing.assert_allclose(pairwise_bleu(texts, **options), peer(texts), rtol=0, atol=1e-12)

    def ours() -> None:
        for _ in range(CALLS):
            pairwise_bleu(texts, **options)

    taken, theirs = in_turn(ours, lambda: peer(texts))
    taken /= CALLS
    ngrams = number_ngrams(texts, MAX_ORDER, options.get("tokenize", "whitespace"))

    def count() -> None:
        for n in range(1, MAX_ORDER + 1):
            _matches(ngrams.numbers[n - 1], ngrams.starts, n, ngrams.different[n - 1])

    counted = N**2 / seconds(count, CALLS)
    return Row(
        f"pairwise BLEU, N = {N}, {WORDS} words, as {name} has it",
        f"{1e3 * taken:.2f} ms ({N**2 / taken / 1e6:.1f} million pairs/s)",
        f"{name}: {theirs:.2f} s ({N**2 / theirs:,.0f} pairs/s)",
        theirs / taken,
        target,
        f"counting alone: {counted / 1e6:.0f} million pairs/s as bits on one core, "
        f"{counted / COUNTING:.0%} of the {COUNTING / 1e6:.0f} million of a merge on two",
    )
