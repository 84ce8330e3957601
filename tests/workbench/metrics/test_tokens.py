import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from workbench.metrics.tokens import TOKENIZERS

PIECES = [
    "a", "b", "7", "12", ".", ",", "-", "a.", "1,000", "3-4", "&amp;", "&amp;lt;", "&quot;", "&",
    "\u00e9,", "\u0664", "\n", "-\n", "\r\n", "\t", "\u00a0", "\u2028", "\x1c", " ", "\\boxed{",
    "}", "<skipped>", "$", "'", "\u2019",
]  # fmt: skip
RUNS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("It costs $1,000.50, no?", ["It", "costs", "$", "1,000.50", ",", "no", "?"]),
        ("3-4 re-do .5 5.", ["3", "-", "4", "re-do", ".", "5", "5", "."]),
        ("a-\nb\nc &lt;&amp;gt; &amp;quot;", ["ab", "c", "<", ">", "&", "quot", ";"]),
    ],
)
def test_13a_by_hand(text, expected):
    assert TOKENIZERS["13a"](text) == expected


@settings(max_examples=500)
@given(st.one_of(RUNS, st.text(max_size=30), st.text("09.,-& \n\u00e9;x{", max_size=30)))
def test_13a_equals_sacrebleu(text):
    assert TOKENIZERS["13a"](text) == Tokenizer13a()(text.rstrip()).split()


def test_whitespace_is_any_and_the_rest_as_written():
    assert TOKENIZERS["whitespace"](" Four.\tfour\u00a0 5-\n6 ") == ["Four.", "four", "5-", "6"]
