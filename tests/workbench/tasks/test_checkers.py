"""The ways of comparing answers, by hand, and the short cut against math-verify itself."""

import gzip
import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.tasks.checkers import CHECKERS, exact_text, letter_text, number_text, numeric

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "generations"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (" New  York. ", "new york"),
        ("new\nyork", "new york"),
        (r"\text{Paris}", "paris"),
        (r"$\text{ Paris }$.", "paris"),
        ("Straße", "strasse"),  # as case folding has it
        ("a.b", "a.b"),
        (".", "."),  # never empty
        ("$ $", "$ $"),
        ("a..", "a"),
        (r"\text{a.}", "a"),
        ("Paris, France", "paris, france"),
    ],
)
def test_exact_text_by_hand(answer, expected):
    assert exact_text(answer) == expected
    assert exact_text(expected) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("18", "18"),
        ("018", "18"),
        ("18.0", "18"),
        ("18.", "18"),
        ("0.5", "1/2"),
        (".5", "1/2"),
        ("1/2", "1/2"),
        ("2 / 4", "1/2"),
        (r"\frac{1}{2}", "1/2"),
        (r"-\dfrac{10}{4}", "-5/2"),
        ("1,234,567.5", "2469135/2"),
        (r"10{,}000", "10000"),
        ("-7", "-7"),
        ("\N{MINUS SIGN}7", "-7"),
        ("+7", "7"),
        ("-$5", "-5"),
        ("$-5", "-5"),
        ("$1,234.50", "2469/2"),
        (r"\$18", "18"),
        ("$18$", "18"),
        ("18 €", "18"),
        ("50%", "50"),
        (r"50\%", "50"),
        (r"\text{18 dollars}", "18"),
        ("18 dollars", "18"),
        ("60 km/h", "60"),
        ("5 cm²", "5"),
        ("1.5e3", "1500"),
        ("10 m^2", "10"),
        ("x = 5", "5"),
        ("2E-2", "1/50"),
        # no numbers: as exact text, so that they are counted but equal no number
        ("1,23", "1,23"),
        ("5 to 7", "5 to 7"),
        ("5x+1", "5x+1"),
        ("1/0", "1/0"),
        ("--5", "--5"),
        ("about 5", "about 5"),
        ("1e9999", "1e9999"),  # a power beyond 999 is a slip, and would fill the memory
        ("five", "five"),
        ("²", "²"),
    ],
)
def test_numbers_by_hand(answer, expected):
    assert number_text(answer) == expected
    assert number_text(expected) == expected  # nothing is left to even out


def test_a_number_without_end_is_no_answer():
    endless = "9" * 5000  # Python itself refuses to read more than 4300 digits
    assert number_text(endless) == endless
    assert CHECKERS["numeric"].equal("9", endless) is False
    assert CHECKERS["numeric"].equal(endless, endless) is True


FLOATS = [
    # (known answer, answer, right, why)
    ("4.0", "3.999999999999999", True, "a float's noise; shared/faults/imports/float_noise.jsonl"),
    ("3.999999999999999", "4", True, "the other way round"),
    ("0.3", "0.30000000000000004", True, "0.1 + 0.2"),
    ("1/3", "0.333333", True, "six digits"),
    ("0.333333", "1/3", True, "the other way round"),
    ("1/3", "0.3333", False, "four digits: off by 1e-4"),
    ("1.6e-19", "1.6000001e-19", True, "small numbers by their size"),
    ("1.6e-19", "9.1e-31", False, "nor are both nothing"),
    ("1e-140", "2e-140", False, "tiny numbers"),
    ("1e-140", "1.0000001e-140", True, "the same, near"),
    ("6.02214076e23", "6.0221408e23", True, "whole numbers that floats round"),
    ("6.02214076e23", "6.02215e23", False, "the same, off by 1.5e-6"),
    ("1e22", "10000000000000000000000.5", True, "large numbers by their size"),
    ("12345.678", "12345.69", True, "off by 9.7e-7"),
    ("12345.678", "12345.691", False, "off by 1.05e-6"),
    ("1000000", "1000001", False, "two whole numbers are counted, not measured"),
    ("16777216", "16777217", False, "though a 32-bit float cannot tell them apart"),
    ("1000000", "1000000.5", True, "one of them is no whole number"),
    ("0", "0.0", True, "nothing is nothing"),
    ("0", "1e-17", False, "only 0 is 0: a share of nothing is nothing"),
    ("1e-17", "0", False, "the other way round"),
    ("-4", "4", False, "the sign counts"),
    ("-4", "-3.9999999999", True, "below 0 too"),
    ("0.5", "50%", False, "50 % is 50"),
]


