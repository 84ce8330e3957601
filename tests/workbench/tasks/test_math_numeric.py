"""What formulas come to at one point: by hand, and against math-verify over many kinds."""

import cmath
import json
import math
import random
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.tasks import math_answers
from workbench.tasks.checkers import CHECKERS
from workbench.tasks.math_answers import answers_equal, canonical_answer
from workbench.tasks.math_numeric import CompoundValue, ExtremeNumber, NamedValue, differ, value_of

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def value_at_point(text):
    return math_answers._parse(text).value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        (r"-\frac{3}{4}", -0.75),
        (r"2\sqrt{3}", 12**0.5),
        (r"\sqrt{-4}", 2j),
        (r"\frac{\pi}{2}", cmath.pi / 2),
        ("2^{10}", 1024),
        (r"\sin 1", cmath.sin(1)),
        (r"\infty", cmath.inf),
        ("2^{1001}", ExtremeNumber(1001 * math.log(2), 1 + 0j)),
        (r"(-\infty, 1]", CompoundValue("(]", (-cmath.inf + 0j, 1 + 0j))),
        ("[1, 2)", CompoundValue("[)", (1 + 0j, 2 + 0j))),
        ("(3, 2)", CompoundValue("tuple", (3 + 0j, 2 + 0j))),
        ("(1, 2, 3)", CompoundValue("tuple", (1 + 0j, 2 + 0j, 3 + 0j))),
        (r"\{1, 2\}", CompoundValue("set", (1 + 0j, 2 + 0j))),
        ("1, x", CompoundValue("set", (1 + 0j, None))),
        (
            r"[1, 2) \cup \{x\}",
            CompoundValue(
                "union", (CompoundValue("[)", (1 + 0j, 2 + 0j)), CompoundValue("set", (None,)))
            ),
        ),
        ("x = 5", NamedValue("x", frozenset(), 5 + 0j)),
        ("y = ab", None),  # a word, or a product
        ("x = x^2", None),
        (
            r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}",
            CompoundValue("matrix (2, 1)", (1 + 0j, 2 + 0j)),
        ),
        # compared by other rules than values, or of no value
        ("x", None),
        (r"\text{Evelyn}", None),
        (r"50\%", None),
        ("1 < x", None),
        (r"\frac{1}{0}", None),
        (r"\{1\} \cup \{2\}", None),
        (r"\int x dx", None),
        ("n!", None),
        ("}{", None),
        # nobody waits for these
        ("9^{9^{9^{9^9}}}", None),
        (r"\exp(\exp(\exp(1000)))", None),
        (r"\exp 1", None),
    ],
)
def test_by_hand(text, value):
    found = value_at_point(text)
    if isinstance(value, int | float | complex):
        assert cmath.isclose(found, value)
    else:
        assert found == value


def test_a_variable_has_one_value_and_two_have_two():
    assert value_at_point("x+1") == value_at_point("1+x")
    assert cmath.isclose(value_at_point("2x"), value_at_point("x+x"))
    assert differ(value_at_point("x+1"), value_at_point("y+1"))
    assert differ(value_at_point("x+1"), value_at_point("x^2+1"))
    assert differ(value_at_point("xy"), value_at_point("x+y"))
    assert value_of(object()) is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("7", "8", True),
        ("7", r"\sqrt{49}", False),
        ("0.333333", r"\frac{1}{3}", False),  # math-verify's to decide
        ("0.3333", r"\frac{1}{3}", True),
        ("10^{12}", "10^{12}+1", False),  # floats of 15 digits
        ("7", "x", False),
        ("(x+1)^2", "x^2+2x+1", False),
        ("(x+1)^2", "x^2+2x+2", True),
        ("y=2x", "y=3x", True),
        ("y=2x", r"y=\sqrt{4}x", False),
        ("y=2x", "x=3", True),  # one depends on x alone, the other not on y
        ("y=2x", "x=3y", False),
        ("y=2", "3", True),
        ("y=2", "2", False),
        (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "3", True),
        (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 1 \\ 3 \end{pmatrix}", True),
        (r"\frac{1}{2004!}", r"\frac{2005}{2005!}", False),
        ("10^{400}", "10^{401}", True),
        ("[1,2]", "[1,2)", True),
        ("[1,2]", "[1,3]", True),
        ("[1,2]", r"[1,\sqrt{4}]", False),
        (r"[1,\infty)", r"[2,\infty)", True),
        (r"(-\infty,1)", r"(1,\infty)", True),
        ("[1,2]", "1", True),
        ("(1,2)", "1, 2", False),  # an interval, or a pair
        ("[1,2]", "1, 2, 3", True),
        ("(3,2)", "(3,1)", True),
        ("(3,2)", "(3,2,1)", True),
        ("(3,2)", "3", True),
        ("(3,2)", "2,3", False),
        ("(3,2)", "1,3", True),
        (r"\{1,2\}", r"\{2,3\}", True),
        (r"\{1,2\}", r"\{2,1\}", False),
        (r"\{1,2\}", "1", True),
        (r"\{1,x\}", r"\{1,2\}", False),  # of x nothing is known
        (r"\{1,x\}", r"\{3,4\}", True),
        (r"1 \pm \sqrt{2}", r"1 \pm \sqrt{3}", True),
        (r"(1,2) \cup (3,4)", "1", True),
        (r"(1,2) \cup (3,4)", r"(1,2) \cup (3,5)", False),  # may overlap
        (r"[1,2) \cup [2,3]", "[1,3]", False),
        ("(1,2),(3,4)", "(1,2),(3,5)", True),
        ("(2,1),(4,3)", "(2,1),(4,1)", True),
    ],
)
def test_what_is_plainly_different_by_hand(one, other, expected):
    assert differ(value_at_point(one), value_at_point(other)) is expected
    assert differ(value_at_point(other), value_at_point(one)) is expected
    if expected:
        assert not plain(one, other)
        assert not plain(other, one)


