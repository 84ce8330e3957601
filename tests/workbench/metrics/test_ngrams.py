from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.metrics.ngrams import number_ngrams, numbered
from workbench.metrics.tokens import TOKENIZERS

TEXTS = st.lists(
    st.lists(st.sampled_from(["a", "b", "c.", "\u00e9", "1,0-2", "&lt;"]), max_size=9).map(
        " ".join
    ),
    max_size=8,
)


def test_by_hand():
    found = number_ngrams(["a b a b", "b a", "a b a b", "", "c"], 3)
    assert found.text.tolist() == [0, 1, 0, 2, 3]
    assert found.starts.tolist() == [0, 4, 6, 6, 7]
    assert found.lengths.tolist() == [4, 2, 0, 1]
    assert found.numbers.tolist() == [
        [0, 1, 0, 1, 1, 0, 2],
        [0, 1, 0, -1, 1, -1, -1],  # ab ba ab; ba
        [0, 1, -1, -1, -1, -1, -1],
    ]
    assert found.different.tolist() == [3, 2, 2]


@pytest.mark.parametrize("tokenize", TOKENIZERS)
@settings(max_examples=100)
@given(texts=TEXTS, orders=st.integers(1, 5))
def test_numbers_are_equal_just_where_the_ngrams_are(tokenize, texts, orders):
    found = number_ngrams(texts, orders, tokenize)
    tokens = [TOKENIZERS[tokenize](text) for text in texts]
    for n in range(1, orders + 1):
        names = {}  # of each n-gram as it is -> its numbers
        for text, own in zip(found.text, tokens, strict=True):
            start, stop = found.starts[text : text + 2]
            assert stop - start == len(own)
            for t in range(len(own)):
                number = found.numbers[n - 1, start + t]
                if t + n > len(own):
                    assert number == -1
                else:
                    names.setdefault(tuple(own[t : t + n]), set()).add(number)
        assert all(len(numbers) == 1 for numbers in names.values())
        assert sorted(map(min, names.values())) == list(range(found.different[n - 1]))


def test_many_ngrams_find_their_places():
    """More than one n-gram in a slot of the table, of which there are twice as many."""
    words = [str(i) for i in np.random.default_rng(3).integers(0, 60, size=20_000)]
    found = number_ngrams([" ".join(words)], 2)
    pairs = list(pairwise(words))
    assert found.numbers[1, :-1].tolist() == numbered(pairs)[0].tolist()
    assert found.different[1] == len(set(pairs))


def test_nothing_to_number():
    for texts in ([], [""], ["", " \n"]):
        found = number_ngrams(texts, 4, "13a")
        assert found.numbers.shape == (4, 0)
        assert found.different.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("orders", [0, -1])
def test_an_ngram_of_no_tokens_is_refused(orders):
    with pytest.raises(ValueError, match=f"at least one token, got n={orders}"):
        number_ngrams(["a"], orders)


def test_strings_are_numbered_as_they_first_appear():
    numbers, different = numbered(["x", "", "x", "x ", ""])
    assert numbers.tolist() == [0, 1, 0, 2, 1]
    assert different == ["x", "", "x "]