@pytest.mark.parametrize(("gold", "answer", "right", "why"), FLOATS)
def test_numbers_are_compared_as_floats(gold, answer, right, why):
    checker = CHECKERS["numeric"]
    assert checker.equal(gold, answer) is right, why
    assert checker.quick(checker.canonical(gold), checker.canonical(answer)) is right, why


@given(st.fractions(), st.fractions(max_denominator=10**9).map(lambda off: off / 10**5))
def test_the_tolerance_is_a_share_of_the_larger_number(gold, off):
    answer = gold * (1 + off)
    right = abs(answer - gold) <= max(abs(gold), abs(answer)) / 10**6
    if all(n.denominator == 1 and abs(n) <= 2**53 for n in (gold, answer)):
        right = answer == gold
    if len(f"{gold}{answer}") < 300:  # longer texts are no numbers
        assert CHECKERS["numeric"].equal(str(gold), str(answer)) is right


def test_numbers_are_exact_or_off_by_the_tolerance_that_is_given():
    exact = numeric(0).equal
    assert exact("1/3", "2/6") is True
    assert exact("1/3", "0.333333") is False
    assert exact("0.1", "0.10000000000000000001") is False
    assert exact("4", "3.999999999999999") is False
    near = numeric(0.01).equal
    assert near("100", "101") is True
    assert near("100", "101.0102") is False
    assert near("-100", "-99") is True
    assert near("-100", "100") is False
    assert near("0", "0.001") is False  # a share of nothing is nothing
    assert near("101", "100") is True
    assert near("100", "about 100") is False
    # relative to the larger: 100 is 1 % of 10,000, and more than 1 % of 9,900
    assert (near("10000", "9900"), near("9900", "10000")) == (True, True)
    assert (near("10000", "9899"), near("9899", "10000")) == (False, False)


@given(st.fractions(max_denominator=10**6), st.booleans())
def test_every_fraction_comes_back(value, plus):
    text = ("+" if plus and value >= 0 else "") + str(value)
    assert Fraction(number_text(text)) == value


@given(st.one_of(st.text(max_size=12), st.text("0123456789.,$%/- eE{}\\text", max_size=12)))
@example(".$0")  # a mark hides a dollar sign
@example("0..")
def test_any_text_has_a_spelling_that_is_final(answer):
    for checker in CHECKERS.values():
        spelt = checker.canonical(answer)
        assert checker.canonical(spelt) == spelt


@pytest.mark.parametrize(
    "answer", ["B", "b", "(B)", ".$B", "B.", "**B**", r"\text{B}", r"$\text{(b)}$"]
)
def test_letters(answer):
    assert letter_text(answer) == "B"
    assert CHECKERS["choice"].equal("B", answer) is True
    assert CHECKERS["choice"].equal("A", answer) is False


@pytest.mark.parametrize(
    "answer", ["A)36", "(a) 36", "A. 36 miles", "A.36", "option A", "a: x = 5"]
)
def test_a_letter_with_the_text_of_its_choice(answer):
    assert CHECKERS["choice"].equal("A", answer) is True
    assert CHECKERS["choice"].equal(answer, "A") is True
    assert CHECKERS["choice"].equal("B", answer) is False


@pytest.mark.parametrize(
    "answer", ["A or B", "A, B", "A train", "A.M.", "(a)^2", "A = 5", "(A)(B)"]
)
def test_no_letter_with_the_text_of_its_choice(answer):
    assert CHECKERS["choice"].equal("A", answer) is False


integers = st.integers(-(10**15) + 1, 10**15 - 1).map(str)
small = st.integers(-1000, 1000).map(str)
decimals = st.tuples(st.integers(-(10**9) + 1, 10**9 - 1), st.integers(0, 999_999)).map(
    lambda parts: f"{parts[0]}.{parts[1]:06}"
)
sizes = st.integers(0, 10**9 - 1)
fractions = st.tuples(st.sampled_from([r"{}/{}", r"-\frac{{{}}}{{{}}}"]), sizes, sizes).map(
    lambda parts: parts[0].format(parts[1], parts[2] or 1)
)
numbers = st.one_of(integers, small, decimals, fractions, st.floats(-9, 9).map("{:.3f}".format))