def plain(gold, answer):
    """math-verify's own verdict."""
    from math_verify import verify

    readings = (list(math_answers._parse(text).parsed) for text in (gold, answer))
    return verify(*readings, timeout_seconds=None)


KINDS = [
    "0", "2", "-2", "0.5", r"\frac{1}{2}", r"\sqrt{4}", r"2\pi", "e", "i", "2+3i", "x", "2x", "x+1",
    "x^2", r"\infty", r"-\infty", r"50\%", "x=2", "y=2", "2=x", "x+y=2", "x<2", r"x\le 2", "(1,2)",
    "(2,1)", "[1,2]", "(1,2]", r"(1,\infty)", "1,2", "2,1", "1,2,3", r"\{1,2\}", r"\{2\}",
    "(1,2,3)", r"\{(1,2),(3,4)\}", r"\pm 2", "2,-2", r"(1,2)\cup(3,4)", r"\emptyset", r"x\in[1,2]",
    r"\begin{pmatrix}1\\2\end{pmatrix}", r"\text{two}", "two", "A", r"\frac{1}{0}", r"90^\circ",
    r"\log 100", r"\log_2 4", r"\sin 1", "|x|", "f(x)=2", "1:2", "1e3", "1000", "1,000", "10^3", "",
]  # fmt: skip


def test_no_pair_that_math_verify_finds_equal_is_plainly_different():
    """Of all kinds of answers, and with real ones where they are."""
    rng = random.Random(0)
    texts = list(KINDS)
    path = DATA / "problems" / "math500.jsonl"
    if path.exists():
        golds = [json.loads(line)["answer"] for line in path.read_text("utf-8").splitlines()]
        texts += rng.sample([canonical_answer(gold) for gold in golds], 60)
    short_cuts = 0
    for gold, answer in rng.sample(list(product(texts, repeat=2)), 800):
        readings = math_answers._parse(gold), math_answers._parse(answer)
        if math_answers._surely_unequal(*readings):
            assert not plain(gold, answer), (gold, answer)
            short_cuts += 1
    assert short_cuts > 300  # or nothing was tried


def test_equal_strings_are_equal_whatever_they_were_read_as():
    # What follows the number is a unit in the string, and a number in the expression.
    gold, answer = "}{ 5", r"}{ 5 \text{ 7}"
    assert differ(value_at_point(gold), value_at_point(answer))
    assert plain(gold, answer) is True
    assert answers_equal(gold, answer) is True


DECIMALS = st.decimals(-1000, 1000, allow_nan=False, places=4).map(lambda x: f"{x:f}")


@settings(max_examples=200)
@given(DECIMALS, DECIMALS)
@example("99.9999", "100.0000")  # a millionth of the larger
def test_two_different_decimals_are_equal_only_as_near_numbers(one, other):
    apart = abs(Fraction(one) - Fraction(other))
    largest = max(abs(Fraction(one)), abs(Fraction(other)))
    assert CHECKERS["math"].equal(one, other) is (apart == 0)
    assert CHECKERS["numeric"].equal(one, other) is (apart * 10**6 <= largest)
