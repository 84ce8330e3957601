r"""Equivalences that other graders are described to know, each with a pair that is none.

- Hendrycks et al. 2021, MATH (https://arxiv.org/abs/2103.03874): ``is_equiv`` of its evaluation
  drops ``\left``, ``\text`` units, degree, dollar and percent signs, and writes fractions and roots
  in full.
- Lewkowycz et al. 2022, Minerva (https://arxiv.org/abs/2206.14858), appendix on answers: drops
  units in words, unpacks ``\text``, ``\textbf`` and ``\mbox``, removes commas of thousands.
- Math-Verify (https://github.com/huggingface/Math-Verify): sets, intervals, relations, matrices,
  percentages and rounded decimals.
"""

import pytest

from workbench.tasks.checkers import mathematics

YES, NO = True, False

HENDRYCKS = [
    (r"\frac{1}{2}", r"\dfrac{1}{2}", YES),
    (r"\frac{1}{2}", r"\tfrac12", YES),
    (r"\frac{1}{2}", "1/2", YES),
    (r"\frac{1}{2}", "0.5", YES),
    (r"\frac{1}{2}", ".5", YES),
    (r"\frac{1}{2}", "2/1", NO),
    (r"\sqrt{3}", r"\sqrt3", YES),
    (r"\sqrt{3}", "3", NO),
    ("5", "x=5", YES),
    ("7", "k = 7", YES),
    ("7", "k = 8", NO),
    ("90", r"90^\circ", YES),
    ("12", r"\$12", YES),
    ("50", r"50\%", YES),
    ("50", r"5\%", NO),
    ("12", r"12\text{ cm}", YES),
    (r"(1,2)", r"\left(1,2\right)", YES),
    (r"(1,2)", r"\left(2,1\right)", NO),
    ("10000", r"10,\!000", YES),
    (r"\frac{3}{2}x", r"\frac32 x", YES),
]
MINERVA = [
    ("12", "12 square inches", YES),
    ("12", "21 square inches", NO),
    ("5", r"5\text{ ways}", YES),
    ("40", "40 mph", YES),
    ("25", "25 students", YES),
    ("60", "60 degrees", YES),
    ("75", "75 cents", YES),
    ("1000", "1,000", YES),
    ("1000", "1,00", NO),
    (r"\text{even}", "even", YES),
    (r"\text{even}", "odd", NO),
    ("2", r"\textbf{2}", YES),
    ("2", r"\mbox{2}", YES),
    (r"2\sqrt{5}", r"$2\sqrt{5}$", YES),
    (r"\frac{a}{b}", r"\frac ab", YES),
    (r"\frac{a}{b}", r"\frac{a}b", YES),
    (r"\frac{a}{b}", r"\frac ba", NO),
    ("Wednesday", r"\text{Wednesday}", YES),
    ("Wednesday", r"\text{Thursday}", NO),
]
MATH_VERIFY = [
    (r"\{1,2,3,4\}", r"\{1,3\} \cup \{2,4\}", YES),
    (r"\{1,2,3,4\}", r"\{1,3\} \cup \{2\}", NO),
    (r"\{1,2\}", r"\{2,1\}", YES),
    (r"(-\infty,5)", "x < 5", YES),
    (r"(-\infty,5)", "x > 5", NO),
    (r"(-\infty,5)", r"x \le 5", NO),
    (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt{3}}", YES),
    (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt{2}}", NO),
    ("y = 3 - 2x", "2x + y = 3", YES),
    ("y = 3 - 2x", "2x + y = 4", NO),
    ("x^2 - 1", "(x-1)(x+1)", YES),
    ("x^2 - 1", "(x-1)^2", NO),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{bmatrix} 1 \\ 2 \end{bmatrix}", YES),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 2 \\ 1 \end{pmatrix}", NO),
    ("0.1", r"10\%", YES),
    (r"\frac{1}{3}", "0.333333333", YES),
    (r"\frac{1}{3}", "0.3", NO),
    (r"\pi", "3.14159265358979", YES),
    ("3+4i", "4i + 3", YES),
    ("3+4i", "3-4i", NO),
]


@pytest.fixture(scope="module")
def equal():
    """Whether two answers to problems of MATH are equal, in canonical spelling."""
    checker = mathematics(any_order=True)

    def verdict(gold, answer):
        one, other = checker.canonical(gold), checker.canonical(answer)
        found = checker.quick(one, other) if checker.quick else None
        return checker.equal(one, other) if found is None else found

    return verdict


@pytest.mark.parametrize(("gold", "answer", "verdict"), [*HENDRYCKS, *MINERVA, *MATH_VERIFY])
def test_it_is_known_here_too(equal, gold, answer, verdict):
    assert equal(gold, answer) is verdict