@st.composite
def spellings(draw):
    """Two spellings of the same number, mostly."""
    value = Fraction(
        draw(st.integers(-(10**6), 10**6)), draw(st.sampled_from([1, 3, 8, 50, 10**6]))
    )
    sign, value = "-" if value < 0 else "", abs(value)
    times = draw(st.integers(1, 9))
    top, bottom = value.numerator * times, value.denominator * times
    texts = [f"{sign}{top}/{bottom}", rf"{sign}\frac{{{top}}}{{{bottom}}}"]
    if value.denominator == 1:
        texts.append(f"{sign}{value}")
    if 10**6 % value.denominator == 0:
        places = f"{float(value):.6f}"
        texts += [sign + places, (sign + places).rstrip("0").rstrip(".")]
    return draw(st.sampled_from(texts)), draw(st.sampled_from(texts))


@settings(max_examples=300)
@given(st.one_of(st.tuples(numbers, numbers), spellings()))
def test_the_short_cut_for_numbers_is_math_verify_s_verdict(pair):
    from math_verify import parse, verify

    gold, answer = pair
    short = CHECKERS["math"].quick(gold, answer)
    apart = abs(Fraction(number_text(gold)) - Fraction(number_text(answer)))
    if apart == 0 or apart > 1e-4:  # math-verify rounds to six decimals, whatever the size
        assert short is not None
        read = (parse(f"${text}$", parsing_timeout=None) for text in (gold, answer))
        assert short is verify(*read, timeout_seconds=None)


@pytest.mark.parametrize(
    ("pair", "short"),
    [
        (("7", "7"), True),
        (("7", "8"), False),
        (("9" * 15, "8" * 15), False),
        (("0.5", "50"), False),
        (("0.5", "0.50"), True),
        (("0.5", "1/2"), True),
        (("18.00", "18"), True),
        ((r"-\frac{2}{6}", "-1/3"), True),
        (("-0", "0"), True),
        (("0.5", "0.501"), False),
        ((r"\frac{1}{3}", "-1/3"), False),
        ((r"-\frac{1}{3}", "0.333"), False),
        (("1/3", "0.3333"), False),
        (("1/3", "0.333333"), True),  # rounded
        (("1/3", "0.333334"), False),
        (("7", "07"), True),
        (("7", "+7"), True),
        (("10000", "10,000"), True),
        (("50", r"50\%"), True),
        (("1" * 16, "2" * 16), False),
        (("0.1", "12345678901.5"), False),
        # math-verify's to decide
        (("1/0", "5"), None),
        ((r"\frac{1/2}", "5"), None),
        ((r"{1}{2}", "5"), None),
        ((r"\frac{1}{2}/3", "5"), None),
        (("x", "y"), None),
    ],
)
def test_where_there_is_a_short_cut(pair, short):
    assert CHECKERS["math"].quick(*pair) is short
    assert CHECKERS["math"].quick(*reversed(pair)) is short


@pytest.mark.parametrize("name", CHECKERS)
def test_canonical_spelling_changes_no_verdict_and_is_final(name):
    checker = CHECKERS[name]
    texts = ["B", " b.", "0.5", "1/2", "$50$", "50\\%", "1,000", "1000.", r"\dfrac{1}{2}", "Paris "]
    for gold in texts:
        spelt = checker.canonical(gold)
        assert checker.canonical(spelt) == spelt
        for answer in texts:
            verdict = checker.equal(gold, answer)
            assert checker.equal(spelt, checker.canonical(answer)) is verdict
            assert checker.quick is None or checker.quick(spelt, checker.canonical(answer)) in (
                None,
                verdict,
            )


def test_the_letters_of_real_answers_as_their_own_parser_read_them():
    """See test_choices.py for what is extracted; this is the comparison alone."""
    path = DATA / "renze_gpt35_math_mcq.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no real data at {path}")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    equal = CHECKERS["choice"].equal
    assert all(equal(row["gold"], str(row["answer"])) is row["correct"] for row in rows)
