"""Kinds of answers that were graded wrong, each with values in both directions."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workbench.config.schema import TaskSettings
from workbench.tasks import TASKS
from workbench.tasks.checkers import CHECKERS

YES, NO = True, False

NUMBERS = [
    ("1500", "1.5e3", YES, "a power of ten, not Euler's number"),
    ("10000000000000000000000", "10^{22}", YES, "written out"),
    ("0.0000001", "-4.28171817", NO, "1e-7 is no e - 7"),
    ("0.0000001", "1e-7", YES, "a power of ten"),
    ("2e-3", "0.002", YES, "as a known answer too"),
    ("6.02E23", r"6.02 \times 10^{23}", YES, "a capital E"),
    ("20.0855", "e^3", NO, "rounded to four places only"),
    ("2e", "5.43656366", YES, "two times Euler's number, rounded to eight places"),
    ("1234", "1,234", YES, "thousands"),
    ("1234", r"1{,}234", YES, "thousands in LaTeX"),
    ("1234", "1 234", YES, "a space between thousands"),
    ("12345", r"12\,345", YES, "a thin space, no product"),
    ("1000", "1 000", YES, "no product with 0"),
    ("0", "1 000", NO, "no product with 0"),
    ("1000000", r"1\,000\,000", YES, "two groups"),
    ("10000", r"10,\!000", YES, "as MATH writes it"),
    ("1234.5", r"1\ 234.5", YES, "a control space"),
    ("1234", "(1,234)", NO, "a pair"),
    ("4140", r"12\,345", NO, "no product of 12 and 345"),
    ("12,345,678", "12345678", YES, "thousands in the known answer"),
    ("3.5", "3,5", NO, "no decimal comma without the setting"),
]
UNIT_CASES = [
    ("18", "18 dollars", YES, "a word in prose"),
    ("18", "18 eggs", YES, "a word in prose"),
    ("60", "60 km/h", YES, "a unit with a slash"),
    ("60", r"60\text{ km/h}", YES, "text"),
    ("60", r"60\,\text{cm}", YES, "a thin space and text"),
    ("60", r"60\ \mathrm{cm}^2", YES, "a power of a unit"),
    ("60", r"60^\circ", YES, "degrees"),
    ("60", r"60^{\circ}", YES, "degrees"),
    ("60", "60°", YES, "degrees"),
    ("60", "60 degrees", YES, "degrees"),
    ("18", "€18", YES, "currency in front"),
    ("18", r"\$18", YES, "currency in front"),
    ("18", "18 £", YES, "currency behind"),
    ("1234", r"\$1,234.00", YES, "currency and thousands"),
    (r"18\text{ dollars}", "18", YES, "a unit of the known answer"),
    ("18 dollars", r"\$18", YES, "the same unit twice"),
    ("18", "19 dollars", NO, "another number"),
    ("1.5", r"1.5 \text{ million}", NO, "a million times as large"),
    ("1500000", r"1.5 \text{ million}", YES, "scaled"),
    ("1500000", "1.5 million dollars", YES, "scaled, with a unit"),
    ("2.3", "2.3 billion", NO, "a scale"),
    ("3", "3 thousand", NO, "a scale"),
    ("24", "2 dozen", YES, "a scale"),
    ("3", r"3 \text{ hours } 20 \text{ minutes}", NO, "two quantities"),
    ("60", r"3 \text{ hours } 20 \text{ minutes}", NO, "no product either"),
    ("3 hours 20 minutes", r"3\text{ hours and }20\text{ minutes}", YES, "the same in other words"),
    ("200 minutes", "3 hours 20 minutes", YES, "scaled"),
    ("5", "5 feet 4 inches", NO, "two quantities"),
    ("5 m", r"5\text{ cm}", NO, "units of other sizes"),
    ("100 cm", "1 meter", YES, "units of other sizes"),
    ("5", "5x", NO, "a variable is no unit"),
    ("5", r"5\pi", NO, "nor is pi"),
    ("5", "5 pi", NO, "nor is pi"),
    ("5m", "5", NO, "a letter is a variable in mathematics"),
]
SIZES = [
    ("0.0000001", "0.0000002", NO, "twice as large"),
    (r"1.6\times 10^{-19}", r"9.1\times 10^{-31}", NO, "twelve powers of ten apart"),
    (r"1.6\times 10^{-19}", r"1.60 \cdot 10^{-19}", YES, "the same"),
    (r"\frac{1}{2^{99}}", r"\frac{1}{2^{98}}", NO, "half as large"),
    (r"2^{-99}", r"\frac{1}{2^{99}}", YES, "the same"),
    (r"2^{-99}", r"2^{-98}", NO, "twice as large"),
    (r"\frac{1}{2004!}", r"\frac{1}{2006!}", NO, "four million times as large"),
    (r"\frac{1}{2004!}", r"\frac{2005}{2005!}", YES, "the same"),
    ("0", "0.0000001", NO, "small, but not nothing"),
    (r"\frac{1}{3}", "0.333333", YES, "rounded to six digits"),
    (r"\frac{1}{3}", "0.3333", NO, "rounded to four"),
    (r"\frac{1}{300000}", "0.000003", NO, "rounded to one digit"),
    (r"\frac{\pi}{3000000}", r"0.000001047198", YES, "rounded to seven digits"),
    ("123456789012345678901", "123456789012345678902", NO, "whole numbers are exact"),
    ("2^{100}", "1267650600228229401496703205376", YES, "written out"),
    ("2^{100}", "1267650600228229401496703205377", NO, "one more"),
    ("10^{400}", "10^{401}", NO, "beyond floating point"),
    ("1.0000001", "1", NO, "two decimals"),
]
WORDS = [
    ("listen", "silent", NO, "an anagram"),
    ("ABC", "CBA", NO, "an anagram"),
    (r"\text{east}", "seat", NO, "an anagram of a text"),
    ("east", r"\text{seat}", NO, "an anagram of a text"),
    (r"\text{east}", "East", YES, "upper or lower case"),
    ("east", r"\textbf{east}", YES, "bold"),
    (r"\text{Evelyn}", "Evelyn", YES, "text or not"),
    ("no solution", "no  solutions", NO, "another word"),
    (r"\text{no solution}", "no solution", YES, "spaces stay"),
    (r"\text{evil}", r"e \cdot v \cdot i \cdot l", NO, "a text is no product"),
    ("xy", r"x \cdot y", YES, "a product with an operator"),
    ("triangle", "integral", NO, "an anagram"),
    (r"\text{(A)}", "A", YES, "a letter in brackets"),
    (r"\text{(A)}", "B", NO, "another letter"),
]
LISTS = [
    ("1,2", "2,1", NO, "the order counts"),
    ("1, 2, 3", "1,2,3", YES, "the same order"),
    ("1, 2, 3", "3,2,1", NO, "another order"),
    ("0.5, 2", r"\frac12, 2", YES, "members are compared as answers"),
    (r"\{1,2\}", r"\{2,1\}", YES, "a set has no order"),
    (r"\{1,2\}", "2,1", YES, "the known answer is a set"),
    (r"\{1,2\}", r"\{1,3\}", NO, "another set"),
    ("(0,1)", "(1,0)", NO, "another point"),
    ("(1,0)", "(2,1)", NO, "no two empty intervals"),
    ("(3,4)", "3,4", YES, "brackets left out"),
    ("(3,4)", "4,3", NO, "another order"),
    ("(1,2)", "[1,2]", NO, "an open and a closed interval"),
    ("x=1, y=2", "y=2, x=1", YES, "names say which is which"),
    ("x=1, y=2", "x=2, y=1", NO, "names say which is which"),
    ("(1,2),(3,4)", "(1,2), (3,4)", YES, "points"),
    ("(1,2),(3,4)", "(3,4), (1,2)", NO, "points in another order"),
    ("1,2", "1,2,3", NO, "one more"),
]
INTERVALS = [
    ("(1,2)", "1 < x < 2", YES, "an inequality"),
    ("1 < x < 2", "(1,2)", YES, "the other way round"),
    (r"[1,2)", r"1 \le x < 2", YES, "half open"),
    (r"1 \le x < 2", "[1,2)", YES, "half open"),
    (r"1 \le x < 2", "[1,2]", NO, "half open"),
    ("x > 3", r"(3,\infty)", YES, "unbounded"),
    (r"(3,\infty)", "x > 3", YES, "unbounded"),
    (r"(-\infty, 3]", r"x \leq 3", YES, "unbounded"),
    (r"x \in [0,1]", "[0,1]", YES, "with its variable"),
    (r"(-\infty,1) \cup (3,\infty)", r"x < 1 \text{ or } x > 3", YES, "a union"),
    (r"(3,\infty) \cup (-\infty,1)", r"(-\infty,1) \cup (3,\infty)", YES, "a union has no order"),
    ("3 < x", "x > 3", YES, "turned round"),
    ("x > 3", "x < 3", NO, "the other side"),
    ("17", r"x \neq 17", NO, "everything but 17"),
    ("17", r"\neq 17", NO, "everything but 17"),
    (r"x \neq 17", "17", NO, "everything but 17"),
    (r"x \neq 17", "x ≠ 17", YES, "another sign"),
    (r"x \ne 17", r"x \neq 18", NO, "another number"),
    (r"(-\infty,17) \cup (17,\infty)", r"x \neq 17", YES, "everything but 17"),
    ("17", r"x \le 17", NO, "an inequality is no number"),
    ("17", r"x < 17", NO, "an inequality is no number"),
]
FORMULAS = [
    (r"1-\frac{1}{\mathrm{e}}", r"1+\frac{1}{\mathrm{e}}", NO, "another sign"),
    (r"1-\frac{1}{\mathrm{e}}", r"1-\frac1e", YES, "upright e"),
    (r"1-\frac1e", "1-1/e", YES, "the same"),
    (r"1+1/e", "1\N{MINUS SIGN}1/e", NO, "another sign"),
    (r"\mathrm{e}^{2}", "e^2", YES, "upright e"),
    ("4", r"4\sqrt(2)", NO, "a root with round brackets"),
    (r"4\sqrt{2}", r"4\sqrt(2)", YES, "a root with round brackets"),
    (r"4\sqrt{2}", r"4 sqrt(2)", YES, "a root without backslash"),
    (r"4\sqrt{2}", "4√2", YES, "a root sign"),
    (r"\sqrt{(2)}", r"\sqrt2", YES, "a root"),
    (r"\frac{5}{2}", r"2\ 1/2", YES, "a mixed number"),
    (r"\frac{7}{2}", "3 1/2", YES, "a mixed number"),
    (r"\frac{5}{2}", r"2\frac12", YES, "a mixed number"),
    ("-2.5", r"-2\frac{1}{2}", YES, "a negative mixed number"),
    ("1", r"2\frac{1}{2}", NO, "no product"),
    ("31/2", "3 1/2", NO, "no 31 halves"),
    ("0.5", r"\frac12", YES, "no braces"),
    (r"\frac12", r"\frac 1 2", YES, "no braces"),
    ("-5", "\N{MINUS SIGN}5", YES, "a minus sign"),
    ("-5", "\N{EN DASH}5", YES, "a dash for a minus sign"),
    ("-5", "\N{FULLWIDTH HYPHEN-MINUS}5", YES, "a wide minus sign"),
    ("5", "\N{MINUS SIGN}5", NO, "a minus sign"),
    (r"\emptyset", r"\varnothing", YES, "the empty set"),
    (r"\emptyset", r"\{\}", YES, "the empty set"),
    (r"\emptyset", "∅", YES, "the empty set"),
    (r"\emptyset", "0", NO, "the empty set is no number"),
    ("i", r"\sqrt{-1}", YES, "the imaginary unit"),
    (r"\sqrt{-1}", r"\mathrm{i}", YES, "the imaginary unit"),
    ("2i", r"2\sqrt{-1}", YES, "the imaginary unit"),
    ("i", "1", NO, "the imaginary unit"),
    ("i", "-i", NO, "its opposite"),
    ("73", "**73**", YES, "bold"),
    (r"\boxed{17}", "17", YES, "a box in the known answer"),
    ("He has 12.\n#### 17", "17", YES, "a worked solution as the known answer"),
    ("He has 12.\n#### 17", "12", NO, "a worked solution as the known answer"),
    (r"so $x=17$, hence $\boxed{17}$.", "17", YES, "a box in the known answer"),
    ("5", r"\text{5}", YES, "a number as text"),
    (r"\pm 3", "3", NO, "two numbers"),
    (r"\frac{\pi}{2}", "π/2", YES, "a Greek letter"),
    ("x^2", "x²", YES, "a raised digit"),
    ("x + 1", "1+x", YES, "as before"),
]
MATH = [*NUMBERS, *UNIT_CASES, *SIZES, *WORDS, *LISTS, *INTERVALS, *FORMULAS]


@pytest.mark.parametrize(("gold", "answer", "verdict", "why"), MATH)
def test_math_by_kind(gold, answer, verdict, why):
    checker = CHECKERS["math"]
    assert checker.equal(gold, answer) is verdict, why
    short = checker.quick(checker.canonical(gold), checker.canonical(answer))
    assert short in (None, verdict), why


NUMERIC = [
    ("60", r"60\text{ km/h}", YES, "a unit"),
    ("60", "60 km/h", YES, "a unit"),
    ("60", r"60^\circ", YES, "degrees"),
    ("60", "x = 60", YES, "a name in front"),
    ("60", r"60\,\text{cm}", YES, "a thin space"),
    ("2.5", r"2\frac{1}{2}", YES, "a mixed number"),
    ("0.5", r"\frac12", YES, "no braces"),
    ("-0.5", r"\frac{-1}{2}", YES, "a sign inside"),
    ("1.5", r"1.5 \text{ million}", NO, "a million times as large"),
    ("1500000", "1.5 million", YES, "scaled"),
    ("5", "5k", NO, "perhaps five thousand"),
    ("8", "8Z", NO, "a slip, and no unit"),
    ("8", "8m", YES, "a unit"),
    ("8", "8L", YES, "a unit"),
    ("5", "5 m", YES, "a unit of one letter"),
    ("3", "3 hours 20 minutes", NO, "two quantities"),
    ("5", "5 pi", NO, "a formula"),
    ("1500", "1.5e3", YES, "a power of ten"),
    ("1234", "1 234 eggs", YES, "thousands"),
    ("He has 12.\n#### 17", "17", YES, "a worked solution as the known answer"),
    ("2", "2 or 3", NO, "two numbers"),
]
INTEGER = [
    ("\N{MINUS SIGN}5", "-5", YES, "a minus sign"),
    ("1234", r"\$1,234", YES, "currency"),
    ("1234", "1{,}234", YES, "thousands"),
    ("1234", r"1\,234", YES, "thousands"),
    ("5", r"\text{5}", YES, "text"),
    ("5", "5 apples", YES, "a unit"),
    ("1500", "1.5e3", YES, "a power of ten"),
    ("7", "7.5", NO, "no integer"),
    ("5", "10/2", NO, "not worked out"),
    ("5", "5 million", NO, "a scale"),
    ("17", "**17**", YES, "bold"),
    ("He has 12.\n#### 1,017", "1017", YES, "a worked solution as the known answer"),
]
EXACT = [
    ("-5", "\N{MINUS SIGN}5", YES, "a minus sign"),
    ("Paris", "**paris**", YES, "bold"),
    ("Paris", r"\boxed{Paris}", YES, "a box"),
    ("listen", "silent", NO, "an anagram"),
    ("5", "5.0", NO, "another text"),
]


@pytest.mark.parametrize(
    ("compare", "gold", "answer", "verdict", "why"),
    [
        (compare, *row)
        for compare, rows in (("numeric", NUMERIC), ("integer", INTEGER), ("exact", EXACT))
        for row in rows
    ],
)
def test_other_comparisons_by_kind(compare, gold, answer, verdict, why):
    checker = CHECKERS[compare]
    assert checker.equal(gold, answer) is verdict, why
    assert checker.equal(checker.canonical(gold), checker.canonical(answer)) is verdict, why


def test_lists_are_sets_only_where_the_task_says_so():
    # MATH asks for lists "separated by commas", in no order.
    math500 = TASKS["math500"].checker(TaskSettings(name="math500"))
    assert math500.equal("1, -2", "-2, 1") is True
    assert math500.equal("(1, -2)", "(-2, 1)") is False
    assert math500.equal("1, 1, 2", "1, 2, 2") is False
    options = {"any_order": True}
    loose = TASKS["jsonl"].checker(TaskSettings(name="jsonl", options=options))
    assert loose.equal("1, -2", "-2, 1") is True
    assert TASKS["jsonl"].checker(TaskSettings(name="jsonl")).equal("1, -2", "-2, 1") is False


@pytest.mark.parametrize("compare", ["math", "numeric"])
def test_a_decimal_comma_where_the_setting_says_so(compare):
    options = {"compare": compare, "decimal_comma": True}
    checker = TASKS["jsonl"].checker(TaskSettings(name="jsonl", options=options))
    for gold, answer, verdict in (
        ("3.5", "3,5", True), ("3,5", "3.5", True), ("1234.5", "1.234,5", True),
        ("1,234", "1.234", True), ("1,234", "1234", False), ("3,5 kg", "3.5", True),
        ("3.5", "3,6", False), ("0,25", r"\frac14", True),
    ):  # fmt: skip
        assert checker.equal(gold, answer) is verdict, (gold, answer)
        spelt = checker.canonical(gold), checker.canonical(answer)
        assert checker.equal(*spelt) is verdict, spelt
        assert tuple(map(checker.canonical, spelt)) == spelt
    assert CHECKERS[compare].equal("3.5", "3,5") is False


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"any_order": 1}, "options.any_order: must be true or false, got 1"),
        ({"decimal_comma": "yes"}, "options.decimal_comma: must be true or false, got 'yes'"),
        ({"any_order": True, "compare": "exact"}, "options.any_order: set options.compare to math"),
        ({"decimal_comma": True, "compare": "choice"}, "compare to math or numeric or integer"),
    ],
)
def test_faulty_switches(options, message, tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_text('{"problem": "?", "gold": "1"}\n')
    settings = TaskSettings(name="jsonl", source=str(path), options=options)
    with pytest.raises(ValueError, match=message):
        TASKS["jsonl"].check(settings)


# The verdict is the same however the two are wrapped and spaced.
DRESSES = [
    str, "${}$".format, " {} ".format, r"\( {} \)".format, "{}.".format, "**{}**".format,
    lambda text: text.replace(r"\frac", r"\dfrac"),
    lambda text: text.replace("(", r"\left(").replace(")", r"\right)"),
]  # fmt: skip
TEXTS = sorted({text for row in MATH for text in row[:2]})


@settings(max_examples=60)
@given(st.sampled_from(MATH), st.sampled_from(DRESSES), st.sampled_from(DRESSES))
def test_wrapping_changes_no_verdict(row, one, other):
    gold, answer, verdict, _ = row
    gold, answer = one(gold), other(answer)
    assume("****" not in gold + answer)  # bold twice is no Markdown
    assert CHECKERS["math"].equal(gold, answer) is verdict


@settings(max_examples=100)
@given(st.sampled_from(TEXTS) | st.text("0123456789.,$%/- eE{}\\text()x=<", max_size=12))
def test_every_answer_equals_itself(text):
    assert all(checker.equal(text, text) is True for checker in CHECKERS.values())


@settings(max_examples=100)
@given(st.sampled_from(MATH))
def test_the_other_way_round_the_verdict_is_the_same_but_for_letters_as_units(row):
    gold, answer, verdict, _ = row
    reverse = verdict if gold != "5m" else True  # "5m" is five metres where 5 is known
    assert CHECKERS["math"].equal(answer, gold) is reverse
