import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lazily import Lazy
from workbench.metrics.bleu import _matches, pairwise_bleu, self_bleu
from workbench.metrics.ngrams import number_ngrams
from workbench.metrics.tokens import TOKENIZERS

sacrebleu, nltk_bleu = Lazy("sacrebleu"), Lazy("nltk.translate.bleu_score")

DATA = Path(__file__).parents[4] / "shared" / "data" / "generations"

TEXTS = [
    "",
    " \n",
    "a",
    "b",
    "a b",
    "a a a",
    "a b c d",
    "the the the the the the the",
    "the cat is on the mat",
    "the cat sat on the mat today",
    "the cat sat on the mat today",
    "x the cat y sat on",
    "Four. \\boxed{4,000.5} 3-4 = -1 &lt;b&gt; \u2014 \u00e9t\u00e9\u00a0\u6570 ",
    "Four. \\boxed{4,000.5} 3-4 = -1 <b>, \u00e9t\u00e9",
]

WORDS = [
    "a",
    "b",
    "a.",
    "1,000",
    "3-4",
    "&amp;lt;",
    "\u00e9,",
    "\n",
    "-\n",
    "\\boxed{",
    "<skipped>",
]
PHRASES = st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join)


def by_nltk(texts, split=str.split):
    smooth = nltk_bleu.SmoothingFunction().method1
    tokens = [split(text) for text in texts]
    return np.array(
        [
            [nltk_bleu.sentence_bleu([ref], hyp, smoothing_function=smooth) for ref in tokens]
            for hyp in tokens
        ]
    )


def by_sacrebleu(texts, tokenize="13a"):
    def score(hyp, ref):
        return sacrebleu.sentence_bleu(hyp, [ref], tokenize=tokenize).score / 100

    return np.array([[score(hyp, ref) for ref in texts] for hyp in texts])


def test_two_sentences_by_hand():
    """Precisions 5/6, 3/5, 1/4 and 0.1/3; the hypothesis is one token shorter: exp(1 - 7/6)."""
    texts = ["the cat is on the mat", "the cat sat on the mat today"]
    expected = np.exp(-1 / 6) * (5 / 6 * 3 / 5 * 1 / 4 * 0.1 / 3) ** 0.25
    assert pairwise_bleu(texts)[0, 1] == pytest.approx(expected, abs=1e-15)


def test_equals_nltk_for_every_pair():
    np.testing.assert_allclose(pairwise_bleu(TEXTS), by_nltk(TEXTS), rtol=0, atol=1e-12)


def test_equals_sacrebleu_for_every_pair():
    value = pairwise_bleu(TEXTS, tokenize="13a", smoothing="exp")
    np.testing.assert_allclose(value, by_sacrebleu(TEXTS), rtol=0, atol=1e-12)
    assert np.abs(value - pairwise_bleu(TEXTS)).max() > 0.1  # the options matter


@pytest.mark.parametrize("tokenize", ["whitespace", "13a"])
def test_the_two_options_are_independent(tokenize):
    split = TOKENIZERS[tokenize]
    value = pairwise_bleu(TEXTS, tokenize=tokenize, smoothing="method1")
    np.testing.assert_allclose(value, by_nltk(TEXTS, split), rtol=0, atol=1e-12)
    value = pairwise_bleu(TEXTS, tokenize=tokenize, smoothing="exp")
    theirs = by_sacrebleu(TEXTS, "none" if tokenize == "whitespace" else "13a")
    np.testing.assert_allclose(value, theirs, rtol=0, atol=1e-12)


@settings(max_examples=60)
@given(st.lists(PHRASES, min_size=1, max_size=5))
def test_equals_both_packages_on_anything(texts):
    np.testing.assert_allclose(pairwise_bleu(texts), by_nltk(texts), rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        pairwise_bleu(texts, "13a", "exp"), by_sacrebleu(texts), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize(
    ("file", "cell"),
    [
        ("math100_qwen_rm_8x.jsonl.gz", "qwen-rm-example/3"),
        ("humaneval_codegen16b_100x.jsonl.gz", "HumanEval/0"),
    ],
)
def test_equals_both_packages_on_real_samples(file, cell):
    if not (DATA / file).exists():
        pytest.skip(f"no {DATA / file}")
    with gzip.open(DATA / file, "rt") as lines:
        texts = [row["text"] for row in map(json.loads, lines) if row["problem_id"] == cell][:8]
    assert len(texts) == 8
    np.testing.assert_allclose(pairwise_bleu(texts), by_nltk(texts), rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        pairwise_bleu(texts, "13a", "exp"), by_sacrebleu(texts), rtol=0, atol=1e-12
    )


def test_rows_are_hypotheses_and_columns_references():
    short_first = pairwise_bleu(["a b c d", "a b c d e f g h"])
    assert short_first[0, 1] == pytest.approx(np.exp(1 - 8 / 4))  # brevity alone
    assert short_first[1, 0] == pytest.approx((4 / 8 * 3 / 7 * 2 / 6 * 1 / 5) ** 0.25)


def plain_matches(texts, n):
    """What BLEU counts, of Counters."""
    tokens = [text.split() for text in texts]
    counts = [Counter(zip(*(own[i:] for i in range(n)), strict=False)) for own in tokens]
    return [[sum((one & other).values()) for other in counts] for one in counts]


@settings(max_examples=100)
@given(st.lists(st.lists(st.sampled_from("abcde"), max_size=90).map(" ".join), unique=True))
def test_matches_equal_those_of_counters(texts):
    """Long texts of few words: many occurrences, and sets of several machine words."""
    ngrams = number_ngrams(texts, 4)
    for n in (1, 2, 3, 4):
        found = _matches(ngrams.numbers[n - 1], ngrams.starts, n, ngrams.different[n - 1])
        assert found.tolist() == plain_matches(texts, n)


def test_repeated_texts_repeat_their_row_and_column():
    once = pairwise_bleu(["a b c d e", "a b x d e"])
    places = [0, 1, 1, 0]
    twice = pairwise_bleu(["a b c d e", "a b x d e", "a b x d e", "a b c d e"])
    np.testing.assert_array_equal(twice, once[np.ix_(places, places)])


def test_pools_of_one_and_of_nothing():
    assert pairwise_bleu(["a b c d"]).tolist() == [[1.0]]
    assert pairwise_bleu([""]).tolist() == [[0.0]]
    assert pairwise_bleu([]).shape == (0, 0)


def test_an_unknown_option_is_refused_with_the_choices():
    with pytest.raises(ValueError, match=r"unknown BLEU tokenisation '13'.*'13a'.*whitespace, 13a"):
        pairwise_bleu(["a"], tokenize="13")
    with pytest.raises(ValueError, match=r"unknown BLEU smoothing 'method2'.*'method1'"):
        pairwise_bleu(["a"], smoothing="method2")


def test_self_bleu_is_the_mean_over_ordered_pairs():
    scores = pairwise_bleu(TEXTS)
    subsets = np.array([[8, 9, 11], [9, 10, 7]])
    expected = [np.mean([scores[i, j] for i in row for j in row if i != j]) for row in subsets]
    np.testing.assert_allclose(self_bleu(scores, subsets), expected)
    assert np.isnan(self_bleu(scores, np.array([[3]]))).all()
