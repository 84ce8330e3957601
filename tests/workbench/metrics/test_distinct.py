from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.metrics.distinct import distinct, distinct_n
from workbench.metrics.distinct import distinct_texts as distinct_of_ids
from workbench.metrics.ngrams import number_ngrams, numbered

TEXTS = st.lists(
    st.lists(st.sampled_from(["a", "b", "c,", "ä"]), max_size=6).map(" ".join), min_size=1
)


def distinct_texts(texts, subsets):
    return distinct_of_ids(numbered(texts)[0], subsets)


@pytest.mark.parametrize(
    ("texts", "n", "expected"),
    [
        (["a b c"], 1, 1.0),
        (["a a a"], 1, 1 / 3),
        (["a b", "b c"], 1, 3 / 4),  # a, b, c of a, b, b, c
        (["a b a b"], 2, 2 / 3),  # ab, ba of ab, ba, ab
        (["a b", "b c"], 2, 1.0),  # no b-b across the two texts
        (["a", "b c"], 2, 1.0),  # the short text adds nothing
        (["a b", "a b"], 2, 1 / 2),
        (["", "a"], 1, 1.0),
        (["Four four. four"], 1, 1.0),  # as written
        (["a\tb\n c\u00a0d"], 1, 1.0),  # four tokens: any whitespace separates
        (["数 数 é"], 1, 2 / 3),
    ],
)
def test_by_hand(texts, n, expected):
    assert distinct_n(texts, n) == pytest.approx(expected)


@pytest.mark.parametrize(("texts", "n"), [([""], 1), (["a", "b"], 2), (["a b c", " "], 4), ([], 1)])
def test_nothing_to_count_is_nan(texts, n):
    assert np.isnan(distinct_n(texts, n))


@given(TEXTS, st.integers(1, 4))
def test_equals_a_count_of_joined_strings(texts, n):
    counts = Counter()
    for text in texts:
        words = text.split(" ") if text else []
        counts.update("|".join(words[i : i + n]) for i in range(len(words) - n + 1))
    total = sum(counts.values())
    assert distinct_n(texts, n) == pytest.approx(
        len(counts) / total if total else np.nan, nan_ok=True
    )


@given(TEXTS, st.integers(1, 4), st.randoms(use_true_random=False))
def test_each_row_equals_its_own_texts_alone(texts, n, random):
    k = random.randint(1, len(texts))
    subsets = np.array([random.sample(range(len(texts)), k) for _ in range(4)])
    values = distinct(number_ngrams(texts, random.randint(n, 4)), subsets, n)
    expected = [distinct_n([texts[i] for i in members], n) for members in subsets]
    np.testing.assert_array_equal(values, expected)


def test_an_ngram_of_no_tokens_is_refused():
    with pytest.raises(ValueError, match="at least one token, got n=0"):
        distinct_n(["a"], 0)


@pytest.mark.parametrize("wrong", [-1, 2])
def test_an_index_outside_the_pool_is_refused(wrong):
    with pytest.raises(ValueError, match=f"no sample {wrong} in a pool of 2"):
        distinct(number_ngrams(["a", "b"], 1), np.array([[0, wrong]]), 1)


def test_distinct_texts_by_hand():
    texts = ["x", "y", "x", "", "x "]
    subsets = np.array([[0, 1, 2], [0, 2, 2], [3, 4, 0]])
    assert distinct_texts(texts, subsets) == pytest.approx([2 / 3, 1 / 3, 1.0])
    assert distinct_texts(texts, np.array([[0], [3]])) == pytest.approx([1.0, 1.0])


@given(st.lists(st.text(max_size=2), min_size=1, max_size=20))
def test_distinct_texts_of_a_whole_pool_is_the_size_of_the_set(texts):
    everything = np.arange(len(texts))[None, :]
    assert distinct_texts(texts, everything)[0] == pytest.approx(len(set(texts)) / len(texts))
